/**
 * A block store in a file or on a block device.
 *
 * The file is sparse where it was never written. Discarded blocks give their room back where the platform can punch
 * holes (Linux, with `fallocate` of util-linux, on most file systems); pieces below 1 MiB are overwritten with zeros,
 * since a helper program for each would cost more than the room is worth. Elsewhere all are, and keep their room: then
 * `thin` is false, and initiators do not send UNMAP.
 *
 * Nobody else must shorten the file meanwhile. Where somebody does, that is noticed before anything that was cut off
 * could be taken for zeros, and the store fails from then on, for good. (One moment is left: a cut between the look at
 * the size and a write that ends exactly where the file ends, microseconds later.)
 *
 * The page cache of the operating system is the write cache: with `writeCache` a write is answered when the system has
 * it, and is safe after `flush()` (fdatasync); without, each write is followed by fdatasync. A read sees every write
 * that ended before it, cached or not.
 */
import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import type { Eventually } from '../device/eventually.ts';
import { blockCount } from '../device/memory-store.ts';
import type { BlockStore, Provisioning } from '../device/store.ts';
import { FileHoles, punchHole } from './file-holes.ts';
import { FileSize } from './file-size.ts';
import { claimFile } from './files-in-use.ts';
import { isEmpty, keepName, leadsTo, lengthOf, type Opened, openOrMake, usage } from './store-file.ts';

/** How to open a file as a store. */
export interface FileStoreOptions {
  /**
   * Size in bytes, a multiple of the block length. A missing file is made with it; an existing one must have it.
   * Default: as the file is.
   */
  readonly size?: number;
  /** Logical block length in bytes: a power of two from 512 to 65536. Default 512. */
  readonly blockSize?: number;
  /** Whether writes are refused; the file is opened for reading only. Default false. */
  readonly readOnly?: boolean;
  /** Whether writes may be answered before they are on stable storage. Default true. */
  readonly writeCache?: boolean;
}

const ZEROS = new Uint8Array(1024 * 1024);
/** Shorter ranges are overwritten instead of punched. */
const LEAST_HOLE = ZEROS.length;
/** What a store is made of. */
interface Parts extends Opened {
  readonly blocks: number;
  readonly blockSize: number;
  readonly readOnly: boolean;
  readonly writeCache: boolean;
  readonly thin: boolean;
  readonly size: FileSize | undefined;
  readonly holes: FileHoles;
  /** Bytes of a block of the file system: smaller holes cannot be. */
  readonly unit: number;
  readonly release: () => void;
}

/**
 * Opens a file or block device as a block store. Close it with `close()`.
 *
 * @throws {IscsiError} `ISCSI_USAGE`, with a hint, when size or block length do not fit the file, or another store of
 *   this process uses it and one of both would write; the error of the file system otherwise (`ENOENT`, `EACCES`, …),
 *   with its `code`.
 */
export async function openFileStore(path: string, options: FileStoreOptions = {}): Promise<BlockStore> {
  const { blockSize = 512, readOnly = false } = options;
  if (options.size !== undefined) fitting(path, options.size, blockSize, 'Give a size that is a multiple of it');
  const opened = await openOrMake(path, options.size, readOnly);
  const { file, made } = opened;
  let release = nothing;
  try {
    release = await claimFile(file, path, readOnly);
    if (made) await file.truncate(options.size);
    return new FileStore(await partsOf(opened, options, release));
  } catch (error) {
    release();
    await file.close();
    // A file half made is worse than none: the next start would take it for the disk.
    if (made) await rm(path, { force: true });
    throw error;
  }
}

async function partsOf(opened: Opened, options: FileStoreOptions, release: () => void): Promise<Parts> {
  const { blockSize = 512, readOnly = false, writeCache = true } = options;
  const { file, path, made } = opened;
  const size = await lengthOf(file, path);
  if (options.size !== undefined && size !== options.size) {
    const hint = `Leave the size out to use all of it, or bring it to size with: truncate -s ${options.size} ${path}`;
    throw usage(`Cannot open ${path} with ${options.size} bytes: it has ${size}`, hint);
  }
  const hint = 'Bring the file to a multiple of it, or choose another block length';
  const blocks = fitting(path, size, blockSize, hint);
  if (made) await keepName(path);
  const holes = new FileHoles();
  if (made || (await isEmpty(file, size))) holes.add(0, size);
  return {
    ...opened,
    blocks,
    blockSize,
    readOnly,
    writeCache,
    release,
    holes,
    size: await FileSize.of(file, path, size),
    unit: Math.max((await file.stat()).blksize, blockSize),
    thin: !readOnly && (await takesHoles(file, size)),
  };
}

class FileStore implements BlockStore {
  readonly blockSize: number;
  readonly blocks: number;
  readonly readOnly: boolean;
  readonly volatileWriteCache: boolean;
  readonly thin: boolean;
  readonly synchronous = false;
  readonly discardGranularity = LEAST_HOLE;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #made: boolean;
  readonly #size: FileSize | undefined;
  readonly #end: number;
  readonly #unit: number;
  readonly #holes: FileHoles;
  readonly #release: () => void;
  #flushing: Promise<void> | undefined;
  #nextFlush: Promise<void> | undefined;
  /** Writes under way, and how many have ended. */
  #writing = 0;
  #written = 0;
  /** Why flushes fail from now on. */
  #lost: unknown;
  /** Why everything fails from now on: somebody has cut the file. */
  #cut: Error | undefined;
  #closed = false;

