import type { DataLender } from '../bytes/data-source.ts';

/**
 * Where the blocks of a logical unit live. Positions and lengths are bytes and always multiples of `blockSize`,
 * inside the store: the device server has checked them. RAM stores answer at once; others return a promise. A rejected
 * promise becomes a MEDIUM ERROR; where the error has a `code` of `ENOSPC`, DATA PROTECT / SPACE ALLOCATION FAILED; and
 * where it has `permanent: true`, HARDWARE ERROR / LOGICAL UNIT FAILURE, from then on for every command that needs the
 * medium.
 */
export interface BlockStore {
  /** Logical block length in bytes: a power of two from 512 to 65536. */
  readonly blockSize: number;
  /** Number of logical blocks. */
  readonly blocks: number;
  /** Whether writes are refused. */
  readonly readOnly: boolean;
  /**
   * Whether a write that was answered may be lost with power or process until `flush()`: reported as WCE in the Caching
   * page.
   */
  readonly volatileWriteCache: boolean;
  /** Whether blocks that were never written, or were discarded, take no room: reported as thin provisioning. */
  readonly thin: boolean;
  /**
   * True when `read` always ends before it returns and does not fail: then it may be pulled piece by piece into the
   * send buffer.
   */
  readonly synchronous: boolean;

  /** Copies `length` bytes from `position` to `into`, at `at`. Blocks that hold nothing read as zeros. */
  read(position: number, into: Uint8Array, at: number, length: number): void | Promise<void>;
  /**
   * For a synchronous store that can give its bytes without a copy: what it lends, from a position on, does not change
   * until it is taken back, whatever is written or discarded meanwhile.
   */
  readonly lender?: DataLender;
  /** Stores `data[from, to)` at `position`. `data` belongs to the store until the call has ended. */
  write(position: number, data: Uint8Array, from: number, to: number): void | Promise<void>;
  /** Ends when everything written before is on stable storage. */
  flush(): void | Promise<void>;
  /** The least number of bytes whose room `discard` gives back, where it is more than a block. */
  readonly discardGranularity?: number;
  /** Gives room back; the range reads as zeros afterwards. */
  discard(position: number, length: number): void | Promise<void>;
  /**
   * Whether the block at `position` takes room, and how many bytes of the next `length` are in the same state; at least
   * one block. For a thin store that knows: GET LBA STATUS reports it. Without it every block is reported as mapped.
   */
  provisioning?(position: number, length: number): Provisioning;
  /** Releases what the store holds open. Flushes first. */
  close(): void | Promise<void>;
  /** Instead of `close()`, for a store that nobody has used: takes away again what opening it has made. */
  abandon?(): void | Promise<void>;
}

/** The state of a range of a thin store. */
export interface Provisioning {
  /** False where nothing was written, or it was discarded. */
  readonly allocated: boolean;
  /** How many bytes are in this state. */
  readonly length: number;
}
