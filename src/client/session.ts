import { INSPECT } from '../bytes/inspect.ts';
import type { CaptureSummary } from '../capture/recorder.ts';
import { IscsiError } from '../errors.ts';
import { UnitCounters } from '../initiator/counters.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { SessionEvent } from '../initiator/session-host.ts';
import { SessionPort } from '../initiator/session-port.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { saveRecording } from '../node/capture-file.ts';
import { CLOCK, now } from '../node/clock.ts';
import { formatLun, type Lun } from '../scsi/lun.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import { WriteLog } from '../scsi/write-log.ts';
import { ASYNC_EVENTS } from '../spec/iscsi-async-events.ts';
import { callTime } from '../unit/call-time.ts';
import { noteEvent } from '../unit/doubt.ts';
import { executeChecked } from '../unit/execute.ts';
import { checkOptions } from '../unit/option-rules.ts';
import { COMMAND_OPTIONS, type CommandOptions } from '../unit/options.ts';
import { type Probe, probe } from '../unit/probe.ts';
import { REPORT_LUNS_WELL_KNOWN, type ReportedLun, reportLuns } from '../unit/report-luns.ts';
import { type CommandUnderWay, commandsUnderWay } from './commands-under-way.ts';
import type { Login } from './login.ts';
import { lunOf, otherAddress } from './lun-of.ts';
import { OPEN_RULES } from './option-rules.ts';
import { LOGOUT_TIMEOUT, type OpenOptions } from './options.ts';
import { SessionRecovery } from './recovery.ts';
import type { SessionParts } from './session-parts.ts';
import { SessionPorts } from './session-ports.ts';
import { type RequestOptions, SessionRequests, type TaskManagementFunction } from './session-requests.ts';
import { type SessionStatistics, sessionStatistics } from './statistics.ts';
import { StreamingUnit } from './streaming-unit.ts';
import { targetEvent } from './target-event.ts';
import { TaskFunctions } from './task-functions.ts';

/**
 * One iSCSI session with one target: the raw layer. Commands go to any of its logical units; `logicalUnit()` opens one
 * for comfortable use.
 *
 * With the option `reconnect` it outlives its connection: it logs in again, and stays the same object, as do its ports
 * and logical units. What it goes through it announces, as an `EventEmitter` does: see {@link SessionEvents}.
 *
 * @example
 * await using session = await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const luns = await session.reportLuns();
 * luns.map(({ text }) => text); // ['0']
 */
export class Session extends TaskFunctions implements AsyncDisposable {
  /** The iSCSI name of the target; empty in a discovery session. */
  readonly targetName: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  /**
   * Resolves when the session is over for good and its socket is gone: with the error that ended it, or with undefined
   * after `close()`. Never rejects.
   */
  readonly closed: Promise<IscsiError | undefined>;
  /** @internal How whoever waits for something in this session tells the time. */
  readonly clock = CLOCK;
  /** @internal */
  readonly ports: SessionPorts;

  readonly #parts: SessionParts;
  #login: Login;
  readonly #recovery: SessionRecovery | undefined;
  #finish: (error: IscsiError | undefined) => void = nothing;
  readonly #requests: SessionRequests;
  #closing: Promise<void> | undefined;
  /** Its owner closes it: nothing is done to get it back. */
  #leaving = false;
  #ended = false;
  /** Stands for the device in all logins. */
  readonly #device = {};

  /** @internal Use `openSession()`. */
  static of(parts: SessionParts): Session {
    return new Session(parts);
  }

