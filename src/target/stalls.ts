import { ProtocolError } from '../errors.ts';
import type { Outbox } from '../pdu/outbox.ts';
import { Countdown } from './countdown.ts';
import type { TargetTask } from './target-task.ts';
import { PHASE } from './task-state.ts';

/** How often an initiator is looked at within the patience that one has with it. */
const LOOKS = 2;
/** What an initiator has to take within one patience, of what went to the socket together: some 1 Mbit/s. */
const TAKEN_IN_PATIENCE = 4 * 1024 * 1024;

const NOTHING_IN_FLIGHT = -1;

/** What the watch looks at, and for how long it lets nothing happen. */
export interface StallOptions {
  readonly outbox: Outbox;
  /** The commands of the session. */
  readonly tasks: () => readonly TargetTask[];
  /** Milliseconds in which an initiator must take something of what is sent to it. */
  readonly sendPatience: number;
  /** Milliseconds in which an initiator must send something of the data that it owes. */
  readonly dataPatience: number;
  readonly now: () => number;
}

/**
 * Gives up initiators that keep others' memory busy and do nothing: that take nothing of what is sent to them, or do
 * not send the data of their writes. It looks now and then, so nothing has to be noted on the hot path.
 */
export class Stalls {
  readonly #options: StallOptions;
  readonly #sending = new Countdown();
  readonly #owing = new Countdown();
  /** What had gone out when it last looked, and how often that has been the same. */
  #flushed = NOTHING_IN_FLIGHT;
  #sendLooks = 0;
  /** How far the data of each task was when it last looked, and how often that has been the same. */
  #owed = new Map<TargetTask, { readonly came: number; readonly looks: number }>();

  constructor(options: StallOptions) {
    this.#options = options;
  }

  /** When `tick` has something to do, in milliseconds, or Infinity. */
  get deadline(): number {
    return Math.min(this.#sending.deadline, this.#owing.deadline);
  }

  start(): void {
    this.#startSending(this.#options.now());
    this.#startOwing(this.#options.now());
  }

  stop(): void {
    this.#sending.stop();
    this.#owing.stop();
    this.#owed.clear();
  }

  /** @throws {ProtocolError} When one of the times is over. */
  tick(now: number): void {
    if (this.#sending.due(now)) {
      this.#lookAtSending();
      this.#startSending(now);
    }
    if (this.#owing.due(now)) {
      this.#lookAtOwing();
      this.#startOwing(now);
    }
  }

  #startSending(now: number): void {
    this.#sending.start(now + this.#options.sendPatience / LOOKS);
  }

  #startOwing(now: number): void {
    this.#owing.start(now + this.#options.dataPatience / LOOKS);
  }

  #lookAtSending(): void {
    const { outbox, sendPatience } = this.#options;
    const at = outbox.inFlightBytes === 0 ? NOTHING_IN_FLIGHT : outbox.flushedPosition;
    this.#sendLooks = at === this.#flushed && at !== NOTHING_IN_FLIGHT ? this.#sendLooks + 1 : 0;
    this.#flushed = at;
    const patiences = Math.max(1, Math.ceil(outbox.inFlightBytes / TAKEN_IN_PATIENCE));
    if (this.#sendLooks < LOOKS * patiences) return;
    throw new ProtocolError(
      `Cannot wait for the initiator any longer: it took nothing of ${outbox.inFlightBytes} bytes within ${sendPatience * patiences} ms`,
    );
  }

  #lookAtOwing(): void {
    const owed = new Map<TargetTask, { readonly came: number; readonly looks: number }>();
    for (const task of this.#options.tasks()) {
      if (!task.awaitsData || (task.phase !== PHASE.COLLECTING && task.phase !== PHASE.HELD)) continue;
      const came = cameOf(task);
      const before = this.#owed.get(task);
      const looks = before?.came === came ? before.looks + 1 : 0;
      if (looks >= LOOKS) throw this.#owes(task);
      owed.set(task, { came, looks });
    }
    this.#owed = owed;
  }

  #owes({ initiatorTaskTag, dataOutLength }: TargetTask): ProtocolError {
    const tag = initiatorTaskTag.toString(16).padStart(8, '0');
    return new ProtocolError(
      `Cannot wait for the data of command ${tag} any longer: of ${dataOutLength} bytes none came within ${this.#options.dataPatience} ms`,
    );
  }
}

/** A number that changes with each Data-Out of the task, and with the command whose object it is. */
function cameOf(task: TargetTask): number {
  let came = task.cmdSN + task.nextOffset + task.unsolicitedDataSN;
  for (const { next, dataSN } of task.sequences) came += next + dataSN;
  return came;
}
