import { type FileHandle, open } from 'node:fs/promises';
import { IscsiError } from '../errors.ts';

/** Bytes of such a file: more than secrets for ten thousand initiators. */
const LONGEST = 4 * 1024 * 1024;
/** Everything that the mode of a file allows to others than its owner. */
const OTHERS = 0o077;

/**
 * The text of a file that holds secrets: only its owner may be able to read it, or do anything with it.
 * @throws {IscsiError} `ISCSI_CHAP_FILE` when it cannot be read, others can read it, or it is too long.
 */
export async function readPrivateFile(path: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw problem(path, cause instanceof Error ? cause.message : 'it cannot be opened', 'check path and owner', cause);
  }
  try {
    await checkOwner(path, file); // of what was opened, not of what has this name now
    return await readAll(path, file);
  } finally {
    await file.close();
  }
}

async function checkOwner(path: string, file: FileHandle): Promise<void> {
  const user = process.geteuid?.();
  if (user === undefined) return; // Windows: its access lists are not in the mode
  const { mode, uid } = await file.stat();
  if ((mode & OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(3, '0');
    throw problem(path, `others than its owner can use it (mode ${octal}, 600 allowed)`, 'chmod 600 it');
  }
  if (user !== 0 && uid !== user)
    throw problem(path, 'it belongs to somebody else', 'give it to the user that reads it');
}

/** Not by `stat` and size: what is piped in has none. */
async function readAll(path: string, file: FileHandle): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
      length += bytesRead;
      if (length > LONGEST) break;
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } catch (cause) {
    throw problem(path, cause instanceof Error ? cause.message : 'it cannot be read', 'is it a file?', cause);
  }
  throw problem(path, `it has more than ${LONGEST} bytes`, 'is it the right file?');
}

function problem(path: string, why: string, hint: string, cause?: unknown): IscsiError {
  const options = cause === undefined ? { hint } : { hint, cause };
  return new IscsiError('ISCSI_CHAP_FILE', `Cannot take credentials from ${path}: ${why}`, options);
}