  private constructor(parts: SessionParts) {
    super();
    const { login, recovery: plan, targetName, timeout } = parts;
    this.#parts = parts;
    this.#login = login;
    this.targetName = targetName;
    this.timeout = timeout;
    this.closed = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.ports = new SessionPorts((lun) => this.#newPort(lun));
    this.#recovery = plan === undefined ? undefined : new SessionRecovery({ ...parts, plan, owner: this });
    this.#requests = new SessionRequests(() => this.core, timeout);
    setImmediate(() => this.announce('connected')); // whoever awaits the session listens by then
  }

  /** @internal What carries it now; while it is away, what did. */
  get core(): InitiatorSession {
    return this.#login.core;
  }

  /** Where the session is connected to, as `host:port`; while it is away, where it was. */
  get targetPortal(): string {
    return this.#login.targetPortal;
  }

  /** What the login has settled. */
  get parameters(): OperationalParameters {
    const { parameters } = this.core;
    if (parameters === undefined)
      throw new IscsiError('ISCSI_CLOSED', 'Cannot tell the parameters: the login has not ended');
    return parameters;
  }

  /** False once the session is closed or lost; with `reconnect`: lost for good. While it comes back it is open. */
  get open(): boolean {
    const state = this.#recovery?.state;
    return state === undefined ? this.core.phase === 'fullFeature' : state !== 'closed' && state !== 'givenUp';
  }

  /** Whether commands go to the target now, and are not kept until the session is back. */
  get connected(): boolean {
    return this.core.phase === 'fullFeature';
  }

  /**
   * Does not wait any longer for the next attempt to get the session back, neither for the pause after a failure nor
   * for the time for which the target wants to be left alone. Does nothing while the session stands, or is over.
   */
  reconnectNow(): void {
    this.#recovery?.reconnectNow();
  }

  /** The port to one of its logical units: what whoever speaks SCSI takes. Nothing is sent; the LUN need not exist. */
  port(lun: Lun | number): ScsiPort {
    return this.ports.of(lunOf(lun));
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
    return commandsUnderWay(this.core, this.#recovery?.held);
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
   * Writes the last PDUs that went either way, and the login, to a new pcapng file, which its owner alone can read:
   * headers, and data segments up to 256 bytes, of longer ones the first 16. What proves a secret is blanked. May be
   * called at any time, after the session too; `iscsi-decode`, tshark and Wireshark read the file.
   *
   * @throws {IscsiError} `ISCSI_USAGE` when nothing is remembered (`recordLength: 0`).
   * @throws The error of the operating system when the file cannot be written.
   */
  async capture(path: string): Promise<CaptureSummary> {
    const { recorder } = this.#parts;
    if (recorder !== undefined) return saveRecording(recorder, path);
    throw new IscsiError('ISCSI_USAGE', 'Cannot write a capture: recordLength is 0, so nothing is remembered');
  }

  /**
   * Waits for the commands under way, logs out and closes the connection. Leaves no timer and no socket.
   * A second call waits for the first.
   */
  close(): Promise<void> {
    this.#leaving = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal One line, for `console.log` and the like. */
  [INSPECT](): string {
    const what = this.targetName === '' ? 'discovery' : this.targetName;
    const how = this.open ? (this.connected ? 'open' : 'lost, coming back') : 'closed';
    return `Session { ${what} at ${this.targetPortal}, ${how} }`;
  }

  /** @internal The target said something unasked. */
  tell(event: SessionEvent): void {
    const told = targetEvent(event);
    if (told.sense !== undefined) noteEvent(this.port(LUN_0), told.sense);
    const { onEvent } = this.#parts;
    if (onEvent !== undefined) process.nextTick(onEvent, told); // what it throws is no fault of the session
    this.announce('asyncEvent', told);
    if (told.asyncEvent !== ASYNC_EVENTS.LOGOUT_REQUEST) return;
    this.announce('logoutRequested', { within: Math.max(1, told.parameters[2]) * 1000 });
    this.#recovery?.logoutRequested();
  }

  /** @internal As `RecoveryOwner` has it. */
  takeOver(task: InitiatorTask, error: IscsiError): boolean {
    return this.#recovery?.takeOver(task, error) ?? false;
  }

  /** @internal As `RecoveryOwner` has it. */
  over(core: InitiatorSession, error: IscsiError | undefined): void {
    const { ended } = this.#login;
    if (!this.#leaving && this.#recovery !== undefined) this.#recovery.over(core, error);
    else {
      if (error !== undefined) this.announce('lost', error);
      void ended.then((reason) => this.#end(reason));
    }
  }

  /** @internal As `RecoveryOwner` has it. */
  adopt(login: Login): void {
    this.#login = login;
  }

  /** @internal As `RecoveryOwner` has it. */
  giveUp(error: IscsiError): void {
    this.#end(error);
  }

  /** @internal Gives the session up at once: whatever waits settles with `error`. */
  abandon(error: IscsiError): void {
    this.#leaving = true;
    void this.#recovery?.close();
    this.core.fail(error);
  }

  async #close(): Promise<void> {
    const away = this.#recovery !== undefined && this.core.phase === 'closed';
    const patience = this.#recovery?.onlyAsks === true ? 0 : this.timeout;
    const stopped = this.#recovery?.close();
    if (away) {
      if (!this.#ended) this.#parts.watch.ended(this.targetPortal, true, undefined);
      void Promise.all([stopped, this.#login.ended]).then(() => this.#end(undefined));
    } else if (this.core.phase === 'fullFeature') this.core.logout(now() + patience + LOGOUT_TIMEOUT);
    await this.closed;
  }

  #newPort(lun: Lun): SessionPort {
    const { targetName, timeout } = this;
    const recovery = this.#recovery;
    const writes = recovery === undefined ? undefined : new WriteLog();
    const counters = new UnitCounters(this.core.counters);
    const options = { lun, targetName, timeout, clock: CLOCK, device: this.#device, writes, counters };
    return new SessionPort(recovery?.carrier ?? this.core, options);
  }

  #end(error: IscsiError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#finish(error);
    this.announce('closed', error);
  }
}

export type { OperationalParameters };

function nothing(): void {
  // Replaced before it can be called.
}

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
export class IscsiLogicalUnit extends StreamingUnit {
  /** The session that it belongs to. */
  override readonly session: Session;
  readonly #ownsSession: boolean;

  /** @internal Use `connect()` or `session.logicalUnit()`. */
  static of(parts: UnitParts): IscsiLogicalUnit {
    return new IscsiLogicalUnit(parts);
  }

  private constructor({ session, lun, port, probed, ownsSession }: UnitParts) {
    super(port, probed, { announcer: session, lun });
    this.session = session;
    this.#ownsSession = ownsSession;
  }

  /** The LUN as text: its number, or 0x and 16 hex digits. */
  get lunText(): string {
    return formatLun(this.lun);
  }

  /** Closes it, and the session too when `connect()` opened both. */
  override async close(): Promise<void> {
    if (this.#ownsSession) await this.session.close();
  }
}
