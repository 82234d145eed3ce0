import type { FileHandle } from 'node:fs/promises';
import { IscsiError } from '../errors.ts';

/** Who has a file open. */
interface Use {
  readonly path: string;
  readonly readOnly: boolean;
  times: number;
}

/** By device and inode, whatever the path: links lead to one file. */
const inUse = new Map<string, Use>();

/**
 * Takes note that a store uses `file`. Several may read one; who writes is alone with it, because two stores on one
 * file overwrite each other without knowing. It knows this process only: Node.js has no locks between processes.
 *
 * @returns To be called, once, when the store is closed.
 * @throws {IscsiError} `ISCSI_USAGE` when the file is in use already.
 */
export async function claimFile(file: FileHandle, path: string, readOnly: boolean): Promise<() => void> {
  const { dev, ino, rdev } = await file.stat({ bigint: true });
  const key = rdev === 0n ? `${dev}:${ino}` : `device ${rdev}`;
  const known = inUse.get(key);
  if (known !== undefined && !(known.readOnly && readOnly)) {
    const as = known.path === path ? '' : ` as ${known.path}`;
    throw new IscsiError(
      'ISCSI_USAGE',
      `Cannot open ${path}: it is open already${as}, and one of both would write to it`,
      {
        hint: 'give each logical unit a file of its own',
      },
    );
  }
  const use = known ?? { path, readOnly, times: 0 };
  use.times++;
  inUse.set(key, use);
  return () => {
    if (--use.times === 0) inUse.delete(key);
  };
}
