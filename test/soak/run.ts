/**
 * `npm run soak`: every attack of test/fairness at length, then the simulated scenarios with ever new seeds, bounded in
 * time. `-- --seconds N --seed N [attacks|simulated]`; a failure prints the seed, and `SEED=n npm test -- simulated`
 * runs it alone.
 */
import { ATTACKS } from '../fairness/attacks.ts';
import { judge } from '../fairness/judge.ts';
import { cutConnection, writeReadVerify } from '../simulated/scenarios.ts';
import { longRunOptions } from '../support/long-run.ts';

const DOES = `Runs the attacks on a target with an innocent session beside them, then the simulated scenarios, both session
cores in one process with faults between them, with ever new seeds. The words attacks and simulated do one half.
A failure prints its seed: SEED=n npm test -- simulated runs it alone.`;
const { numbers, word } = longRunOptions('soak', DOES, { seconds: 300, seed: undefined }, ['attacks', 'simulated']);
const { seconds, seed: given } = numbers;
if (word !== 'simulated') await attackAll(Math.max(2, seconds / 2 / ATTACKS.length));
if (word === 'attacks') process.exit(0);

const first = given ?? Math.floor(Math.random() * 0x4000_0000);
const until = performance.now() + seconds * 1000;
console.log(`soak: seeds from ${first} on, ${seconds} s`);

let seed = first;
let said = performance.now();
for (; performance.now() < until; seed++) {
  try {
    await writeReadVerify(seed);
    await cutConnection(seed);
  } catch (error) {
    console.error(`soak: failed with SEED=${seed}`, error);
    process.exit(1);
  }
  if (performance.now() - said > 5000) {
    said = performance.now();
    console.log(`soak: ${seed - first + 1} seeds passed, ${((until - said) / 1000).toFixed(0)} s left`);
  }
}
console.log(`soak: ${seed - first} seeds passed, none failed`);

/** Promise 8, with many attackers and more time for each attack. */
async function attackAll(secondsEach: number): Promise<void> {
  console.log(`soak: ${ATTACKS.length} attacks, ${secondsEach.toFixed(1)} s each`);
  for (const attack of ATTACKS) {
    const after: (() => Promise<void>)[] = [];
    const size = { seconds: secondsEach, size: 'long', budget: 256 * 1024 * 1024 } as const;
    const wrong = await judge({ after: (hook) => after.push(hook) }, attack, size);
    for (const hook of after) await hook();
    console.log(`soak: ${attack.name}: ${wrong ?? 'nobody waits'}`);
    if (wrong !== undefined) process.exit(1);
  }
}
