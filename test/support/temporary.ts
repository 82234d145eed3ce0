/** Temporary directories of tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './process.ts';

/**
 * A new empty directory that is removed when the test is over. The path is short enough for UNIX sockets (107 bytes).
 */
export async function temporaryDirectory(t: Cleanup): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tsiscsi-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
