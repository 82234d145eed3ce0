/**
 * Moves bytes from a source to a destination with several chunks in flight. What can only be done in order (reading a
 * pipe, writing a pipe, hashing) is done in order, everything else as it comes.
 */
import type { Hash } from 'node:crypto';
import { EXIT, ToolError } from './exit.ts';

/** Where bytes come from. */
export interface Source {
  /** Whether `read` must be called in order of position. */
  readonly sequential: boolean;
  /** Bytes from position 0 to the end, undefined for a pipe. */
  readonly length: number | undefined;
  /**
   * Fills `buffer` from `position`; fewer bytes than asked for mean the end. The buffer is the source's until the
   * promise settles.
   */
  read(buffer: Uint8Array, position: number, signal: AbortSignal): Promise<number>;
}

/** Where bytes go to. */
export interface Destination {
  /** Whether `write` must be called in order of position. */
  readonly sequential: boolean;
  /** What no chunk but the last may end inside of, in bytes; 1 when it does not matter. */
  readonly blockSize: number;
  /** Writes all of `buffer` at `position`. The buffer is the destination's until the promise settles. */
  write(buffer: Uint8Array, position: number, signal: AbortSignal): Promise<void>;
}

/** One copy. All numbers are bytes, but the queue depth. */
export interface CopyPlan {
  readonly source: Source;
  readonly destination: Destination;
  /** Position of the first byte in the source and in the destination. */
  readonly skip: number;
  readonly seek: number;
  /** How much to copy at most; undefined for everything up to the end of the source. */
  readonly length: number | undefined;
  /** A multiple of the destination's block size. */
  readonly chunkSize: number;
  /** Chunks in flight. */
  readonly queueDepth: number;
  readonly signal: AbortSignal;
  /** Gets every byte, in order. */
  readonly hash?: Hash | undefined;
  /** Called after each chunk with the bytes that are in the destination by now. */
  readonly onProgress?: (bytes: number) => void;
}

/** How far a copy came. */
export interface CopyState {
  /** Bytes written, gaps between them not counted. */
  readonly bytes: number;
  /** Bytes from the start without a gap. */
  readonly contiguous: number;
}

/** One copy under way. */
export class Copy implements CopyState {
  readonly #plan: CopyPlan;
  readonly #controller = new AbortController();
  readonly #reading = new Turns();
  readonly #ordered = new Turns();
  /** Ends of chunks that are written though an earlier one is not, by their start. */
  readonly #islands = new Map<number, number>();
  #next = { index: 0, offset: 0 };
  #length: number;
  #bytes = 0;
  #contiguous = 0;

  constructor(plan: CopyPlan) {
    this.#plan = plan;
    this.#length = plan.length ?? Number.POSITIVE_INFINITY;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get contiguous(): number {
    return this.#contiguous;
  }

  /**
   * Copies until the end. When it rejects, nothing is in flight any more and the state says how far it came.
   * @throws Whatever the source, the destination or the signal had to say first.
   */
  async run(): Promise<CopyState> {
    const { chunkSize, queueDepth, signal } = this.#plan;
    signal.throwIfAborted();
    const interrupt = (): void => this.#stop(signal.reason);
    signal.addEventListener('abort', interrupt, { once: true });
    const workers = Math.min(queueDepth, Math.ceil(this.#length / chunkSize) + 1);
    try {
      await Promise.all(
        Array.from({ length: workers }, () => this.#work().catch((error: unknown) => this.#stop(error))),
      );
    } finally {
      signal.removeEventListener('abort', interrupt);
    }
    this.#controller.signal.throwIfAborted();
    return { bytes: this.#bytes, contiguous: this.#contiguous };
  }

  /** Ends the copy for the first reason given: what fails afterwards fails because of it. */
  #stop(reason: unknown): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(reason);
    this.#reading.stop(reason);
    this.#ordered.stop(reason);
  }

  async #work(): Promise<void> {
    const { source, destination, skip, seek, hash, chunkSize } = this.#plan;
    const { signal } = this.#controller;
    const buffer = new Uint8Array(new ArrayBuffer(chunkSize));
    for (;;) {
      const chunk = this.#take();
      if (!chunk) return;
      const { index, offset } = chunk;
      const room = buffer.subarray(0, chunk.length);
      if (source.sequential) await this.#reading.wait(index);
      const count = await source.read(room, skip + offset, signal);
      if (count < room.length) this.#endAt(offset + count);
      if (source.sequential) this.#reading.next();
      if (count === 0) return;
      const bytes = room.subarray(0, count);
      if (hash || destination.sequential) {
        await this.#ordered.wait(index);
        hash?.update(bytes);
        if (destination.sequential) await destination.write(bytes, seek + offset, signal);
        this.#ordered.next();
      }
      if (!destination.sequential) await destination.write(bytes, seek + offset, signal);
      this.#written(offset, count);
    }
  }

  #take(): { readonly index: number; readonly offset: number; readonly length: number } | undefined {
    this.#controller.signal.throwIfAborted();
    const { index, offset } = this.#next;
    if (offset >= this.#length) return undefined;
    const { chunkSize, seek, destination } = this.#plan;
    // Two chunks in flight must not share a block of the destination: each would write back the other's old half.
    const whole = index === 0 ? chunkSize - (seek % destination.blockSize) : chunkSize;
    const length = Math.min(whole, this.#length - offset);
    this.#next = { index: index + 1, offset: offset + length };
    return { index, offset, length };
  }

  #endAt(length: number): void {
    const { source, skip } = this.#plan;
    if (!source.sequential && source.length !== undefined) {
      throw new ToolError(
        `The source became shorter while it was read: ${source.length} bytes before, ${skip + length} now`,
        { code: 'BECAME_SHORTER', exitCode: EXIT.FAILED },
      );
    }
    this.#length = Math.min(this.#length, length);
  }

  #written(offset: number, count: number): void {
    this.#bytes += count;
    this.#islands.set(offset, offset + count);
    for (;;) {
      const end = this.#islands.get(this.#contiguous);
      if (end === undefined) break;
      this.#islands.delete(this.#contiguous);
      this.#contiguous = end;
    }
    this.#plan.onProgress?.(this.#bytes);
  }
}

/** Lets waiters pass one at a time, in the order of their numbers. */
class Turns {
  readonly #waiting = new Map<number, { readonly resolve: () => void; readonly reject: (reason: unknown) => void }>();
  #turn = 0;
  #stopped: { readonly reason: unknown } | undefined;

  /** Settles when it is `index`'s turn; rejects when the copy is stopped before. */
  wait(index: number): Promise<void> {
    if (this.#stopped) return Promise.reject(this.#stopped.reason);
    if (index === this.#turn) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.set(index, { resolve, reject });
    });
  }

  /** Ends the turn of whoever has it. */
  next(): void {
    this.#turn += 1;
    const waiter = this.#waiting.get(this.#turn);
    this.#waiting.delete(this.#turn);
    waiter?.resolve();
  }

  /** Sends everybody home, also those who come later. */
  stop(reason: unknown): void {
    this.#stopped = { reason };
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}
