/**
 * A block store in RAM. Room is taken extent by extent on the first write; what was never written costs nothing and
 * reads as zeros.
 */

import { copyBytes } from '../bytes/copy.ts';
import type { DataLender } from '../bytes/data-source.ts';
import { ValueError } from '../bytes/value-error.ts';
import type { BlockStore, Provisioning } from './store.ts';

/** What a RAM store is made of. */
export interface MemoryStoreOptions {
  /** Size in bytes: a multiple of `blockSize`. */
  readonly size: number;
  /** Logical block length in bytes: a power of two from 512 to 65536. Default 512. */
  readonly blockSize?: number;
  /** Whether writes are refused. Default false. */
  readonly readOnly?: boolean;
  /**
   * Bytes of RAM that the blocks may take; a write that needs more fails with `ENOSPC`. Default: as much as the
   * platform gives. Blocks that are being sent while they are overwritten exist twice for that time. The older ones are
   * not counted: they are no more than four times what all connections have to send (`unsentBytes` each).
   */
  readonly memoryLimit?: number;
}

// Small enough that random small writes into a fresh store do not take much more RAM than they need, large enough that
// few of them are kept.
const EXTENT = 256 * 1024;
// Shorter pieces are lent as copies, so that what waits to be sent keeps no more than four times its length from being
// given back.
const LEAST_LOAN = EXTENT / 4;
// Extents are kept in groups, and the groups in one array: 1 TiB takes an array of 4096 entries before the first write.
const GROUP = 1024;
// The state of one range is followed over so many extents, or groups of which nothing is there: 50 µs.
const MOST_LOOKS = 16 * 1024;

type Extent = Uint8Array<ArrayBuffer>;

/** What was never written, as it is lent. Nobody writes to it. */
const ZEROS: Extent = new Uint8Array(EXTENT);

/** The RAM behind a logical unit. Each call ends before it returns; `flush` has nothing to do. */
export class MemoryStore implements BlockStore, DataLender {
  readonly blockSize: number;
  readonly blocks: number;
  readonly readOnly: boolean;
  readonly volatileWriteCache = false;
  readonly thin = true;
  readonly synchronous = true;
  readonly lender = this;
  readonly #size: number;
  readonly #memoryLimit: number;
  readonly #groups: ((Extent | undefined)[] | undefined)[];
  /** The memory of extents that are lent, and how many times. */
  readonly #lent = new Map<ArrayBuffer, number>();
  #extents = 0;

  /** @throws {ValueError} When the size or the block length cannot be. */
  constructor(options: MemoryStoreOptions) {
    this.blockSize = options.blockSize ?? 512;
    this.blocks = blockCount(options.size, this.blockSize);
    this.readOnly = options.readOnly ?? false;
    this.#size = options.size;
    this.#memoryLimit = options.memoryLimit ?? Number.POSITIVE_INFINITY;
    this.#groups = new Array(Math.ceil(options.size / (EXTENT * GROUP))).fill(undefined);
  }

  /** Bytes of RAM that the blocks take now. */
  get memoryUsed(): number {
    return this.#extents * EXTENT;
  }

  /** Hot: allocates nothing but the view that the copy needs. */
  read(position: number, into: Uint8Array, at: number, length: number): void {
    while (length > 0) {
      const within = position % EXTENT;
      const piece = Math.min(length, EXTENT - within);
      const extent = this.#extentAt(position);
      if (extent) copyBytes(extent, within, within + piece, into, at);
      else into.fill(0, at, at + piece);
      position += piece;
      at += piece;
      length -= piece;
    }
  }

  /** Hot, for long reads. Up to the end of an extent; a write to an extent that is lent goes to a copy of it. */
  lend(position: number, length: number): Extent {
    const within = position % EXTENT;
    const end = Math.min(within + length, EXTENT);
    const extent = this.#extentAt(position);
    if (extent === undefined) return ZEROS.subarray(within, end);
    if (end - within < LEAST_LOAN) return extent.slice(within, end);
    const { buffer } = extent;
    this.#lent.set(buffer, (this.#lent.get(buffer) ?? 0) + 1);
    return extent.subarray(within, end);
  }

  takeBack({ buffer }: Extent): void {
    const times = this.#lent.get(buffer);
    if (times === undefined) return; // zeros, or a copy
    if (times > 1) this.#lent.set(buffer, times - 1);
    else this.#lent.delete(buffer);
  }

