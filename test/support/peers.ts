/**
 * Programs that other people wrote and that serve as witnesses: where they are, and what to do when they are not there.
 */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The part of a test's context that is needed to skip it. */
export interface Skippable {
  skip(message?: string): void;
}

/** Daemons live in directories that an ordinary user's PATH leaves out. */
const MORE_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The full path of `binary`, or undefined when it is not installed. */
export function findBinary(binary: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_DIRECTORIES];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, binary))
    .find(isExecutable);
}

/**
 * True when `binary` is installed. When it is not, the test is skipped with the package's name as the reason; in CI,
 * where every package is installed, a missing one is a failure, so that no witness goes missing unnoticed.
 *
 * @example
 * if (!requirePeer(t, 'tshark', 'tshark')) return;
 */
export function requirePeer(t: Skippable, binary: string, debianPackage: string): boolean {
  if (findBinary(binary) !== undefined) return true;
  const reason = `needs the Debian package ${debianPackage}`;
  if (process.env['CI'] === 'true') throw new Error(`Cannot find ${binary}: ${reason}`);
  t.skip(reason);
  return false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
