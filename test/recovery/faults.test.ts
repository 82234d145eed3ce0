/** A short run of what `npm run soak -- recovery` does at length: seeded faults under a mixed load. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNoHandlesLeft } from '../client/handles.ts';
import { seeds } from '../simulated/random.ts';
import { faultyRun, type RunFigures } from './faulty-run.ts';

const RUNS = 30;

test(`${RUNS} seeded runs: nothing is lost, nothing doubled that must not be, nothing left behind`, async (t) => {
  const all: RunFigures[] = [];
  for (const seed of seeds(RUNS)) {
    await assertNoHandlesLeft(async () => {
      try {
        all.push(await faultyRun(seed));
      } catch (error) {
        throw new Error(`failed with SEED=${seed}`, { cause: error });
      }
    });
  }
  const sum = (of: (run: RunFigures) => number): number => all.reduce((whole, run) => whole + of(run), 0);
  const [losses, reconnects] = [sum((run) => run.losses), sum((run) => run.reconnects)];
  t.diagnostic(`${all.length} runs, ${losses} losses, ${sum((run) => run.repeatedBlocks)} blocks written again`);
  assert.ok(all.length < RUNS || (losses > 20 && reconnects > 20), 'hardly anything was lost: nothing was shown');
});
