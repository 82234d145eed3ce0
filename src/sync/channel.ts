/*
  The memory that a caller and the thread that serves it share: one request at a time.

     0  sequence number of the last request
     4  sequence number of the last request that was answered
     8  1 while the thread looks for requests by itself; 0: it sleeps, and has to be woken
    12  counts up each second while the thread is alive
    16  1 when the thread has ended
    20  what is asked for: one of `REQUEST`
    24  which logical unit it is about
    28  in which memory its data lies, see `memory.ts`
    32  1 when messages wait that the request refers to
    36  how it ended: one of `OUTCOME`
    64  position, offset in the memory, length, result: 64-bit floating point numbers

  What does not fit here goes as messages over a port that both ends read when there is something to be read, and not
  when an event tells them: the caller has no events while it waits.
*/

/** What a request is. */
export const REQUEST = { message: 0, read: 1, write: 2 } as const;

/** How a request ended. `number`: `result` is all; otherwise a message says what came of it. */
export const OUTCOME = { number: 0, message: 1, error: 2 } as const;

const LENGTH = 96;
const ASKED = 0;
const ANSWERED = 1;
const AWAKE = 2;
const HEARTBEAT = 3;
const ENDED = 4;
const KIND = 5;
const UNIT = 6;
const MEMORY = 7;
const MESSAGES = 8;
const HOW = 9;
const POSITION = 8;
const OFFSET = 9;
const RANGE = 10;
const RESULT = 11;

/** How the caller waits: `ended` when the thread is gone, `silent` when it gave no sign of life for so long. */
export type Waited = 'answered' | 'ended' | 'silent';

/** One request at a time between two threads, in memory that they share. */
export class Channel {
  /** To be given to the other thread. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(shared = new SharedArrayBuffer(LENGTH)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
    this.#numbers = new Float64Array(shared);
  }

  // What the request says. Both ends use it in turns, so no order is needed but that of the sequence numbers.

  get kind(): number {
    return this.#words[KIND] ?? 0;
  }

  get unit(): number {
    return this.#words[UNIT] ?? 0;
  }

  get memory(): number {
    return this.#words[MEMORY] ?? 0;
  }

  get messagesWait(): boolean {
    return this.#words[MESSAGES] === 1;
  }

  get position(): number {
    return this.#numbers[POSITION] ?? 0;
  }

  get offset(): number {
    return this.#numbers[OFFSET] ?? 0;
  }

  get length(): number {
    return this.#numbers[RANGE] ?? 0;
  }

  get outcome(): number {
    return this.#words[HOW] ?? 0;
  }

  get result(): number {
    return this.#numbers[RESULT] ?? 0;
  }

  /** Fills in a transfer. Hot. */
  setTransfer(kind: number, unit: number, position: number, memory: number, offset: number, length: number): void {
    this.#words[KIND] = kind;
    this.#words[UNIT] = unit;
    this.#words[MEMORY] = memory;
    this.#numbers[POSITION] = position;
    this.#numbers[OFFSET] = offset;
    this.#numbers[RANGE] = length;
  }

  setMessage(): void {
    this.#words[KIND] = REQUEST.message;
  }

  /**
   * Sends what was filled in.
   * @returns Whether the thread sleeps and has to be woken.
   */
  ask(messagesWait: boolean): boolean {
    this.#words[MESSAGES] = messagesWait ? 1 : 0;
    Atomics.add(this.#words, ASKED, 1);
    return Atomics.load(this.#words, AWAKE) === 0;
  }

  /**
   * Blocks the calling thread until the request is answered.
   *
   * @param patience How many seconds without a sign of life are put up with. Seconds that this thread has waited count,
   *   and not the clock: a process that was stopped for an hour has not waited.
   */
  wait(patience: number): Waited {
    const asked = Atomics.load(this.#words, ASKED);
    let heartbeat = Atomics.load(this.#words, HEARTBEAT);
    let silent = 0;
    for (;;) {
      const answered = Atomics.load(this.#words, ANSWERED);
      if (answered === asked) return 'answered';
      if (Atomics.load(this.#words, ENDED) === 1) return 'ended';
      if (Atomics.wait(this.#words, ANSWERED, answered, 1000) !== 'timed-out') continue;
      const beat = Atomics.load(this.#words, HEARTBEAT);
      silent = beat === heartbeat ? silent + 1 : 0;
      heartbeat = beat;
      if (silent >= patience) return 'silent';
    }
  }

  /** Whether a request waits that was not taken yet. */
  get asked(): boolean {
    return Atomics.load(this.#words, ASKED) !== Atomics.load(this.#words, ANSWERED);
  }

  /** Says that the thread looks for requests by itself, or does not any more: then `asked` has to be looked at once. */
  set awake(awake: boolean) {
    Atomics.store(this.#words, AWAKE, awake ? 1 : 0);
  }

  /** Answers the request and wakes its caller. */
  answer(outcome: number, result: number): void {
    this.#words[HOW] = outcome;
    this.#numbers[RESULT] = result;
    Atomics.store(this.#words, ANSWERED, Atomics.load(this.#words, ASKED));
    Atomics.notify(this.#words, ANSWERED);
  }

  /** Gives a sign of life. */
  beat(): void {
    Atomics.add(this.#words, HEARTBEAT, 1);
  }

  /** Says that nothing is answered any more. */
  end(): void {
    Atomics.store(this.#words, ENDED, 1);
    Atomics.notify(this.#words, ANSWERED);
  }
}
