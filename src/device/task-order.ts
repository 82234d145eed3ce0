/**
 * Which commands of a logical unit may touch the store at the same time, and who comes first.
 *
 * A command waits for each earlier one whose range overlaps its own when one of the two writes. So
 * - a command never sees half of another, and the blocks hold what one order of the commands explains;
 * - of two overlapping writes of a nexus the later one stays, as QUEUE ALGORITHM MODIFIER 0 of the Control mode page
 *   promises, which speaks of the commands of one nexus;
 * - a READ that comes after the answer to a WRITE sees it: the write had ended before it was answered, and the read
 *   starts after that;
 * - a flush covers each write that was answered before it came, and those of its own nexus that came before it.
 *
 * "Earlier" means admitted earlier, so that nobody waits for all that somebody else has sent. The commands of a nexus
 * are admitted in the order in which they came, as far as they conflict; the nexuses take turns (`turns.ts`), and each
 * has little admitted at a time. A command that conflicts with long work of its own nexus, such as a WRITE SAME, asks
 * for admission only when that has ended: so what others wait for is one of those, and not all.
 *
 * Commands that do not conflict run together and end in any order. Nobody waits for one that is admitted later, so none
 * waits forever.
 *
 * A command that must wait does so for one of those before it; when that has ended, for another one, if there is still
 * one. Which of them is left to chance, so that in whatever order they end, it looks again as often as the logarithm of
 * their number; and to find one takes as many steps. So what a command costs does not grow with those that wait.
 */
import { type Access, type Claim, Claims } from './claims.ts';
import type { Eventually } from './eventually.ts';
import { type Applicant, countedBytes, Line, Turns } from './turns.ts';

/** What a command does to which bytes of the store. */
export interface Touch {
  readonly access: Access;
  /** The bytes `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** Whether it works in slices, each of which asks for its time ({@link Pace}). Default false. */
  readonly paced?: boolean;
}

/** The commands of one nexus that have not ended. */
class Lane extends Line<Entry> {
  /** Long work, and what came while there was some. */
  readonly #claims = new Claims<Entry>();
  #size = 0;

  /** Whether there is long work, or something that waits for it. */
  get isBusy(): boolean {
    return this.#size > 0;
  }

  add(entry: Entry): Claim<Entry> {
    const { access, from, to } = entry.touch;
    this.#size++;
    return this.#claims.add(entry, access, from, to);
  }

  remove(claim: Claim<Entry>): void {
    this.#size--;
    this.#claims.remove(claim);
  }

  blockerOf(claim: Claim<Entry>): Entry | undefined {
    return this.#claims.blockerOf(claim);
  }
}

/** A command that has not ended. */
class Entry implements Applicant<Entry> {
  readonly line: Lane;
  readonly touch: Touch;
  readonly work: () => Eventually;
  /** Called when `work` has ended, with its error if there is one. */
  readonly done: (error?: unknown) => void;
  readonly bytes: number;
  readonly paced: boolean;
  /** Its place within the nexus, where it has one. */
  readonly own: Claim<Entry> | undefined;
  /** Its place among the admitted ones. */
  admitted: Claim<Entry> | undefined = undefined;
  /** Those that look again when this one has ended. */
  waiters: Entry[] | undefined = undefined;

  constructor(line: Lane, touch: Touch, work: () => Eventually, done: (error?: unknown) => void) {
    const { access, from, to, paced = false } = touch;
    this.line = line;
    this.touch = touch;
    this.work = work;
    this.done = done;
    this.bytes = countedBytes(access === 'flush' ? 0 : to - from); // several flushes become one
    this.paced = paced;
    this.own = paced || line.isBusy ? line.add(this) : undefined;
  }
}

/** The commands of one logical unit that are not finished. */
export class TaskOrder {
  readonly #lanes = new WeakMap<object, Lane>();
  readonly #turns = new Turns<Entry>();
  readonly #admitted = new Claims<Entry>();
  /** Those that nothing keeps from starting any more, oldest first. */
  readonly #ready: Entry[] = [];
  readonly #onIdle: (() => void)[] = [];
  #unfinished = 0;
  #starting = false;

