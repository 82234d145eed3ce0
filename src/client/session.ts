import type { Readable, Writable } from 'node:stream';
import { INSPECT } from '../bytes/inspect.ts';
import { IscsiError } from '../errors.ts';
import { UnitCounters } from '../initiator/counters.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { SessionEvent } from '../initiator/session-host.ts';
import { SessionPort } from '../initiator/session-port.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { CLOCK, now } from '../node/clock.ts';
import {
  createReadStream,
  createWriteStream,
  type ReadStreamOptions,
  readable,
  type WriteStreamOptions,
  writable,
} from '../node/streams.ts';
import { formatLun, type Lun } from '../scsi/lun.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import { callTime } from '../unit/call-time.ts';
import { noteEvent } from '../unit/doubt.ts';
import { executeChecked } from '../unit/execute.ts';
import { checkOptions } from '../unit/option-rules.ts';
import { COMMAND_OPTIONS, type CommandOptions } from '../unit/options.ts';
import { type Probe, probe } from '../unit/probe.ts';
import { REPORT_LUNS_WELL_KNOWN, type ReportedLun, reportLuns } from '../unit/report-luns.ts';
import { type CommandUnderWay, commandsUnderWay } from './commands-under-way.ts';
import { lunOf, otherAddress } from './lun-of.ts';
import { ManagedUnit } from './managed-unit.ts';
import { OPEN_RULES } from './option-rules.ts';
import { LOGOUT_TIMEOUT, type OpenOptions } from './options.ts';
import { SessionPorts } from './session-ports.ts';
import { type RequestOptions, SessionRequests, type TaskManagementFunction } from './session-requests.ts';
import { type SessionStatistics, sessionStatistics } from './statistics.ts';
import { type TargetEvent, targetEvent } from './target-event.ts';
import { TaskFunctions } from './task-functions.ts';

/** What a session is made of. @internal */
export interface SessionParts {
  readonly core: InitiatorSession;
  readonly targetName: string;
  readonly targetPortal: string;
  readonly timeout: number;
  /** Resolves when the socket is closed and nothing is left: with the error that ended the session, if one did. */
  readonly ended: Promise<IscsiError | undefined>;
  /** Told what the target says unasked. */
  readonly onEvent: ((event: TargetEvent) => void) | undefined;
}

/**
 * One iSCSI session with one target: the raw layer. Commands go to any of its logical units; `logicalUnit()` opens one
 * for comfortable use.
 *
 * @example
 * await using session = await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const luns = await session.reportLuns();
 * luns.map(({ text }) => text); // ['0']
 */
export class Session extends TaskFunctions implements AsyncDisposable {
  /** The iSCSI name of the target; empty in a discovery session. */
  readonly targetName: string;
  /** Where the session is connected to, as `host:port`. */
  readonly targetPortal: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  /**
   * Resolves when the session is over and its socket is gone: with the error that ended it, or with undefined after
   * `close()`. Never rejects.
   */
  readonly closed: Promise<IscsiError | undefined>;
  /** @internal How whoever waits for something in this session tells the time. */
  readonly clock = CLOCK;
  /** @internal */
  readonly core: InitiatorSession;

  readonly #parts: SessionParts;
  readonly #ports: SessionPorts;
  readonly #requests: SessionRequests;
  #closing: Promise<void> | undefined;

  /** @internal Use `openSession()`. */
  static of(parts: SessionParts): Session {
    return new Session(parts);
  }

