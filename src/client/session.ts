import { utf8 } from '../bytes/text.ts';
import { IscsiError } from '../errors.ts';
import type { InitiatorConnection } from '../initiator/connection.ts';
import type { ExchangeAnswer } from '../initiator/exchange.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { SessionEvent } from '../initiator/session-host.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { now } from '../node/clock.ts';
import { encodeLun, type Lun } from '../scsi/lun.ts';
import { NO_RESIDUAL, type ScsiRequest, type ScsiResult } from '../scsi/request.ts';
import type { ScsiTask } from '../scsi/scsi-task.ts';
import { TASK_ATTRIBUTES } from '../scsi/scsi-task.ts';
import { parseSense } from '../scsi/sense.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { aborted, onAbort } from './abort.ts';
import { LogicalUnit } from './logical-unit.ts';
import { type CommandOptions, LOGOUT_TIMEOUT, timeProblem } from './options.ts';
import { reportLuns } from './report-luns.ts';
import { WriteGate } from './write-gate.ts';

/** A task management function and what it acts on. */
export interface TaskManagementRequest {
  /** One of `TASK_MANAGEMENT_FUNCTIONS`. */
  readonly functionCode: number;
  /** For functions that address one logical unit. Default: LUN 0. */
  readonly lun?: Lun | number;
}

/** What a session is made of. @internal */
export interface SessionParts {
  readonly core: InitiatorSession;
  readonly connection: InitiatorConnection;
  readonly targetName: string;
  readonly targetPortal: string;
  readonly timeout: number;
  /** Settles when the socket is closed and nothing is left. */
  readonly ended: Promise<void>;
  /** Ends the transport at once. */
  readonly destroy: () => void;
}

/**
 * One iSCSI session with one target: the raw layer. Commands go to any of its logical units; `logicalUnit()` opens one for comfortable use.
 *
 * @example
 * await using session = await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const luns = await session.reportLuns();
 * luns.map(({ text }) => text); // ['0']
 */
export class Session implements AsyncDisposable {
  /** The iSCSI name of the target; empty in a discovery session. */
  readonly targetName: string;
  /** Where the session is connected to, as `host:port`. */
  readonly targetPortal: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  /** @internal */
  readonly core: InitiatorSession;

  readonly #parts: SessionParts;
  readonly #writeGates = new Map<string, WriteGate>();
  #closing: Promise<void> | undefined;
  #textBusy: Promise<unknown> = Promise.resolve();

  /** @internal Use `openSession()`. */
  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.core = parts.core;
    this.targetName = parts.targetName;
    this.targetPortal = parts.targetPortal;
    this.timeout = parts.timeout;
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

  /**
   * Sends one command to a logical unit and waits for its status. A status other than GOOD is a result, not an error.
   * The buffers belong to the session until the promise settles.
   *
   * @throws {IscsiError} `ISCSI_ABORTED`, `ISCSI_TIMEOUT`, `ISCSI_CONNECTION_LOST` and the like, when there is no status.
   */
  execute(lun: Lun | number, request: ScsiRequest): Promise<ScsiResult> {
    return new Promise((resolve, reject) => {
      const { high, low } = typeof lun === 'number' ? encodeLun(lun) : lun;
      const { signal } = request;
      const problem = signal?.aborted ? aborted(signal.reason) : timeProblem(request.timeout, 'timeout');
      if (problem !== undefined) {
        reject(problem);
        return;
      }
      const task = this.core.newTask();
      task.lunHigh = high;
      task.lunLow = low;
      fill(task, request, this.timeout);
      const listening = { stop: nothing };
      task.settle = (settled, error) => {
        listening.stop();
        if (error === undefined) resolve(resultOf(settled));
        else reject(error);
      };
      this.core.submit(task);
      if (signal !== undefined && task.phase !== 'idle') listening.stop = onAbort(this.core, task, signal);
    });
  }

