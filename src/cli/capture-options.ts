/** `--capture`, which every tool has that talks to somebody. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isCapture } from '../capture/capture-read.ts';
import { CaptureFile } from '../node/capture-file.ts';
import { usageError } from './exit.ts';
import { systemError } from './file-error.ts';
import type { OptionTable } from './options.ts';
import type { Printer } from './print.ts';
import { fileIdentity } from './same-place.ts';

/** Rows for the option tables. */
export const CAPTURE_OPTIONS = {
  capture: {
    kind: 'text',
    value: 'FILE',
    help: 'Write what goes over the wire to a pcapng file, without the proofs of passwords; iscsi-decode shows it',
  },
  captureData: { kind: 'flag', help: 'With --capture: all data, and not only how it begins' },
} as const satisfies OptionTable;

/** What the command line says about capturing. */
export interface CaptureChoice {
  readonly capture?: string | undefined;
  readonly captureData?: boolean;
}

/**
 * Runs `work` with the file that the command line asks for, if it does, and says so when not all fitted into it.
 * @param others What else the command line names: files among it are not overwritten by the capture.
 */
export async function capturing<T>(
  { capture: path, captureData = false }: CaptureChoice,
  others: readonly string[],
  print: Printer,
  work: (file: CaptureFile | undefined) => Promise<T>,
): Promise<T> {
  if (path === undefined && captureData) throw usageError('--capture-data goes with --capture FILE');
  if (path === undefined) return work(undefined);
  const file = openCapture(path, others, captureData);
  try {
    return await work(file);
  } finally {
    file.close();
    if (file.error) print.problem(systemError(`Cannot write the capture ${path} to its end`, file.error));
  }
}

function openCapture(path: string, others: readonly string[], wholeData: boolean): CaptureFile {
  if (path === '' || path === '-') throw usageError(`argument --capture: '${path}' is no file name`);
  try {
    checkPlace(path, others);
    return CaptureFile.open(path, { wholeData });
  } catch (error) {
    const isPipe = error instanceof Error && 'code' in error && error.code === 'ENXIO';
    throw systemError(
      `Cannot write the capture ${path}`,
      error,
      isPipe ? 'is there somebody who reads it?' : undefined,
    );
  }
}

/** Opening it empties it: so nothing that the command works with, and nothing that is there and is no capture. */
function checkPlace(path: string, others: readonly string[]): void {
  const place = fileIdentity(path);
  const streams = [0, 1, 2].map(fileIdentity);
  const used = others.some((other) =>
    place === undefined ? resolve(other) === resolve(path) : fileIdentity(other) === place,
  );
  if (used || (place !== undefined && streams.includes(place)))
    throw usageError(`argument --capture: ${path} is used for something else already`);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isBlockDevice() || (stats?.isFile() && stats.size > 0 && !isCapture(beginningOf(path))))
    throw usageError(
      `argument --capture: ${path} is there, and is no capture`,
      'captures overwrite captures only: remove it, or choose another name',
    );
}

function beginningOf(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(4);
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}
