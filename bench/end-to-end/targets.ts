import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '../../src/index.ts';
import type { Cleanup } from '../../test/support/process.ts';
import { startTgtd } from '../../test/support/tgtd.ts';
import { DIST } from './dist.ts';

const SIZE_MIB = 256;

/** A target that runs in a process of its own. */
export interface RunningTarget {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

/** Writes every block: what was never written would be read from the same few zeros again and again. */
export async function fill({ url }: RunningTarget): Promise<void> {
  await using lun = await connect(url);
  const noise = randomBytes(2 ** 20);
  for (let position = 0; position < lun.size; position += noise.length) await lun.write(noise, { position });
  await lun.flush();
}

/** Our target with one RAM LUN, as it was built in `dist`. */
export async function startOurs(cleanup: Cleanup, dist = DIST): Promise<RunningTarget> {
  const program = join(dist, 'src', 'cli', 'bin', 'iscsi-target.js');
  const child = spawn(process.execPath, [program, '--listen', '127.0.0.1:0', '--memory', `${SIZE_MIB}M`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanup.after(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { name: 'tsiscsi', url, pid: child.pid ?? 0 };
}

/** tgtd with one file LUN of the same size, which stays in the page cache. */
export async function startTheirs(cleanup: Cleanup): Promise<RunningTarget> {
  const name = 'iqn.2003-01.org.example:bench';
  const tgtd = await startTgtd(cleanup, {
    targets: [{ name, luns: [{ sizeMiB: SIZE_MIB }], params: { MaxRecvDataSegmentLength: 262_144 } }],
  });
  return { name: 'tgtd', url: tgtd.url(name, 1), pid: tgtd.process.pid ?? 0 };
}
