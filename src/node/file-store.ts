/**
 * A block store in a file or on a block device.
 *
 * The file is sparse where it was never written. Node.js cannot punch holes (fallocate), so discarded blocks are
 * overwritten with zeros and keep their room: `thin` is false, and initiators do not send UNMAP.
 *
 * The page cache of the operating system is the write cache: with `writeCache` a write is answered when the system has
 * it, and is safe after `flush()` (fdatasync); without, each write is followed by fdatasync. A read sees every write
 * that ended before it, cached or not.
 */
import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import { blockCount } from '../device/memory-store.ts';
import type { BlockStore } from '../device/store.ts';
import { IscsiError } from '../errors.ts';
import { claimFile } from './files-in-use.ts';

/** How to open a file as a store. */
export interface FileStoreOptions {
  /**
   * Size in bytes, a multiple of the block length. A missing file is made with it; an existing one must have it.
   * Default: as the file is.
   */
  readonly size?: number;
  /** Logical block length in bytes: a power of two from 512 to 65536. Default 512. */
  readonly blockLength?: number;
  /** Whether writes are refused; the file is opened for reading only. Default false. */
  readonly readOnly?: boolean;
  /** Whether writes may be answered before they are on stable storage. Default true. */
  readonly writeCache?: boolean;
}

const ZEROS = new Uint8Array(1024 * 1024);

/**
 * Opens a file or block device as a block store. Close it with `close()`.
 *
 * @throws {IscsiError} `ISCSI_USAGE`, with a hint, when size or block length do not fit the file, or another store of
 *   this process uses it and one of both would write; the error of the file system otherwise (`ENOENT`, `EACCES`, …),
 *   with its `code`.
 */
export async function openFileStore(path: string, options: FileStoreOptions = {}): Promise<BlockStore> {
  const { blockLength = 512, readOnly = false, writeCache = true } = options;
  if (options.size !== undefined) fitting(path, options.size, blockLength, 'Give a size that is a multiple of it');
  const { file, made } = await openOrMake(path, options.size, readOnly);
  let release = nothing;
  try {
    release = await claimFile(file, path, readOnly);
    if (made) await file.truncate(options.size);
    const size = await sizeOf(file, path);
    if (options.size !== undefined && size !== options.size) {
      const hint = `Leave the size out to use all of it, or bring it to size with: truncate -s ${options.size} ${path}`;
      throw usage(`Cannot open ${path} with ${options.size} bytes: it has ${size}`, hint);
    }
    const blocks = fitting(
      path,
      size,
      blockLength,
      `Bring the file to a multiple of it, or choose another block length`,
    );
    return new FileStore(file, path, blocks, blockLength, readOnly, writeCache, release);
  } catch (error) {
    release();
    await file.close();
    // A file half made is worse than none: the next start would take it for the disk.
    if (made) await rm(path, { force: true });
    throw error;
  }
}

class FileStore implements BlockStore {
  readonly blockLength: number;
  readonly blocks: number;
  readonly readOnly: boolean;
  readonly volatileWriteCache: boolean;
  readonly thin = false;
  readonly synchronous = false;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #release: () => void;
  #flushing: Promise<void> | undefined;
  #nextFlush: Promise<void> | undefined;
  #lost: unknown;
  #closed = false;

  constructor(
    file: FileHandle,
    path: string,
    blocks: number,
    blockLength: number,
    readOnly: boolean,
    writeCache: boolean,
    release: () => void,
  ) {
    this.#file = file;
    this.#release = release;
    this.#path = path;
    this.blocks = blocks;
    this.blockLength = blockLength;
    this.readOnly = readOnly;
    this.volatileWriteCache = writeCache && !readOnly;
  }

  async read(position: number, into: Uint8Array, at: number, length: number): Promise<void> {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(into, at + done, length - done, position + done);
      if (bytesRead === 0) throw this.#shrunk(position + done);
      done += bytesRead;
    }
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
    for (let done = 0; done < length; ) {
      const piece = Math.min(length - done, ZEROS.length);
      await this.#writeAll(position + done, ZEROS, 0, piece);
      done += piece;
    }
    if (!this.volatileWriteCache) await this.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      await this.#file.close();
      this.#release();
    }
  }

  async #writeAll(position: number, data: Uint8Array, from: number, to: number): Promise<void> {
    for (let at = from; at < to; ) {
      const { bytesWritten } = await this.#file.write(data, at, to - at, position + at - from);
      if (bytesWritten === 0) throw failure('EIO', `Cannot write ${this.#path} at byte ${position + at - from}`);
      at += bytesWritten;
    }
  }

  /**
   * After a failed fdatasync the system may have dropped what it could not write, and the next fdatasync would succeed
   * without it. So a store that failed once keeps failing: what was written is not known to be there.
   */
  async #sync(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#lost = error;
      throw error;
    }
  }

  #shrunk(position: number): Error {
    return failure('EIO', `Cannot read ${this.#path} at byte ${position}: the file ends there, though it was longer`);
  }
}

async function openOrMake(
  path: string,
  size: number | undefined,
  readOnly: boolean,
): Promise<{ readonly file: FileHandle; readonly made: boolean }> {
  try {
    return { file: await open(path, readOnly ? 'r' : 'r+'), made: false };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing || readOnly) throw error;
    if (size === undefined) {
      throw usage(`Cannot open ${path}: there is no such file`, 'Give a size to make it', error);
    }
    return { file: await open(path, 'wx+'), made: true };
  }
}

async function sizeOf(file: FileHandle, path: string): Promise<number> {
  const stats = await file.stat();
  if (stats.isFile()) return stats.size;
  if (stats.isBlockDevice()) return endOf(file);
  throw usage(`Cannot use ${path} as a block store`, 'Give a regular file or a block device');
}

/**
 * Where reading stops, in bytes: a block device tells its size neither to stat nor otherwise without an ioctl. Sizes
 * are multiples of 512.
 * @internal Exported for its test.
 */
export async function endOf(file: Pick<FileHandle, 'read'>): Promise<number> {
  const UNIT = 512;
  const probe = new Uint8Array(UNIT);
  const readable = async (unit: number) => (await file.read(probe, 0, UNIT, unit * UNIT)).bytesRead === UNIT;
  if (!(await readable(0))) return 0;
  let inside = 0; // the last unit known to be there
  let outside = 1; // some unit known not to be there, once the first loop has ended
  const farthest = Number.MAX_SAFE_INTEGER / UNIT / 2;
  while (outside < farthest && (await readable(outside))) {
    inside = outside;
    outside *= 2;
  }
  while (outside - inside > 1) {
    const middle = Math.floor((inside + outside) / 2);
    if (await readable(middle)) inside = middle;
    else outside = middle;
  }
  return (inside + 1) * UNIT;
}

function fitting(path: string, size: number, blockLength: number, hint: string): number {
  try {
    return blockCount(size, blockLength);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usage(`Cannot open ${path} as a block store: ${reason}`, hint, cause);
  }
}

function usage(message: string, hint: string, cause?: unknown): IscsiError {
  return new IscsiError('ISCSI_USAGE', message, { hint, cause });
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function nothing(): void {
  // Nothing was claimed yet.
}