  /** True when nothing is in flight: then a command that ends at once needs no entry. Hot. */
  get idle(): boolean {
    return this.#unfinished === 0;
  }

  /** How many commands have not ended. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /**
   * Runs `work` of a command of `nexus` as soon as the order allows, at once when it can, and then `done`, exactly
   * once. An error that `work` throws, or its promise is rejected with, goes to `done`.
   */
  run(nexus: object, touch: Touch, work: () => Eventually, done: (error?: unknown) => void): void {
    this.#unfinished++;
    const entry = new Entry(this.#laneOf(nexus), touch, work, done);
    if (isHeld(entry)) return;
    if (this.#turns.admit(entry)) {
      if (this.#enter(entry)) this.#start(entry);
      return;
    }
    this.#turns.wait(entry);
    if (!this.#starting) this.#startReady();
  }

  /** Ends when no command is in flight. */
  whenIdle(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #laneOf(nexus: object): Lane {
    const known = this.#lanes.get(nexus);
    if (known !== undefined) return known;
    const lane = new Lane();
    this.#lanes.set(nexus, lane);
    return lane;
  }

  /** Gives an admitted command its place. @returns Whether nothing keeps it from starting. */
  #enter(entry: Entry): boolean {
    const { access, from, to } = entry.touch;
    entry.admitted = this.#admitted.add(entry, access, from, to);
    return !waitsFor(this.#admitted.blockerOf(entry.admitted), entry);
  }

  #start(entry: Entry): void {
    let result: Eventually;
    try {
      result = entry.work();
    } catch (error) {
      this.#finish(entry, error ?? new Error('The store failed without a reason'));
      return;
    }
    if (result === undefined) this.#finish(entry);
    else
      result.then(
        () => this.#finish(entry),
        (error: unknown) => this.#finish(entry, error ?? new Error('The store failed without a reason')),
      );
  }

  #finish(entry: Entry, error?: unknown): void {
    this.#unfinished--;
    if (entry.own !== undefined) entry.line.remove(entry.own);
    if (entry.admitted !== undefined) this.#admitted.remove(entry.admitted);
    this.#turns.leave(entry);
    try {
      entry.done(error);
    } finally {
      if (entry.waiters !== undefined) for (const waiter of entry.waiters) this.#lookAgain(waiter);
      if (!this.#starting) this.#startReady();
      if (this.idle) for (const resolve of this.#onIdle.splice(0)) resolve();
    }
  }

  #lookAgain(entry: Entry): void {
    if (entry.admitted !== undefined) {
      if (!waitsFor(this.#admitted.blockerOf(entry.admitted), entry)) this.#ready.push(entry);
    } else if (!isHeld(entry)) this.#turns.wait(entry);
  }

  // Work that ends at once calls #finish inside #start: those that it lets go are put to the others instead of being
  // started there, so that a long queue needs no deep stack.
  #startReady(): void {
    this.#starting = true;
    let at = 0;
    let all = false;
    try {
      for (let next = this.#nextReady(at); next !== undefined; next = this.#nextReady(at)) {
        at++;
        this.#start(next);
      }
      all = true;
    } finally {
      this.#starting = false;
      this.#ready.splice(0, at);
      if (!all) this.#startReady(); // one has thrown, and the others are not to suffer
    }
  }

  /** The entry at `at` of those that can start, after admitting more if there is none. */
  #nextReady(at: number): Entry | undefined {
    while (at === this.#ready.length) {
      const next = this.#turns.next();
      if (next === undefined) return undefined;
      if (this.#enter(next)) this.#ready.push(next);
    }
    return this.#ready[at];
  }
}

/** Whether long work of its own nexus keeps a command from being admitted: then it waits for that. */
function isHeld(entry: Entry): boolean {
  return entry.own !== undefined && waitsFor(entry.line.blockerOf(entry.own), entry);
}

/** Lets a command wait for the one that keeps it from going on, if there is one. */
function waitsFor(blocker: Entry | undefined, entry: Entry): boolean {
  if (blocker === undefined) return false;
  blocker.waiters ??= [];
  blocker.waiters.push(entry);
  return true;
}
