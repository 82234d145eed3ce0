import { serialLess } from '../bytes/serial.ts';
import { IscsiError, withCommandSent } from '../errors.ts';
import { SessionCounters } from '../initiator/counters.ts';
import { InitiatorTask } from '../initiator/initiator-task.ts';
import { commandRefused, endOfCommands } from '../initiator/session-errors.ts';
import type { SessionObserver } from '../initiator/session-observer.ts';
import type { Carrier } from '../initiator/session-port.ts';
import type { OnLoss } from '../scsi/scsi-task.ts';
import type { WriteLog } from '../scsi/write-log.ts';
import { isKept } from './fate.ts';

/** The most commands that are held at once: as many as a session carries. */
const MOST_HELD = 65_000;

/** What holding needs to know. */
export interface HeldCommandsOptions {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** What becomes of a command that says nothing itself. */
  readonly usual: OnLoss;
  /** What was written to the logical unit of this command. */
  writesOf(task: InitiatorTask): WriteLog;
  /** There may be an earlier deadline. */
  wake(): void;
  /** Gives up a command that is not held here: a session that is being left still carries it. Default: nobody does. */
  abortElsewhere?(task: InitiatorTask, tag: number, reason: IscsiError): void;
  /** Counts the commands that settle here, and those that are sent again. Default: it has counters of its own. */
  readonly counters?: SessionCounters;
  /** Is told of commands that settle here after they were kept. Default: nobody. */
  readonly observer?: SessionObserver;
}

/** Of which logical unit's log which places. */
type Places = ReadonlyMap<WriteLog, ReadonlySet<number>>;

const NONE: ReadonlySet<number> = new Set();

/** One that was handed over, with what it would fail with. */
interface LostTask {
  readonly task: InitiatorTask;
  readonly error: IscsiError;
}

/** One that is held. */
interface Held {
  /** A target may have seen it: that of the session that was lost last, or of one before. */
  readonly sent: boolean;
  /** The time it was given, as its caller said it. */
  readonly timeout: number;
}

/**
 * The commands of a session that is away: those that lost it, those that come meanwhile. They are in the order in which
 * they were first submitted, and go on in that order. Each is settled once: by the session that comes, by its caller's
 * abort, by its deadline, or with the session that is given up.
 */
