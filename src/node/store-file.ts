/** The file behind a block store: opening it, and what can be found out about it. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { IscsiError } from '../errors.ts';

/** A file of fewer bytes may be kept in its inode, and hold data that takes no block. */
const LEAST_SPARSE = 64 * 1024;

/** What is known of a file that was opened. */
export interface Opened {
  readonly file: FileHandle;
  readonly path: string;
  /** Whether opening it has made it. */
  readonly made: boolean;
}

/** Opens a file, or makes it where a size for it is given. A dangling link is not followed. */
export async function openOrMake(path: string, size: number | undefined, readOnly: boolean): Promise<Opened> {
  try {
    return { file: await open(path, readOnly ? 'r' : 'r+'), path, made: false };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!missing || readOnly) throw error;
    if (size === undefined) {
      throw usage(`Cannot open ${path}: there is no such file`, 'Give a size to make it', error);
    }
    return { file: await open(path, 'wx+'), path, made: true };
  }
}

/** Brings the name of a new file onto stable storage, where the platform can: without it a flushed file may be gone. */
export async function keepName(path: string): Promise<void> {
  try {
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch {
    // Not every platform opens directories.
  }
}

/** Whether no block of a file takes room. What the system has not placed yet is placed first. */
export async function isEmpty(file: FileHandle, size: number): Promise<boolean> {
  const nothingYet = async () => {
    const stats = await file.stat();
    return stats.isFile() && stats.blocks === 0;
  };
  if (size < LEAST_SPARSE || !(await nothingYet())) return false;
  await file.datasync();
  return nothingYet();
}

/** Whether a name still leads to the file that is open. */
export async function leadsTo(path: string, file: FileHandle): Promise<boolean> {
  const [named, opened] = await Promise.all([
    stat(path, { bigint: true }).catch(() => undefined),
    file.stat({ bigint: true }),
  ]);
  return named?.ino === opened.ino && named.dev === opened.dev;
}

/** Bytes of a file or block device. */
export async function lengthOf(file: FileHandle, path: string): Promise<number> {
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

/** Who asks for a store has asked for what cannot be. */
export function usage(message: string, hint: string, cause?: unknown): IscsiError {
  return new IscsiError('ISCSI_USAGE', message, { hint, cause });
}
