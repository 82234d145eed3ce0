/** Promise 8, for one attack: tried again when the machine was busy, since what fails by itself fails every time. */
import type { Cleanup } from '../support/process.ts';
import type { Attack } from './attacks.ts';
import { type Outcome, type TrialSize, trial } from './trial.ts';

/** How much longer than elsewhere anybody waits, in milliseconds, while the target has a processor. */
const LONGEST_WAIT = 100;
/** How much longer than elsewhere a login takes, which asks several times, and a new connection. */
const LONGEST_LOGIN = 500;
/** What a process takes besides the budget, in bytes: its RAM disk, what was freed and not collected yet, the heap. */
const BESIDES = 128 * 1024 * 1024;
const ATTEMPTS = 4;

/** What is wrong with an outcome, in words; undefined when the promise was kept. */
export function complaint(outcome: Outcome, { budget }: TrialSize): string | undefined {
  const { longest, elsewhere, slowness, login, memoryBefore, memoryPeak, reads } = outcome;
  const beside = `${elsewhere.toFixed()} ms elsewhere, slowness ${slowness.toFixed(1)}`;
  if (reads < 10) return `only ${reads} reads were answered`;
  if (longest > elsewhere + LONGEST_WAIT) return `a read took ${longest.toFixed()} ms (${beside})`;
  if (login > elsewhere + LONGEST_LOGIN * slowness) return `a login took ${login.toFixed()} ms (${beside})`;
  const most = memoryBefore + budget + BESIDES;
  return memoryPeak > most ? `${memoryPeak} bytes of memory, no more than ${most} allowed` : undefined;
}

/** Tries an attack. @returns What was wrong the last time, if it was so each time. */
export async function judge(t: Cleanup, attack: Attack, size: TrialSize): Promise<string | undefined> {
  let wrong: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    wrong = await trial(t, attack, size).then(
      (outcome) => complaint(outcome, size),
      (error: unknown) => String(error),
    );
    if (wrong === undefined) return undefined;
  }
  return wrong;
}