  constructor(parts: Parts) {
    const { blocks, blockSize, readOnly } = parts;
    this.#file = parts.file;
    this.#path = parts.path;
    this.#made = parts.made;
    this.#size = parts.size;
    this.#end = blocks * blockSize;
    this.#unit = parts.unit;
    this.#holes = parts.holes;
    this.#release = parts.release;
    this.blocks = blocks;
    this.blockSize = blockSize;
    this.readOnly = readOnly;
    this.volatileWriteCache = parts.writeCache && !readOnly;
    this.thin = parts.thin;
  }

  async read(position: number, into: Uint8Array, at: number, length: number): Promise<void> {
    if (this.#cut !== undefined) throw this.#cut;
    const before = this.#written;
    const alone = this.#writing === 0;
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(into, at + done, length - done, position + done);
      if (bytesRead === 0) throw this.#endsAt(position + done);
      done += bytesRead;
    }
    // Only a write can hide a cut from a read; what it wrote before this one began was looked at when it ended.
    if (!alone || this.#writing > 0 || this.#written !== before) await this.#checkSize();
  }

  async write(position: number, data: Uint8Array, from: number, to: number): Promise<void> {
    await this.#writeAll(position, data, from, to);
    if (!this.volatileWriteCache) await this.flush();
  }

  /** Several flushes that wait for the one that runs become one. */
  flush(): Promise<void> {
    if (this.readOnly) return Promise.resolve();
    if (!this.#flushing) {
      this.#flushing = this.#sync().finally(() => {
        this.#flushing = undefined;
      });
      return this.#flushing;
    }
    // The running one may have begun before the last write: it does not count.
    this.#nextFlush ??= this.#flushing
      .catch(() => {}) // told to those who waited for it
      .then(() => {
        this.#nextFlush = undefined;
        return this.flush();
      });
    return this.#nextFlush;
  }

  async discard(position: number, length: number): Promise<void> {
    if (this.#cut !== undefined) throw this.#cut;
    const end = position + length;
    if (this.#holes.covers(position, end)) return;
    if (!(await this.#punch(position, length))) {
      for (let at = position; at < end; at += ZEROS.length) {
        await this.#writeAll(at, ZEROS, 0, Math.min(end - at, ZEROS.length));
      }
    }
    if (!this.volatileWriteCache) await this.flush();
  }

  provisioning(position: number, length: number): Provisioning {
    return this.#holes.at(position, length);
  }

  /** @throws When what was written is not known to be on stable storage. The file is closed all the same. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#written > 0) await this.flush();
    } finally {
      try {
        await this.#file.close();
      } finally {
        this.#release();
      }
    }
  }

  async abandon(): Promise<void> {
    const untouched = this.#made && this.#written === 0 && !this.#closed;
    const remove = untouched && (await leadsTo(this.#path, this.#file));
    await this.close();
    if (remove) await rm(this.#path, { force: true });
  }

  async #writeAll(position: number, data: Uint8Array, from: number, to: number): Promise<void> {
    const end = position + to - from;
    // Afterwards the file would be as long as ever.
    if (end === this.#end) await this.#checkSize();
    if (this.#cut !== undefined) throw this.#cut;
    this.#holes.fill(position, end);
    this.#writing++;
    try {
      for (let at = from; at < to; ) {
        const { bytesWritten } = await this.#file.write(data, at, to - at, position + at - from);
        if (bytesWritten === 0) throw failure('EIO', `Cannot write ${this.#path} at byte ${position + at - from}`);
        at += bytesWritten;
      }
    } finally {
      this.#writing--;
      this.#written++;
    }
    await this.#checkSize();
  }

  /** False when the range must be overwritten. */
  async #punch(position: number, length: number): Promise<boolean> {
    if (!this.thin || length < LEAST_HOLE) return false;
    this.#written++; // what close() has to flush
    if (!(await punchHole(this.#file.fd, position, length))) return false;
    const unit = this.#unit;
    // A block of the file system of which only a part was punched is still there.
    this.#holes.add(Math.ceil(position / unit) * unit, Math.floor((position + length) / unit) * unit);
    return true;
  }

  /**
   * After a failed fdatasync the system may have dropped what it could not write, and the next fdatasync would succeed
   * without it. So a store that failed once keeps failing: what was written is not known to be there.
   */
  async #sync(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const checked = this.#checkSize();
    if (checked !== undefined) await checked;
    try {
      await this.#file.datasync();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Cannot flush ${this.#path}, and what was written to it may be lost: ${reason}`;
      this.#lost = failure(codeOf(error), message, error);
      throw this.#lost;
    }
  }

  /** @throws When the file is shorter than it was, and from then on. */
  #checkSize(): Eventually {
    if (this.#cut !== undefined) throw this.#cut;
    return this.#size?.check((size) => {
      throw this.#failFor(`Cannot use ${this.#path} any more: it has ${size} bytes, and had ${this.#end}`);
    });
  }

  #endsAt(position: number): Error {
    return this.#failFor(`Cannot read ${this.#path} at byte ${position}: the file ends there, though it was longer`);
  }

  /** Whatever is asked from now on fails for this reason. */
  #failFor(reason: string): Error {
    this.#cut ??= Object.assign(failure('EIO', reason), { permanent: true });
    return this.#cut;
  }
}

/** Whether holes can be punched into a file, tried behind its end, where there is nothing. */
async function takesHoles(file: FileHandle, size: number): Promise<boolean> {
  return (await file.stat()).isFile() && (await punchHole(file.fd, size, LEAST_HOLE));
}

function fitting(path: string, size: number, blockSize: number, hint: string): number {
  try {
    return blockCount(size, blockSize);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usage(`Cannot open ${path} as a block store: ${reason}`, hint, cause);
  }
}

function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EIO';
}

function nothing(): void {
  // Nothing was claimed yet.
}