  /** Hot, as `read`. */
  write(position: number, data: Uint8Array, from: number, to: number): void {
    while (from < to) {
      const within = position % EXTENT;
      const piece = Math.min(to - from, EXTENT - within);
      const extent = this.#writableExtent(position) ?? this.#allocate(position);
      copyBytes(data, from, from + piece, extent, within);
      position += piece;
      from += piece;
    }
  }

  flush(): void {}

  /** Whole extents are given back; of others the range is zeroed. */
  discard(position: number, length: number): void {
    const end = position + length;
    while (position < end) {
      const within = position % EXTENT;
      const piece = Math.min(end - position, EXTENT - within);
      const whole = within === 0 && (piece === EXTENT || position + piece === this.#size);
      if (whole) this.#release(position);
      else this.#writableExtent(position)?.fill(0, within, within + piece);
      position += piece;
    }
  }

  /**
   * Whether the block at `position` takes room, and how many bytes of the next `length` are known to be in the same
   * state: the next ones may be as well.
   */
  provisioning(position: number, length: number): Provisioning {
    const allocated = this.#extentAt(position) !== undefined;
    const end = position + length;
    let next = position - (position % EXTENT) + EXTENT;
    for (let looks = 0; next < end && looks < MOST_LOOKS; looks++) {
      const group = Math.floor(next / (EXTENT * GROUP));
      if (!allocated && this.#groups[group] === undefined) next = (group + 1) * EXTENT * GROUP;
      else if ((this.#extentAt(next) !== undefined) === allocated) next += EXTENT;
      else break;
    }
    return { allocated, length: Math.min(next, end) - position };
  }

  /** Gives all room back. The store reads as zeros afterwards. */
  close(): void {
    this.#groups.fill(undefined);
    this.#extents = 0;
  }

  #extentAt(position: number): Extent | undefined {
    const extent = Math.floor(position / EXTENT);
    return this.#groups[Math.floor(extent / GROUP)]?.[extent % GROUP];
  }

  /** The extent at `position`, if there is one, or a copy in its place while it is lent. */
  #writableExtent(position: number): Extent | undefined {
    const extent = this.#extentAt(position);
    if (extent === undefined || this.#lent.size === 0 || !this.#lent.has(extent.buffer)) return extent;
    const copy = newExtent();
    copy.set(extent);
    this.#put(position, copy);
    return copy;
  }

  #allocate(position: number): Extent {
    if ((this.#extents + 1) * EXTENT > this.#memoryLimit) {
      throw noRoom(`Cannot store more than ${this.#memoryLimit} bytes in RAM`);
    }
    const fresh = newExtent();
    this.#put(position, fresh);
    this.#extents++;
    return fresh;
  }

  #put(position: number, bytes: Extent): void {
    const extent = Math.floor(position / EXTENT);
    const group = Math.floor(extent / GROUP);
    const extents = this.#groups[group] ?? new Array<Extent | undefined>(GROUP).fill(undefined);
    this.#groups[group] = extents;
    extents[extent % GROUP] = bytes;
  }

  #release(position: number): void {
    const extent = Math.floor(position / EXTENT);
    const extents = this.#groups[Math.floor(extent / GROUP)];
    if (extents?.[extent % GROUP] === undefined) return;
    extents[extent % GROUP] = undefined;
    this.#extents--;
  }
}

/**
 * The number of blocks of `blockSize` bytes in `size` bytes.
 *
 * @throws {ValueError} When the block length is no power of two from 512 to 65536, or the size no positive multiple of
 *   it below 2^53.
 */
export function blockCount(size: number, blockSize: number): number {
  if (!Number.isInteger(blockSize) || blockSize < 512 || blockSize > 65536 || !isPowerOfTwo(blockSize)) {
    throw new ValueError(`Cannot use blocks of ${blockSize} bytes: a power of two from 512 to 65536 allowed`);
  }
  if (!Number.isSafeInteger(size) || size <= 0 || size % blockSize !== 0) {
    throw new ValueError(`Cannot divide ${size} bytes into blocks: a positive multiple of ${blockSize} allowed`);
  }
  return size / blockSize;
}

function newExtent(): Extent {
  try {
    return new Uint8Array(EXTENT);
  } catch (cause) {
    throw noRoom('Cannot store more in RAM: the platform gives no more', cause);
  }
}

function isPowerOfTwo(value: number): boolean {
  return (value & (value - 1)) === 0;
}

// The device server knows the reason by `code`, as it knows that of a file system error.
function noRoom(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code: 'ENOSPC' });
}
