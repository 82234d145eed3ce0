import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ordered, TASK_ATTRIBUTES, TaskSet } from '../../src/target/task-set.ts';
import { Random } from '../simulated/random.ts';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));

interface Entry extends Ordered {
  readonly number: number;
  state: 'waiting' | 'running' | 'gone';
}

test(`an ORDERED task never runs beside another that is no HEAD OF QUEUE, all run in the end, ORDERED in their order (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const pick = (below: number): number => random.below(below);
  for (let round = 0; round < 200; round++) {
    const set = new TaskSet<Entry>();
    const entries: Entry[] = [];
    const started: number[] = [];
    const start = (entry: Entry): void => {
      entry.state = 'running';
      started.push(entry.number);
      const { ORDERED, HEAD_OF_QUEUE } = TASK_ATTRIBUTES;
      const beside = entries.filter(
        (other) => other !== entry && other.state === 'running' && other.attribute !== HEAD_OF_QUEUE,
      );
      if (entry.attribute === ORDERED) assert.deepEqual(beside, [], `SEED=${SEED}`);
      if (entry.attribute !== HEAD_OF_QUEUE) {
        assert.equal(
          beside.some(({ attribute }) => attribute === ORDERED),
          false,
          `SEED=${SEED}`,
        );
        const passed = entries.filter((other) => other.number < entry.number && other.state === 'waiting');
        assert.equal(
          passed.some(({ attribute }) => attribute === ORDERED),
          false,
          `nothing passes an ORDERED task, SEED=${SEED}`,
        );
      }
    };
    const end = (entry: Entry): void => {
      const waited = entry.state === 'waiting';
      entry.state = 'gone';
      if (waited) set.withdraw(entry);
      else set.leave(entry);
    };
    for (let number = 0; number < 30; number++) {
      const entry: Entry = { number, attribute: pick(4), state: 'waiting', enable: () => start(entry) };
      entries.push(entry);
      if (set.enter(entry)) start(entry);
      const alive = entries.filter(({ state }) => state === 'running' || (state === 'waiting' && pick(8) === 0));
      if (pick(2) === 0 && alive.length > 0) end(alive[pick(alive.length)] ?? entry);
    }
    for (let running = entries.find(({ state }) => state === 'running'); running; ) {
      end(running);
      running = entries.find(({ state }) => state === 'running');
    }
    assert.equal(
      entries.some(({ state }) => state === 'waiting'),
      false,
      `SEED=${SEED}`,
    );
    const ordered = started.filter((number) => entries[number]?.attribute === TASK_ATTRIBUTES.ORDERED);
    assert.deepEqual(
      ordered,
      [...ordered].sort((a, b) => a - b),
      `SEED=${SEED}`,
    );
  }
});
