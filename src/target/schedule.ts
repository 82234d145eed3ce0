/** How long everything that connections ask for may take before others get their turn, in milliseconds. */
const TURN = 10;
/** After work of this weight the clock is looked at: some 200 short reads. */
const LOOK_WEIGHT = 1024;
/** After this time, in milliseconds, what was used counts half. */
const HALF_LIFE = 100;
/** Whoever has used less than this weight of late may go on although the turn is over: some 40 short reads. */
const MODEST = 512;
/** But all of them together no longer than this, in milliseconds. */
const GRACE = 2;

/** What a schedule needs of whoever drives it. */
export interface ScheduleClock {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Calls back when everybody else who has something to do now has had a turn. */
  readonly defer: (then: () => void) => void;
}

/**
 * Shares the time of the process between connections. When what they ask for has taken a whole turn, everything else
 * waits until the event loop has gone round, and then those go first who have used least. So nobody waits longer than a
 * turn or two, whatever others send, as long as no single command takes longer; and who asks for little, like somebody
 * who reads now and then, does not wait for the next turn at all, unless there are too many of those.
 *
 * Work is weighed, not timed: the clock is looked at now and then only. A weight of 1 stands for a microsecond or less.
 */
export class Schedule {
  /** Whether the turn is over: nothing more should be begun. */
  over = false;
  readonly #clock: ScheduleClock | undefined;
  readonly #waiting = new Set<Slice>();
  #weight = 0;
  /** When the turn began, if the end of it has been planned. */
  #begun: number | undefined = undefined;

  /** @param clock Left out: no turn ever ends. */
  constructor(clock?: ScheduleClock) {
    this.#clock = clock;
  }

  /** The part of one connection. @param goOn Called when it may go on with what it had to leave. */
  slice(goOn: () => void): Slice {
    return new Slice(this, goOn);
  }

  /** Notes work that is about to be done. Hot path. */
  weigh(weight: number): void {
    this.#weight += weight;
    if (this.#weight >= LOOK_WEIGHT) this.#look();
  }

  /** Whether a connection may go on although the turn is over. */
  spares(slice: Slice): boolean {
    if (this.#clock === undefined || this.#begun === undefined) return false;
    const now = this.#clock.now();
    if (now - this.#begun >= TURN + GRACE) return false;
    slice.age(now, HALF_LIFE);
    return slice.used < MODEST;
  }

  /** Notes a connection that has left something. */
  wait(slice: Slice): void {
    if (this.#clock === undefined || this.#waiting.has(slice)) return;
    slice.age(this.#clock.now(), HALF_LIFE);
    this.#waiting.add(slice);
    this.#plan(this.#clock);
  }

  /** Forgets a connection. */
  leave(slice: Slice): void {
    this.#waiting.delete(slice);
  }

  #look(): void {
    this.#weight = 0;
    const clock = this.#clock;
    if (clock === undefined) return;
    this.#plan(clock);
    if (clock.now() - (this.#begun ?? 0) >= TURN) this.over = true;
  }

  #plan(clock: ScheduleClock): void {
    if (this.#begun !== undefined) return;
    this.#begun = clock.now();
    clock.defer(() => this.#nextTurn(clock));
  }

  /** Those who had to leave something go on for one turn; then whatever has come meanwhile has a turn of its own. */
  #nextTurn(clock: ScheduleClock): void {
    this.#begun = clock.now();
    this.over = false;
    while (!this.over) {
      const next = this.#leastUsed();
      if (next === undefined) break;
      this.#waiting.delete(next);
      next.goOn();
      if (clock.now() - this.#begun >= TURN) this.over = true;
    }
    this.over = false;
    this.#begun = undefined;
    if (this.#waiting.size > 0) this.#plan(clock);
  }

  #leastUsed(): Slice | undefined {
    let least: Slice | undefined;
    for (const slice of this.#waiting) if (least === undefined || slice.used < least.used) least = slice;
    return least;
  }
}

/** What one connection uses of the time of the process. */
export class Slice {
  /** Called when it may go on with what it had to leave. */
  readonly goOn: () => void;
  /** What it has used of late, by weight. */
  used = 0;
  readonly #schedule: Schedule;
  #aged = 0;

  constructor(schedule: Schedule, goOn: () => void) {
    this.#schedule = schedule;
    this.goOn = goOn;
  }

  /** Notes work that is about to be done. Hot path. */
  weigh(weight: number): void {
    this.used += weight;
    this.#schedule.weigh(weight);
  }

  /** Whether what is left has to wait: `goOn` is called then. Hot path. */
  get isOver(): boolean {
    if (!this.#schedule.over || this.#schedule.spares(this)) return false;
    this.#schedule.wait(this);
    return true;
  }

  /** Lets what was used long ago count less. */
  age(now: number, halfLife: number): void {
    const halves = Math.floor((now - this.#aged) / halfLife);
    if (halves <= 0) return;
    this.used = Math.floor(this.used / 2 ** halves);
    this.#aged = now;
  }

  /** `goOn` will not be called any more. */
  close(): void {
    this.#schedule.leave(this);
  }
}
