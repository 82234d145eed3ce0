/**
 * One attack on one target, with somebody innocent beside it, measured from outside: target and attackers are processes
 * of their own. At the same time somebody else reads from another target, which nobody attacks: what that one waits is
 * what the machine costs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import type { Attack } from './attacks.ts';
import { ATTACKS } from './attacks.ts';
import { Innocent } from './innocent.ts';
import { RawSession } from './raw-session.ts';

/** How long a trial is, in seconds, and how many attackers it has. */
export interface TrialSize {
  readonly seconds: number;
  readonly size: 'short' | 'long';
  /** The budget of the target, in bytes. */
  readonly budget: number;
}

/** What came of a trial: times in milliseconds, memory in bytes. */
export interface Outcome {
  /** The longest wait at the target that is attacked, and at the same time at another one. */
  readonly longest: number;
  readonly elsewhere: number;
  /** How many times longer than alone on a processor the target took for what it did: what the machine's load costs. */
  readonly slowness: number;
  /** What somebody waits for a session who comes during the attack. */
  readonly login: number;
  /** Resident memory before the attack, and the most that there ever was. */
  readonly memoryBefore: number;
  readonly memoryPeak: number;
  readonly reads: number;
}

const RAM = 16 * 1024 * 1024;
const FILE_SIZE = 64 * 1024 * 1024;

export async function trial(t: Cleanup, attack: Attack, { seconds, size, budget }: TrialSize): Promise<Outcome> {
  const file = join(await temporaryDirectory(t), 'disk.img');
  await writeFile(file, '');
  await truncate(file, FILE_SIZE);
  const [target, other] = [0, 1].map(() => program('serve', [file, `${RAM}`, `${budget}`]));
  if (target === undefined || other === undefined) throw new Error('There are two targets');
  const innocents: Innocent[] = [];
  try {
    const port = await portOf(target);
    const innocent = await Innocent.begin(port, target.pid);
    const bystander = await Innocent.begin(await portOf(other), other.pid);
    innocents.push(innocent, bystander);
    await pause(300);
    const memoryBefore = (await memoryOf(target)).now;
    const attacker = program('attack', [`${ATTACKS.indexOf(attack)}`, `${port}`, `${seconds}`, size]);
    try {
      await lineOf(attacker, /^begun$/);
      const timesBefore = await timesOf(target);
      for (const one of innocents) one.takeLongest(); // the first reads find nothing compiled
      await pause(seconds * 600);
      const login = await loginTime(port);
      await pause(seconds * 400);
      const [longest, elsewhere] = [innocent.takeLongest(), bystander.takeLongest()];
      const { peak } = await memoryOf(target);
      const times = await timesOf(target);
      const run = Math.max(1, times.run - timesBefore.run);
      const slowness = 1 + (times.waited - timesBefore.waited) / run;
      return { longest, elsewhere, slowness, login, memoryBefore, memoryPeak: peak, reads: innocent.reads };
    } finally {
      await end(attacker);
    }
  } finally {
    for (const one of innocents) one.stop();
    await Promise.all([end(target), end(other)]);
  }
}

async function portOf(target: ChildProcess): Promise<number> {
  return Number((await lineOf(target, /^port (\d+)$/))[1]);
}

async function loginTime(port: number): Promise<number> {
  const begun = performance.now();
  const session = await RawSession.logIn(port);
  const took = performance.now() - begun;
  session.socket.destroy();
  return took;
}

function program(name: string, args: readonly string[]): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const path = fileURLToPath(new URL(`${name}.${extension}`, import.meta.url));
  return spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** The first line of its output that matches. */
async function lineOf(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  if (child.stdout === null) throw new Error('It has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const match = pattern.exec(line);
    if (match !== null) return match;
  }
  throw new Error(`It ended without a line like ${pattern}`);
}

/** Ends a process of a trial. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function memoryOf({ pid }: ChildProcess): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { now: kilobytes('VmRSS'), peak: kilobytes('VmHWM') };
}

/** How long the process has run, and waited for a processor when it could have run, in nanoseconds. */
async function timesOf({ pid }: ChildProcess): Promise<{ readonly run: number; readonly waited: number }> {
  const [run = 0, waited = 0] = (await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ').map(Number);
  return { run, waited };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
