/** System errors in words. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type { ExitCode } from './exit.ts';
import { EXIT, ToolError } from './exit.ts';

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
  EEXIST: 'it exists already',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would become too large',
  EROFS: 'the file system is read-only',
  EIO: 'the device reports an error',
  EPIPE: 'the reader has closed it',
  ETXTBSY: 'the file is being executed',
  ENXIO: 'there is no such device',
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name could not be looked up',
};

/**
 * Says why `doing` did not work: `Cannot open disk.img: no such file or directory`. Errors that are no system errors
 * come back as they are.
 */
export function systemError(doing: string, error: unknown, hint?: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (!('syscall' in error) && !(error.code in WORDS)) return error;
  const words = WORDS[error.code] ?? systemWords(error) ?? error.message;
  const exitCode: ExitCode = error.code === 'ENOENT' ? EXIT.NOT_FOUND : EXIT.FAILED;
  return new ToolError(`${doing}: ${words}`, { code: error.code, exitCode, hint, cause: error });
}

/** The operating system's own words, without code and system call, which Node.js puts into the message. */
function systemWords(error: Error): string | undefined {
  return 'errno' in error && typeof error.errno === 'number' ? getSystemErrorMap().get(error.errno)?.[1] : undefined;
}

/** What to say behind "no such file or directory" when it is the directory that is missing. */
export function folderHint(path: string): string | undefined {
  const folder = dirname(path);
  return existsSync(folder) ? undefined : `there is no directory ${folder}`;
}

/** Awaits `work` and gives its system errors words; `hint` is asked when there is one. */
export async function saying<T>(doing: string, work: Promise<T>, hint?: () => string | undefined): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw systemError(doing, error, hint?.());
  }
}