  private constructor(parts: SessionParts) {
    super();
    const { core, targetName, timeout } = parts;
    this.#parts = parts;
    this.#ports = new SessionPorts((lun) => {
      const counters = new UnitCounters(core.counters);
      return new SessionPort(core, { lun, targetName, timeout, clock: CLOCK, counters });
    });
    this.#requests = new SessionRequests(core, timeout);
    this.core = core;
    this.targetName = targetName;
    this.targetPortal = parts.targetPortal;
    this.timeout = timeout;
    this.closed = parts.ended;
  }

  /** What the login has settled. */
  get parameters(): OperationalParameters {
    const { parameters } = this.core;
    if (parameters === undefined)
      throw new IscsiError('ISCSI_CLOSED', 'Cannot tell the parameters: the login has not ended');
    return parameters;
  }

  /** False once the session is closed or lost. */
  get open(): boolean {
    return this.core.phase === 'fullFeature';
  }

  /** The port to one of its logical units: what whoever speaks SCSI takes. Nothing is sent; the LUN need not exist. */
  port(lun: Lun | number): ScsiPort {
    return this.#ports.of(lunOf(lun));
  }

  /**
   * Sends one command to a logical unit and waits for its status. A status other than GOOD is a result, not an error.
   * The buffers belong to the session until the promise settles.
   *
   * @throws {IscsiError} `ISCSI_ABORTED`, `ISCSI_TIMEOUT`, `ISCSI_CONNECTION_LOST` and the like, when there is no
   * status.
   */
  execute(lun: Lun | number, request: ScsiRequest): Promise<ScsiResult> {
    try {
      return executeChecked(this.port(lun), request);
    } catch (error) {
      return Promise.reject(error); // a LUN that cannot be
    }
  }

  /**
   * The commands that have no status yet, in no order: those of `execute` and those of the logical units, one `read` or
   * `write` being several where it is long. Yours is the one whose `dataIn` or `dataOut` is your buffer. One of them is
   * what `taskManagement` takes as `task`.
   */
  commandsUnderWay(): CommandUnderWay[] {
    return commandsUnderWay(this.core);
  }

  /** What the session has done so far, commands of all its logical units together: a snapshot, a plain object. */
  statistics(): SessionStatistics {
    return sessionStatistics(this.core.counters);
  }

  /**
   * Sends a task management function. Commands that it has ended settle with `ISCSI_ABORTED`, unless their own answer
   * came first.
   *
   * @returns The Response field: one of `TASK_MANAGEMENT_RESPONSES`.
   * @throws {IscsiError} `ISCSI_USAGE` when `task` was not sent yet. `ISCSI_ABORTED` when the signal aborts; the
   * function may still take effect.
   */
  taskManagement(request: TaskManagementFunction, options: RequestOptions = {}): Promise<number> {
    return this.#requests.taskManagement(request, options);
  }

  /**
   * Sends a ping (NOP-Out) and waits for its echo.
   * @returns What the target echoed: `data`, cut to what the target is willing to send back.
   */
  nop(data: Uint8Array = NOTHING, options: RequestOptions = {}): Promise<Uint8Array> {
    return this.#requests.nop(data, this.parameters.targetMaxRecvDataSegmentLength, options);
  }

  /**
   * Sends a Text Request, such as `SendTargets=All\0`, and collects the whole answer. One at a time: a second one
   * waits.
   * @param text `key=value` pairs, each with a NUL behind it.
   */
  text(text: string, options: RequestOptions = {}): Promise<Uint8Array> {
    return this.#requests.text(text, this.parameters.targetMaxRecvDataSegmentLength, options);
  }

  /** The logical units that the target shows to this initiator (REPORT LUNS), in its order. */
  async reportLuns(options: CommandOptions = {}): Promise<ReportedLun[]> {
    checkOptions(options, COMMAND_OPTIONS, 'reportLuns');
    return reportLuns(this.#inventory, options);
  }

  /**
   * Opens a logical unit of this session. Closing it leaves the session open.
   * @throws {IscsiError} `ISCSI_LUN_NOT_FOUND` with the LUNs that there are.
   */
  async logicalUnit(lun: Lun | number, options: OpenOptions = {}): Promise<IscsiLogicalUnit> {
    checkOptions(options, OPEN_RULES, 'logicalUnit');
    return this.openUnit(lunOf(lun), options, false);
  }

  /** @internal As `logicalUnit`; with `ownsSession`, closing it closes the session too. */
  async openUnit(lun: Lun, options: OpenOptions, ownsSession: boolean): Promise<IscsiLogicalUnit> {
    const call = callTime(this, options);
    const open = async (there: Lun): Promise<IscsiLogicalUnit> => {
      const port = this.port(there);
      const probed = await probe(port, { ...call, inventory: this.#inventory });
      return IscsiLogicalUnit.of({ session: this, lun: there, port, probed, ownsSession });
    };
    try {
      return await open(lun);
    } catch (error) {
      const other = await otherAddress(lun, error, () => reportLuns(this.#inventory, call));
      if (other === undefined) throw error;
      return open(other);
    }
  }

  /** Who tells which logical units there are. */
  get #inventory(): readonly ScsiPort[] {
    return [this.port(LUN_0), this.port(REPORT_LUNS_WELL_KNOWN)];
  }

  /**
   * Waits for the commands under way, logs out and closes the connection. Leaves no timer and no socket.
   * A second call waits for the first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal One line, for `console.log` and the like. */
  [INSPECT](): string {
    const what = this.targetName === '' ? 'discovery' : this.targetName;
    return `Session { ${what} at ${this.targetPortal}, ${this.open ? 'open' : 'closed'} }`;
  }

  /** @internal The target said something unasked. */
  tell(event: SessionEvent): void {
    const told = targetEvent(event);
    if (told.sense !== undefined) noteEvent(this.port(LUN_0), told.sense);
    this.#parts.onEvent?.(told);
  }

  /** @internal Gives the session up at once: whatever waits settles with `error`. */
  abandon(error: IscsiError): void {
    this.core.fail(error);
  }

  async #close(): Promise<void> {
    if (this.core.phase === 'fullFeature') this.core.logout(now() + this.timeout + LOGOUT_TIMEOUT);
    await this.closed;
  }
}

export type { OperationalParameters };

const NOTHING = new Uint8Array(0);
const LUN_0: Lun = { high: 0, low: 0 };

/** What an {@link IscsiLogicalUnit} is made of. @internal */
export interface UnitParts {
  readonly session: Session;
  readonly lun: Lun;
  readonly port: ScsiPort;
  readonly probed: Probe;
  /** Whether closing it closes the session. */
  readonly ownsSession: boolean;
}

/**
 * A logical unit behind an iSCSI session, with Node's streams. Opened by `connect()` or `session.logicalUnit()`. In one
 * file with the session, because each gives the other.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * const [first] = await lun.createReadStream({ end: 4095 }).toArray();
 * first.length; // 4096
 */
export class IscsiLogicalUnit extends ManagedUnit {
  /** The session that it belongs to. */
  override readonly session: Session;
  /** The LUN field as it goes on the wire. */
  override readonly lun: Lun;
  readonly #ownsSession: boolean;

  /** @internal Use `connect()` or `session.logicalUnit()`. */
  static of(parts: UnitParts): IscsiLogicalUnit {
    return new IscsiLogicalUnit(parts);
  }

  private constructor({ session, lun, port, probed, ownsSession }: UnitParts) {
    super(port, probed);
    this.session = session;
    this.lun = lun;
    this.#ownsSession = ownsSession;
  }

  /** The LUN as text: its number, or 0x and 16 hex digits. */
  get lunText(): string {
    return formatLun(this.lun);
  }

  /** A Node stream of the bytes from `start` to `end`, which is the last one, as in `node:fs`; read ahead. */
  createReadStream(options: ReadStreamOptions = {}): Readable {
    return createReadStream(this, options);
  }

  /** A Node stream that writes from `start` on. It flushes the target's cache before it finishes. */
  createWriteStream(options: WriteStreamOptions = {}): Writable {
    return createWriteStream(this, options);
  }

  /** As `createReadStream`, as a web stream. */
  readable(options: ReadStreamOptions = {}): ReturnType<typeof readable> {
    return readable(this, options);
  }

  /** As `createWriteStream`, as a web stream. */
  writable(options: WriteStreamOptions = {}): ReturnType<typeof writable> {
    return writable(this, options);
  }

  /** Closes it, and the session too when `connect()` opened both. */
  override async close(): Promise<void> {
    if (this.#ownsSession) await this.session.close();
  }
}
