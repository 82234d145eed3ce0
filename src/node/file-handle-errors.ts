/**
 * Errors of the file handle that mean what those of `node:fs` mean: they have the same `code`, and are of the same
 * class, so that a program that was written for `node:fs` finds what it looks for.
 */
import { constants } from 'node:os';
import { shown } from '../unit/option-rules.ts';

/** What the system refuses: names of `errno`. */
export type ErrnoCode = 'EBADF' | 'EINVAL' | 'ENOSPC';

/** As the system gives it. */
export function errnoError(code: ErrnoCode, syscall: string, why: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${why}, ${syscall}`), { code, syscall, errno: -constants.errno[code] });
}

/** A value of a type that cannot be. */
export function wrongType(name: string, value: unknown, allowed: string): TypeError {
  const error = new TypeError(`Cannot use a ${name} of ${shown(value)}: ${allowed} allowed`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** A value of the right type that cannot be. */
export function wrongValue(name: string, value: unknown, allowed: string): TypeError {
  const error = new TypeError(`Cannot use a ${name} of ${shown(value)}: ${allowed} allowed`);
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** A number that is too small or too large, or not whole. */
export function outOfRange(name: string, value: unknown, allowed: string): RangeError {
  const error = new RangeError(`Cannot use a ${name} of ${shown(value)}: ${allowed} allowed`);
  return Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}
