import { serialAdd, serialDistance } from '../bytes/serial.ts';

/** What becomes of the bytes of one direction, in their order. */
export interface OrderedBytes {
  /** The next bytes. */
  bytes(bytes: Uint8Array): void;
  /** The next `length` bytes are not in the capture. */
  missing(length: number): void;
}

interface Waiting {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly length: number;
}

/** What all connections of a capture together may keep, so that many of them take no more memory than one. */
export class SharedBudget {
  #left: number;

  /** @param most In whatever it counts. */
  constructor(most: number) {
    this.#left = most;
  }

  /** @internal Whether there is room; if so, it is taken. */
  take(length: number): boolean {
    if (length > this.#left) return false;
    this.#left -= length;
    return true;
  }

  /** @internal */
  give(length: number): void {
    this.#left += length;
  }
}

/** Bytes that a segment takes that waits, besides its own. */
const OVERHEAD = 256;
/** Segments of one direction that may wait for one before them. */
const MOST_WAITING = 1024;
/** What is further ahead than any window is of another connection, or forged. */
const FURTHEST = 2 ** 30;

/**
 * Puts the segments of one direction in order: what came twice counts once, what came early waits, and what never came
 * is told of when nothing more can come or too much waits for it.
 */
export class TcpOrder {
  readonly #to: OrderedBytes;
  readonly #budget: SharedBudget;
  #next: number | undefined;
  #waiting: Waiting[] = [];
  /** Segments that were sent again. */
  repeated = 0;

  constructor(to: OrderedBytes, budget: SharedBudget) {
    this.#to = to;
    this.#budget = budget;
  }

  /** Whether it is known where the stream began. */
  get begun(): boolean {
    return this.#next !== undefined;
  }

  /** The stream begins with this sequence number. */
  begin(sequence: number): void {
    this.#next ??= sequence;
  }

  /** A segment: `payload` is what was captured of `length` bytes. */
  take(sequence: number, payload: Uint8Array, length: number): void {
    if (length === 0) return;
    this.#next ??= sequence;
    const ahead = serialDistance(sequence, this.#next);
    if (ahead > FURTHEST) return;
    if (ahead > 0) this.#hold(sequence, payload, length);
    else if (!this.#deliver(sequence, payload, length)) this.repeated++;
    else this.#release();
  }

  /** Nothing more comes: what waits is told, with what is missing before it. */
  end(): void {
    while (this.#waiting.length > 0) this.#skip();
  }

  /** @returns Whether there was anything new in it. */
  #deliver(sequence: number, payload: Uint8Array, length: number): boolean {
    const next = this.#next ?? sequence;
    const known = serialDistance(next, sequence);
    if (known >= length) return false;
    const fresh = payload.subarray(Math.min(known, payload.length));
    this.#next = serialAdd(sequence, length);
    if (fresh.length > 0) this.#to.bytes(fresh);
    const hidden = length - Math.max(payload.length, known);
    if (hidden > 0) this.#to.missing(hidden);
    return true;
  }

  #hold(sequence: number, payload: Uint8Array, length: number): void {
    while (this.#waiting.length >= MOST_WAITING || !this.#budget.take(payload.length + OVERHEAD)) {
      if (this.#waiting.length === 0) return; // others hold everything: what it brings will be missing
      this.#skip();
      if (serialDistance(sequence, this.#next ?? 0) <= 0) {
        this.take(sequence, payload, length);
        return;
      }
    }
    const base = this.#next ?? 0;
    const ahead = serialDistance(sequence, base);
    let at = this.#waiting.length;
    while (at > 0 && serialDistance(this.#waiting[at - 1]?.sequence ?? 0, base) > ahead) at--;
    this.#waiting.splice(at, 0, { sequence, payload: payload.slice(), length });
  }

  /** Gives up what is missing before the first segment that waits. */
  #skip(): void {
    const first = this.#waiting[0];
    if (first === undefined || this.#next === undefined) return;
    const gap = serialDistance(first.sequence, this.#next);
    if (gap > 0) {
      this.#to.missing(gap);
      this.#next = first.sequence;
    }
    this.#release();
  }

  #release(): void {
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined || serialDistance(first.sequence, this.#next ?? 0) > 0) return;
      this.#waiting.shift();
      this.#budget.give(first.payload.length + OVERHEAD);
      if (!this.#deliver(first.sequence, first.payload, first.length)) this.repeated++;
    }
  }
}
