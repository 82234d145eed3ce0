/**
 * `npm run soak`: the simulated scenarios with ever new seeds, bounded in time. `-- --seconds N --seed N`; a failure
 * prints the seed, and `SEED=n npm test -- simulated` runs it alone.
 */
import { cutConnection, writeReadVerify } from '../simulated/scenarios.ts';
import { longRunOptions } from '../support/long-run.ts';

const DOES = `Runs the simulated scenarios, both session cores in one process with faults between them, with ever new seeds.
A failure prints its seed: SEED=n npm test -- simulated runs it alone.`;
const { seconds, seed: given } = longRunOptions('soak', DOES, { seconds: 300, seed: undefined }).numbers;
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