  /**
   * Sends a task management function.
   * @returns The Response field: one of `TASK_MANAGEMENT_RESPONSES`.
   */
  async taskManagement(request: TaskManagementRequest, options: { readonly timeout?: number } = {}): Promise<number> {
    const lun =
      typeof request.lun === 'number' || request.lun === undefined ? encodeLun(request.lun ?? 0) : request.lun;
    const fields = {
      functionCode: request.functionCode,
      lunHigh: lun.high,
      lunLow: lun.low,
      referencedTaskTag: RESERVED_TAG,
      refCmdSN: 0,
    };
    const answer = await this.#exchange(options, (deadline, settle) =>
      this.core.taskManagement(fields, deadline, settle),
    );
    return answer.response ?? 0;
  }

  /**
   * Sends a ping (NOP-Out) and waits for its echo.
   * @returns What the target echoed: `data`, cut to what the target is willing to send back.
   */
  async nop(data: Uint8Array = EMPTY, options: { readonly timeout?: number } = {}): Promise<Uint8Array> {
    if (data.length > this.parameters.targetMaxRecvDataSegmentLength) {
      throw new IscsiError(
        'ISCSI_USAGE',
        `Cannot ping with ${data.length} bytes: the target takes ${this.parameters.targetMaxRecvDataSegmentLength}`,
      );
    }
    const answer = await this.#exchange(options, (deadline, settle) => this.core.nop(data, deadline, settle));
    return answer.data ?? EMPTY;
  }

  /**
   * Sends a Text Request, such as `SendTargets=All\0`, and collects the whole answer. One at a time: a second one waits.
   * @param text `key=value` pairs, each with a NUL behind it.
   */
  text(text: string, options: { readonly timeout?: number } = {}): Promise<Uint8Array> {
    const run = async (): Promise<Uint8Array> => {
      const bytes = utf8(text);
      const allowed = this.parameters.targetMaxRecvDataSegmentLength;
      if (bytes.length > allowed)
        throw new IscsiError('ISCSI_USAGE', `Cannot send ${bytes.length} bytes of text: the target takes ${allowed}`);
      const answer = await this.#exchange(options, (deadline, settle) => this.core.text(bytes, deadline, settle));
      return answer.data ?? EMPTY;
    };
    const turn = this.#textBusy.then(run, run);
    this.#textBusy = turn.catch(nothing);
    return turn;
  }

  /** The logical units that the target shows to this initiator (REPORT LUNS), in its order. */
  reportLuns(options: CommandOptions = {}): ReturnType<typeof reportLuns> {
    return reportLuns(this, options);
  }

  /**
   * Opens a logical unit of this session. Closing it leaves the session open.
   * @throws {IscsiError} `ISCSI_LUN_NOT_FOUND` with the LUNs that there are.
   */
  logicalUnit(lun: Lun | number, options: CommandOptions & { readonly probe?: boolean } = {}): Promise<LogicalUnit> {
    return LogicalUnit.open(this, typeof lun === 'number' ? encodeLun(lun) : lun, options);
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

  /** @internal Gives the session up at once: whatever waits settles with `error`. */
  abandon(error: IscsiError): void {
    this.core.fail(error);
  }

  /** @internal The gate of a logical unit: all who have it open in this session go through the same. */
  writeGate({ high, low }: Lun): WriteGate {
    const key = `${high} ${low}`;
    const gate = this.#writeGates.get(key) ?? new WriteGate();
    this.#writeGates.set(key, gate);
    return gate;
  }

  async #close(): Promise<void> {
    if (this.core.phase === 'fullFeature') this.core.logout(now() + this.timeout + LOGOUT_TIMEOUT);
    await this.#parts.ended;
  }

  #exchange(
    options: { readonly timeout?: number },
    send: (deadline: number, settle: (error: IscsiError | undefined, answer: ExchangeAnswer) => void) => void,
  ): Promise<ExchangeAnswer> {
    return new Promise((resolve, reject) => {
      const problem = timeProblem(options.timeout, 'timeout');
      if (problem !== undefined) throw problem;
      send(now() + (options.timeout ?? this.timeout), (error, answer) => {
        if (error === undefined) resolve(answer);
        else reject(error);
      });
      this.core.host.wake();
    });
  }
}

/** What a login has settled, and something that happened at the target without being asked for. */
export type { OperationalParameters, SessionEvent };

const EMPTY = new Uint8Array(0);
/** The longest CDB that SPC has: a variable-length one with ADDITIONAL CDB LENGTH 252. */
const MAX_CDB_LENGTH = 260;

function fill(task: ScsiTask, request: ScsiRequest, timeout: number): void {
  const { cdb } = request;
  if (cdb.length < 6 || cdb.length > MAX_CDB_LENGTH) {
    throw new IscsiError('ISCSI_USAGE', `Cannot send a CDB of ${cdb.length} bytes: 6..${MAX_CDB_LENGTH} allowed`);
  }
  for (let at = 0; at < 16; at++) task.cdb.setUint8(at, cdb[at] ?? 0);
  task.longCdb = cdb.length > 16 ? cdb.slice() : undefined;
  task.dataIn = request.dataIn ?? EMPTY;
  task.dataOut = request.dataOut ?? EMPTY;
  task.attribute = TASK_ATTRIBUTES[request.attribute ?? 'simple'];
  task.timeout = request.timeout ?? timeout;
}

function resultOf(task: ScsiTask): ScsiResult {
  return {
    status: task.status,
    sense: task.sense === undefined ? undefined : parseSense(task.sense),
    dataInLength: task.received,
    residual: task.residual === 'none' ? NO_RESIDUAL : { kind: task.residual, count: task.residualCount },
  };
}

function nothing(): void {
  // Nothing to stop, or an error that its own caller gets.
}
