/** `--capture`, which every tool has that talks to somebody. */
import { CaptureFile } from '../node/capture-file.ts';
import { usageError } from './exit.ts';
import { systemError } from './file-error.ts';
import type { OptionTable } from './options.ts';
import type { Printer } from './print.ts';

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

/** Runs `work` with the file that the command line asks for, if it does, and says so when not all fitted into it. */
export async function capturing<T>(
  { capture: path, captureData = false }: CaptureChoice,
  print: Printer,
  work: (file: CaptureFile | undefined) => Promise<T>,
): Promise<T> {
  if (path === undefined && captureData) throw usageError('--capture-data goes with --capture FILE');
  if (path === undefined) return work(undefined);
  const file = openCapture(path, captureData);
  try {
    return await work(file);
  } finally {
    file.close();
    if (file.error) print.problem(systemError(`Cannot write the capture ${path} to its end`, file.error));
  }
}

function openCapture(path: string, wholeData: boolean): CaptureFile {
  if (path === '' || path === '-') throw usageError(`argument --capture: '${path}' is no file name`);
  try {
    return CaptureFile.open(path, { wholeData });
  } catch (error) {
    throw systemError(`Cannot write the capture ${path}`, error);
  }
}
