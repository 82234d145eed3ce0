import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Cell, Sample } from './cells.ts';
import { cpuMicrosOf } from './cpu.ts';
import { DIST } from './dist.ts';

/** A program that reads from a target. */
export interface Client {
  readonly name: string;
  run(url: string, cell: Cell, seconds: number, targetPid: number): Promise<Sample>;
}

/** Our initiator over its public API, in a process of its own, as it was built in `dist`. */
export function initiatorOf(name: string, dist: string): Client {
  const perfClient = join(dist, 'bench', 'end-to-end', 'perf-client.js');
  return {
    name,
    async run(url, { depth, blocks, pattern }, seconds, targetPid) {
      const before = cpuMicrosOf(targetPid);
      const args = [perfClient, url, `${depth}`, `${blocks}`, `${seconds}`, pattern];
      const { stdout } = await run(process.execPath, args);
      const { iops, cpuMicros } = JSON.parse(stdout) as { readonly iops: number; readonly cpuMicros: number };
      return { iops, clientCpu: cpuMicros, targetCpu: (cpuMicrosOf(targetPid) - before) / (iops * seconds) };
    },
  };
}

/** That of this checkout. */
export const OURS: Client = initiatorOf('tsiscsi', DIST);

/** libiscsi's own load generator. */
export const LIBISCSI: Client = {
  name: 'libiscsi',
  async run(url, cell, seconds, targetPid) {
    const args = [
      '-m',
      `${cell.depth}`,
      '-b',
      `${cell.blocks}`,
      '-t',
      `${seconds}`,
      ...(cell.pattern === 'random' ? ['-r'] : []),
      url,
    ];
    const before = cpuMicrosOf(targetPid);
    const { stdout, cpuMicros } = await run('iscsi-perf', args);
    const iops = Number(
      /iops average (\d+) \([^)]*\)\s*\n\s*\n?finished/.exec(stdout)?.[1] ??
        /iops average (\d+)[^\r\n]*\s*$/m.exec(stdout)?.[1],
    );
    if (!(iops > 0)) throw new Error(`iscsi-perf gave no result:\n${stdout}`);
    return {
      iops,
      clientCpu: cpuMicros / (iops * seconds),
      targetCpu: (cpuMicrosOf(targetPid) - before) / (iops * seconds),
    };
  },
};

/** Runs a program to its end; its CPU time is read just before it ends. */
function run(file: string, args: readonly string[]): Promise<{ readonly stdout: string; readonly cpuMicros: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    let cpuMicros = 0;
    const sample = setInterval(() => {
      try {
        cpuMicros = cpuMicrosOf(child.pid ?? 0);
      } catch {
        // It has just ended; the last sample counts.
      }
    }, 20);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('latin1');
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(sample);
      if (code === 0) resolve({ stdout, cpuMicros });
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}:\n${stdout}`));
    });
  });
}
