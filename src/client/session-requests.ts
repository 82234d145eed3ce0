import { utf8 } from '../bytes/text.ts';
import { IscsiError } from '../errors.ts';
import type { InitiatorConnection } from '../initiator/connection.ts';
import type { ExchangeAnswer } from '../initiator/exchange.ts';
import type { TaskManagementFields } from '../initiator/requests.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import { now } from '../node/clock.ts';
import { encodeLun, type Lun } from '../scsi/lun.ts';
import type { AbortSignalLike } from '../scsi/request.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import { timeProblem } from '../unit/options.ts';
import type { TaskName } from './commands-under-way.ts';

/** A task management function and what it acts on. */
export interface TaskManagementRequest {
  /** One of `TASK_MANAGEMENT_FUNCTIONS`. */
  readonly functionCode: number;
  /** For functions that address one logical unit. Default: that of `task`, else LUN 0. */
  readonly lun?: Lun | number;
  /** For functions that act on one task, such as ABORT TASK: one of `session.commandsUnderWay()`. */
  readonly task?: TaskName;
}

/** Options of a request that is no SCSI command. */
export interface RequestOptions {
  /**
   * Ends the waiting at once, with `ISCSI_ABORTED`. What was sent cannot be called back: the answer is dropped when it
   * comes, and a task management function may still take effect. A target that never answers loses the session when the
   * time is over, as without a signal.
   */
  readonly signal?: AbortSignalLike;
  /** Milliseconds. Default: the session's `timeout`. */
  readonly timeout?: number;
}

type SettleExchange = (error: IscsiError | undefined, answer: ExchangeAnswer) => void;
type SendExchange = (deadline: number, settle: SettleExchange) => void;

const NOTHING = new Uint8Array(0);
const LUN_0: Lun = { high: 0, low: 0 };

/** The requests of a session that are no SCSI commands: ping, text, task management. */
export class SessionRequests {
  readonly #core: InitiatorSession;
  readonly #connection: InitiatorConnection;
  readonly #timeout: number;
  #textBusy: Promise<unknown> = Promise.resolve();

  constructor(core: InitiatorSession, connection: InitiatorConnection, timeout: number) {
    this.#core = core;
    this.#connection = connection;
    this.#timeout = timeout;
  }

  /** See `Session.taskManagement`. */
  async taskManagement(request: TaskManagementRequest, options: RequestOptions): Promise<number> {
    const fields = fieldsOf(request);
    const answer = await this.#exchange(options, (deadline, settle) =>
      this.#sendTaskManagement(fields, deadline, (error, given) => {
        if (endsTask(request, given.response)) this.#concludeTask(fields.referencedTaskTag);
        settle(error, given);
      }),
    );
    return answer.response ?? 0;
  }

  /** See `Session.nop`. `limit`: bytes that the target takes. */
  async nop(data: Uint8Array, limit: number, options: RequestOptions): Promise<Uint8Array> {
    if (data.length > limit)
      throw new IscsiError('ISCSI_USAGE', `Cannot ping with ${data.length} bytes: the target takes ${limit}`);
    const answer = await this.#exchange(options, (deadline, settle) => this.#sendNop(data, deadline, settle));
    return answer.data ?? NOTHING;
  }

  /** See `Session.text`. `limit`: bytes that the target takes. */
  text(text: string, limit: number, options: RequestOptions): Promise<Uint8Array> {
    const { signal, ...waiting } = options;
    const run = async (): Promise<Uint8Array> => {
      if (signal?.aborted) throw aborted(signal.reason, 'request');
      const bytes = utf8(text);
      if (bytes.length > limit)
        throw new IscsiError('ISCSI_USAGE', `Cannot send ${bytes.length} bytes of text: the target takes ${limit}`);
      const answer = await this.#exchange(waiting, (deadline, settle) => this.#sendText(bytes, deadline, settle));
      return answer.data ?? NOTHING;
    };
    // The turn ends with the answer and not with the signal: only one text may be under way (RFC 7143 §11.10).
    const turn = this.#textBusy.then(run, run);
    this.#textBusy = turn.catch(ignore);
    return untilAborted(turn, signal);
  }

  #exchange({ signal, timeout }: RequestOptions, send: SendExchange): Promise<ExchangeAnswer> {
    const problem = signal?.aborted ? aborted(signal.reason, 'request') : timeProblem(timeout, 'timeout');
    if (problem !== undefined) return Promise.reject(problem);
    const answer = new Promise<ExchangeAnswer>((resolve, reject) => {
      send(now() + (timeout ?? this.#timeout), (error, given) => {
        if (error === undefined) resolve(given);
        else reject(error);
      });
    });
    this.#core.host.wake();
    return untilAborted(answer, signal);
  }

  // What follows is all that these requests need of the core.

  #sendTaskManagement(fields: TaskManagementFields, deadline: number, settle: SettleExchange): void {
    this.#connection.sendTaskManagement(fields, deadline, settle);
  }

  #sendNop(data: Uint8Array, deadline: number, settle: SettleExchange): void {
    this.#connection.sendNop(data, deadline, settle);
  }

  #sendText(text: Uint8Array, deadline: number, settle: SettleExchange): void {
    this.#connection.sendText(text, deadline, settle);
  }

  /**
   * Ends a command of which the target has said that it is gone: no response of it can come any more (RFC 7143
   * §11.6.1).
   */
  #concludeTask(tag: number): void {
    this.#core.tasks.forEach((entry) => {
      if (entry.kind !== 'scsi' || entry.initiatorTaskTag !== tag) return;
      if (entry.phase !== 'sent' && entry.phase !== 'aborting') return;
      this.#core.settle(
        entry,
        entry.abortReason ?? new IscsiError('ISCSI_ABORTED', 'A task management function ended the command'),
      );
    });
  }
}

const { ABORT_TASK } = TASK_MANAGEMENT_FUNCTIONS;
const { FUNCTION_COMPLETE, TASK_DOES_NOT_EXIST } = TASK_MANAGEMENT_RESPONSES;

/** Whether the answer says that the named task does nothing more. */
function endsTask({ functionCode, task }: TaskManagementRequest, response: number | undefined): boolean {
  if (functionCode !== ABORT_TASK || task === undefined) return false;
  return response === FUNCTION_COMPLETE || response === TASK_DOES_NOT_EXIST;
}

function fieldsOf({ functionCode, lun, task }: TaskManagementRequest): TaskManagementFields {
  const { high, low } = typeof lun === 'number' ? encodeLun(lun) : (lun ?? task?.lun ?? LUN_0);
  const named = { functionCode, lunHigh: high, lunLow: low };
  if (task === undefined) return { ...named, referencedTaskTag: RESERVED_TAG, refCmdSN: 0 };
  if (task.cmdSN === undefined) {
    throw new IscsiError('ISCSI_USAGE', 'Cannot name a task to the target that was not sent yet', {
      hint: 'the command waits for the command window: its own signal takes it back',
    });
  }
  return { ...named, referencedTaskTag: task.initiatorTaskTag, refCmdSN: task.cmdSN };
}

/** The answer, or `ISCSI_ABORTED` as soon as the signal says so; what comes of the answer then is nobody's concern. */
function untilAborted<T>(answer: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(aborted(signal.reason, 'request'));
    if (signal.aborted) refuse();
    const stop = whenAborted(signal, refuse);
    answer.finally(stop).then(resolve, reject);
  });
}

function ignore(): void {
  // An error that its own caller gets.
}
