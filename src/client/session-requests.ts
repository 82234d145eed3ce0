import { utf8 } from '../bytes/text.ts';
import { IscsiError } from '../errors.ts';
import type { Exchange, ExchangeAnswer, SettleExchange } from '../initiator/exchange.ts';
import type { TaskManagementFields } from '../initiator/requests.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import { usedFields } from '../initiator/task-management.ts';
import { now } from '../node/clock.ts';
import type { Lun } from '../scsi/lun.ts';
import type { AbortSignalLike } from '../scsi/request.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import { bytesOf, noBuffer } from '../unit/buffers.ts';
import { failCall } from '../unit/caller-stack.ts';
import {
  checkOptions,
  MILLISECONDS,
  OBJECT,
  type OptionRules,
  SIGNAL,
  shown,
  wholeNumber,
} from '../unit/option-rules.ts';
import { requireCurrent, type TaskName } from './commands-under-way.ts';
import { lunOf } from './lun-of.ts';

/** A task management function and what it acts on. */
export interface TaskManagementFunction {
  /** One of `TASK_MANAGEMENT_FUNCTIONS`. */
  readonly functionCode: number;
  /** For functions that address one logical unit. Default: that of `task`, else LUN 0. */
  readonly lun?: Lun | number;
  /** For functions that act on one task, such as ABORT TASK: one of `session.commandsUnderWay()`. */
  readonly task?: TaskName;
  /** For TASK REASSIGN: see `TaskReassignOptions`. */
  readonly expDataSN?: number;
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

const TASK_MANAGEMENT_RULES: OptionRules<TaskManagementFunction> = {
  functionCode: wholeNumber(0, 127),
  lun: { allowed: 'a number or { high, low }', is: (value) => typeof value === 'number' || OBJECT.is(value) },
  task: OBJECT,
  expDataSN: wholeNumber(0, 0xffff_ffff),
};

const REQUEST_RULES: OptionRules<RequestOptions> = { signal: SIGNAL, timeout: MILLISECONDS };

/** Sends a request, to be answered until `deadline`. */
type Begin = (deadline: number, settle: SettleExchange) => Exchange;

const NOTHING = new Uint8Array(0);
const LUN_0: Lun = { high: 0, low: 0 };

/** The requests of a session that are no SCSI commands: ping, text, task management. */
export class SessionRequests {
  /** What carries the session at the moment. */
  readonly #current: () => InitiatorSession;
  readonly #timeout: number;

  constructor(current: () => InitiatorSession, timeout: number) {
    this.#current = current;
    this.#timeout = timeout;
  }

  get #core(): InitiatorSession {
    return this.#current();
  }

  /** See `Session.taskManagement`. */
  async taskManagement(request: TaskManagementFunction, options: RequestOptions): Promise<number> {
    checkOptions(request, TASK_MANAGEMENT_RULES, 'taskManagement');
    checkOptions(options, REQUEST_RULES, 'taskManagement');
    const fields = usedFields(fieldsOf(request));
    if (request.task !== undefined) requireCurrent(this.#core, request.task);
    const answer = await this.#exchange(options, (deadline, settle) =>
      this.#core.taskManagement(fields, deadline, settle),
    );
    return answer.response ?? 0;
  }

  /** See `Session.nop`. `limit`: bytes that the target takes. */
  async nop(given: ArrayBufferView, limit: number, options: RequestOptions): Promise<Uint8Array> {
    checkOptions(options, REQUEST_RULES, 'nop');
    const data = bytesOf(given);
    if (data === undefined) throw noBuffer(given, 'ping with');
    if (data.length > limit)
      throw new IscsiError('ISCSI_USAGE', `Cannot ping with ${data.length} bytes: the target takes ${limit}`);
    const answer = await this.#exchange(options, (deadline, settle) => this.#core.nop(data, deadline, settle));
    return answer.data ?? NOTHING;
  }

  /** See `Session.text`. `limit`: bytes that the target takes. */
  async text(text: string, limit: number, options: RequestOptions): Promise<Uint8Array> {
    checkOptions(options, REQUEST_RULES, 'text');
    if (typeof text !== 'string') throw new IscsiError('ISCSI_USAGE', `Cannot send ${shown(text)}: a string allowed`);
    const bytes = utf8(text);
    if (bytes.length > limit)
      throw new IscsiError('ISCSI_USAGE', `Cannot send ${bytes.length} bytes of text: the target takes ${limit}`);
    const answer = await this.#exchange(options, (deadline, settle) => this.#core.text(bytes, deadline, settle));
    return answer.data ?? NOTHING;
  }

  #exchange({ signal, timeout }: RequestOptions, begin: Begin): Promise<ExchangeAnswer> {
    if (signal?.aborted) return Promise.reject(aborted(signal.reason, 'request'));
    const core = this.#core;
    return new Promise((resolve) => {
      let stop: (() => void) | undefined;
      const exchange = begin(now() + (timeout ?? this.#timeout), (error, answer) => {
        stop?.();
        if (error === undefined) resolve(answer);
        else resolve(failCall(error));
      });
      if (exchange.phase === 'settled') return;
      stop = whenAborted(signal, () => core.withdraw(exchange, aborted(signal?.reason, 'request')));
    });
  }
}

function fieldsOf({ functionCode, lun, task, expDataSN }: TaskManagementFunction): TaskManagementFields {
  if (functionCode === undefined) throw new IscsiError('ISCSI_USAGE', 'Cannot send no task management function');
  const { high, low } = lunOf(lun ?? task?.lun ?? LUN_0);
  const named = { functionCode, lunHigh: high, lunLow: low, ...(expDataSN === undefined ? {} : { expDataSN }) };
  if (task === undefined) return { ...named, referencedTaskTag: RESERVED_TAG, refCmdSN: 0 };
  if (task.cmdSN === undefined) {
    throw new IscsiError('ISCSI_USAGE', 'Cannot name a task to the target that was not sent yet', {
      hint: 'the command waits, for the command window or a lost session: its own signal takes it back',
    });
  }
  return { ...named, referencedTaskTag: task.initiatorTaskTag, refCmdSN: task.cmdSN };
}
