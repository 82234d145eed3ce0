/**
 * `npm run soak`: every attack of test/fairness at length, a mixed load over sessions that are lost again and again,
 * then the simulated scenarios with ever new seeds, bounded in time. `-- --seconds N --runs N --seed N
 * [attacks|recovery|simulated]`; a failure prints the seed, and `SEED=n npm test -- simulated recovery` runs it alone.
 */
import { assertNoHandlesLeft } from '../client/handles.ts';
import { ATTACKS } from '../fairness/attacks.ts';
import { judge } from '../fairness/judge.ts';
import { faultyRun } from '../recovery/faulty-run.ts';
import { killedTgtd } from '../recovery/killed-tgtd.ts';
import { cutConnection, writeReadVerify } from '../simulated/scenarios.ts';
import { longRunOptions } from '../support/long-run.ts';
import { findBinary } from '../support/peers.ts';

const DOES = `Runs the attacks on a target with an innocent session beside them, then the simulated scenarios, both session
cores in one process with faults between them, with ever new seeds. Between them, --runs times a mixed load over a
session that is lost and comes back, for 4 s each at the most. The words attacks, recovery and simulated do one part.
A failure prints its seed: SEED=n npm test -- simulated recovery runs it alone.`;
const defaults = { seconds: 300, runs: 1000, seed: undefined };
const { numbers, word } = longRunOptions('soak', DOES, defaults, ['attacks', 'recovery', 'simulated']);
const { seconds, runs, seed: given } = numbers;
const first = given ?? Math.floor(Math.random() * 0x4000_0000);
if (word === undefined || word === 'attacks') await attackAll(Math.max(2, seconds / 2 / ATTACKS.length));
if (word === undefined || word === 'recovery') {
  await loseSessions(first, runs, runs * 4000);
  await killTgtd(first, Math.ceil(runs / 50));
}
if (word === 'attacks' || word === 'recovery') process.exit(0);

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

/** Promises 1 to 4, over connections that are cut, garbled, refused and stalled, to a target that is restarted. */
async function loseSessions(from: number, runs: number, longest: number): Promise<void> {
  const begun = performance.now();
  const faults = new Map<string, number>();
  const failures = new Map<string, number>();
  let [losses, reconnects, operations, repeated, done] = [0, 0, 0, 0, 0];
  for (; done < runs && performance.now() - begun < longest; done++) {
    try {
      await assertNoHandlesLeft(async () => {
        const run = await faultyRun(from + done);
        for (const name of run.faults) faults.set(name, (faults.get(name) ?? 0) + 1);
        for (const [code, count] of run.failures) failures.set(code, (failures.get(code) ?? 0) + count);
        losses += run.losses;
        reconnects += run.reconnects;
        operations += run.operations;
        repeated += run.repeatedBlocks;
      });
    } catch (error) {
      console.error(`soak: recovery failed with SEED=${from + done}`, error);
      process.exit(1);
    }
  }
  const list = (counts: ReadonlyMap<string, number>): string => [...counts].map((pair) => pair.join(' ')).join(', ');
  console.log(`soak: ${done} runs with seeds ${from} to ${from + done - 1}, ${operations} operations, none wrong`);
  console.log(`soak: ${losses} losses, ${reconnects} reconnects, ${repeated} blocks written again where that is safe`);
  console.log(`soak: faults: ${list(faults)}`);
  console.log(`soak: told to callers: ${list(failures)}`);
  if (done < runs) console.log(`soak: ${runs - done} runs were left out: the time was over`);
}

/** The same against a target that is not ours, killed in the middle. */
async function killTgtd(from: number, runs: number): Promise<void> {
  if (findBinary('tgtd') === undefined) {
    console.log('soak: tgtd is not here (Debian package tgt): it was not killed');
    return;
  }
  let losses = 0;
  for (let seed = from; seed < from + runs; seed++) {
    const after: (() => Promise<void>)[] = [];
    try {
      await assertNoHandlesLeft(async () => {
        losses += (await killedTgtd({ after: (hook) => after.push(hook) }, seed, 3)).losses;
      });
    } catch (error) {
      console.error(`soak: tgtd, failed with SEED=${seed}`, error);
      process.exitCode = 1;
    }
    for (const hook of after) await hook();
    if (process.exitCode === 1) process.exit();
  }
  console.log(
    `soak: tgtd killed ${3 * runs} times under load, ${losses} losses, seeds ${from} to ${from + runs - 1}, none wrong`,
  );
}

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
