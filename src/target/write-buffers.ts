const SMALLEST = 4096;
/** Longer buffers are made to measure: rounding up would waste too much. */
const LARGEST_ROUNDED = 1024 * 1024;

/**
 * Buffers for write data of all sessions, used again where they are small enough to be worth keeping.
 * Rounded up to a power of two, so that commands of about the same size share them.
 */
export class WriteBuffers {
  readonly #free = new Map<number, Uint8Array[]>();
  readonly #keep: number;
  #kept = 0;

  /** @param keep How many bytes of buffers are kept for later at most. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Bytes that are kept at the moment. */
  get kept(): number {
    return this.#kept;
  }

  /** A buffer of at least `length` bytes. What it holds is not defined. */
  take(length: number): Uint8Array {
    const size = sizeFor(length);
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return new Uint8Array(size);
    this.#kept -= size;
    return buffer;
  }

  /** Gives a buffer of `take()` back. Nobody may use it any more. */
  give(buffer: Uint8Array): void {
    const size = buffer.length;
    if (this.#kept + size > this.#keep) return;
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [buffer]);
    else list.push(buffer);
    this.#kept += size;
  }
}

function sizeFor(length: number): number {
  if (length <= SMALLEST) return SMALLEST;
  return length > LARGEST_ROUNDED ? length : 2 ** Math.ceil(Math.log2(length));
}