export class HeldCommands implements Carrier {
  /** {@link Carrier} */
  readonly tasks = { forEach: (visit: (task: InitiatorTask) => void) => [...this.#held.keys()].forEach(visit) };
  readonly #options: HeldCommandsOptions;
  readonly #counters: SessionCounters;
  #held = new Map<InitiatorTask, Held>();
  #lost: LostTask[] = [];
  #nextDeadline = Number.POSITIVE_INFINITY;
  #over: { readonly why: IscsiError | undefined } | undefined;

  constructor(options: HeldCommandsOptions) {
    this.#options = options;
    this.#counters = options.counters ?? new SessionCounters();
  }

  /** How many are held. */
  get size(): number {
    return this.#held.size;
  }

  /** When `look` has something to do, or Infinity. */
  get nextDeadline(): number {
    if (this.#held.size === 0) this.#nextDeadline = Number.POSITIVE_INFINITY;
    return this.#nextDeadline;
  }

  /** {@link Carrier} */
  newTask(): InitiatorTask {
    return new InitiatorTask();
  }

  /** {@link Carrier} */
  submit(task: InitiatorTask): void {
    const refusal = this.#refusal(task.onLoss ?? this.#options.usual);
    task.submittedAt = this.#options.now();
    if (refusal !== undefined) {
      this.#end(task, refusal, true);
      return;
    }
    task.deadline = task.submittedAt + task.timeout;
    this.#hold(task, false);
    this.#options.wake();
  }

  /** {@link Carrier}: at once, since nobody works on it; unless the session that is being left still does. */
  abort(task: InitiatorTask, tag: number, reason: IscsiError): void {
    const lost = this.#lost.find((one) => one.task === task);
    if (lost !== undefined) {
      this.#lost = this.#lost.filter((one) => one !== lost);
      this.#end(task, withCommandSent(reason, isSent(lost)), false); // whoever watches heard of it at the loss
    } else if (this.#held.has(task)) this.#settle(task, reason);
    else this.#options.abortElsewhere?.(task, tag, reason);
  }

  /** A session that ends hands a command over. What becomes of it is decided when the last one is here: `sort`. */
  takeOver(task: InitiatorTask, error: IscsiError): void {
    this.#lost.push({ task, error });
  }

  /** Decides what becomes of the commands that were handed over, each of which is settled or held after it. */
  sort(): void {
    const lost = this.#lost;
    this.#lost = [];
    const went = lost.filter((one) => !isQueued(one)).sort((a, b) => (serialLess(a.task.cmdSN, b.task.cmdSN) ? -1 : 1));
    const queued = lost.filter(isQueued).sort((a, b) => a.task.queuedAt - b.task.queuedAt);
    const later = this.#held;
    this.#held = new Map();
    const unsent = lost.filter((one) => !isSent(one)).map(({ task }) => task);
    const waiting = [...later].filter(([, held]) => !held.sent).map(([task]) => task);
    const places = this.#placesOf([...unsent, ...waiting]);
    const refused = [...went, ...queued].filter((one) => !this.#keep(one, places));
    for (const [task, held] of later) this.#held.set(task, held);
    for (const { task, error } of refused) this.#end(task, error, false); // whoever watches heard of it at the loss
    this.#options.wake();
  }

  /** Sends those of a logical unit on, in their order. */
  release(lunHigh: number, lunLow: number, to: Carrier): void {
    const now = this.#options.now();
    for (const [task, { sent, timeout }] of this.#of(lunHigh, lunLow)) {
      if (task.deadline <= now) this.#settle(task, tooLate(timeout));
      if (!this.#held.delete(task)) continue; // settled: just now, or by whoever was told of one before it
      if (sent) this.#countRepeat(task);
      if (task.timeout !== Number.POSITIVE_INFINITY) task.timeout = Math.ceil(task.deadline - now);
      task.phase = 'idle';
      to.submit(task);
    }
  }

  /** Whether commands to a logical unit are held. */
  has(lunHigh: number, lunLow: number): boolean {
    return this.#of(lunHigh, lunLow).length > 0;
  }

  /** The LUNs that commands are held for, each once. */
  luns(): { readonly high: number; readonly low: number }[] {
    const luns = new Map<string, { readonly high: number; readonly low: number }>();
    for (const { lunHigh: high, lunLow: low } of this.#held.keys()) luns.set(`${high} ${low}`, { high, low });
    return [...luns.values()];
  }

  /** Ends those that a target may have seen. */
  failSent(error: IscsiError): void {
    for (const [task, { sent }] of [...this.#held]) if (sent) this.#settle(task, error);
  }

  /** Ends those of a logical unit. */
  fail(lunHigh: number, lunLow: number, error: IscsiError): void {
    for (const [task] of this.#of(lunHigh, lunLow)) this.#settle(task, error);
  }

  /** The session does not come back: ends all that are here with `error`, and refuses those that still come. */
  shut(error: IscsiError, why: IscsiError | undefined): void {
    if (this.#lost.length > 0) this.sort(); // what was handed over in this very turn ends, too
    this.#over = { why };
    const { sent, unsent } = endOfCommands(error);
    for (const [task, held] of [...this.#held]) this.#settle(task, held.sent ? sent : unsent);
  }

  /** Ends those whose time is over. */
  look(now: number): void {
    if (now < this.#nextDeadline) return;
    this.#nextDeadline = Number.POSITIVE_INFINITY;
    for (const [task, { timeout }] of [...this.#held]) {
      if (task.deadline > now) this.#nextDeadline = Math.min(this.#nextDeadline, task.deadline);
      else this.#settle(task, tooLate(timeout));
    }
  }

  #refusal(onLoss: OnLoss): IscsiError | undefined {
    if (this.#over !== undefined) return commandRefused('closed', this.#over.why, MOST_HELD);
    if (onLoss === 'fail') return lostNow();
    return this.#held.size < MOST_HELD ? undefined : commandRefused('fullFeature', undefined, MOST_HELD);
  }

  #of(lunHigh: number, lunLow: number): [InitiatorTask, Held][] {
    return [...this.#held].filter(([task]) => task.lunHigh === lunHigh && task.lunLow === lunLow);
  }

  /** Where commands stand in the logs of their logical units. */
  #placesOf(tasks: readonly InitiatorTask[]): Places {
    const places = new Map<WriteLog, Set<number>>();
    for (const task of tasks) {
      const log = this.#options.writesOf(task);
      const known = places.get(log) ?? new Set();
      places.set(log, known.add(task.writeOrder));
    }
    return places;
  }

  #keep(lost: LostTask, unsent: Places): boolean {
    const { task } = lost;
    const sent = isSent(lost);
    const writes = this.#options.writesOf(task);
    if (!isKept({ task, sent, writes }, this.#options.usual, unsent.get(writes) ?? NONE)) return false;
    task.startAnew();
    this.#hold(task, sent);
    return true;
  }

  #hold(task: InitiatorTask, sent: boolean): void {
    task.phase = sent ? 'idle' : 'queued'; // what is queued can be taken back: see SessionPort
    this.#held.set(task, { sent, timeout: task.timeout });
    this.#nextDeadline = Math.min(this.#nextDeadline, task.deadline);
  }

  #settle(task: InitiatorTask, error: IscsiError): void {
    const held = this.#held.get(task);
    if (held === undefined) return;
    this.#held.delete(task);
    this.#end(task, withCommandSent(error, held.sent), true);
  }

  #countRepeat(task: InitiatorTask): void {
    task.repeats++;
    if (task.counters === undefined) this.#counters.retries++;
    else task.counters.retried();
  }

  #end(task: InitiatorTask, error: IscsiError, tell: boolean): void {
    const { observer } = this.#options;
    task.phase = 'settled';
    this.#counters.ended(task, error, false, 0);
    if (tell && observer?.watchesCommands === true) observer.commandEnded(task, error);
    const { settle } = task;
    settle(task, error);
    task.reset();
  }
}

/** Whether a target may have seen it. What was sent in one session is never unsent again. */
function isSent({ error }: LostTask): boolean {
  return error.commandSent !== false;
}

/** Whether the session that was lost had not come to it yet. */
function isQueued(lost: LostTask): boolean {
  return lost.task.phase === 'queued' || !isSent(lost);
}

function lostNow(): IscsiError {
  return new IscsiError('ISCSI_CLOSED', 'Cannot send a command: the session is lost', {
    hint: 'it is tried to get it back; the command was told not to wait for that',
    commandSent: false,
  });
}

function tooLate(timeout: number): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', `No answer within ${timeout} ms: the session was lost and is not back yet`, {
    hint: 'a longer timeout can be set, for the command or for all',
  });
}
