import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ordered, TaskSet } from '../../src/device/task-set.ts';
import { TASK_ATTRIBUTES } from '../../src/scsi/scsi-task.ts';
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
    const set = new TaskSet();
    const entries: Entry[] = [];
    const started: number[] = [];
    const start = (entry: Entry): void => {
      entry.state = 'running';
      started.push(entry.number);
      const { ordered, headOfQueue } = TASK_ATTRIBUTES;
      const beside = entries.filter(
        (other) => other !== entry && other.state === 'running' && other.attribute !== headOfQueue,
      );
      if (entry.attribute === ordered) assert.deepEqual(beside, [], `SEED=${SEED}`);
      if (entry.attribute !== headOfQueue) {
        assert.equal(
          beside.some(({ attribute }) => attribute === ordered),
          false,
          `SEED=${SEED}`,
        );
        const passed = entries.filter((other) => other.number < entry.number && other.state === 'waiting');
        assert.equal(
          passed.some(({ attribute }) => attribute === ordered),
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
    const ordered = started.filter((number) => entries[number]?.attribute === TASK_ATTRIBUTES.ordered);
    assert.deepEqual(
      ordered,
      [...ordered].sort((a, b) => a - b),
      `SEED=${SEED}`,
    );
  }
});

test('tasks that end within enable() need no deep stack, however many wait', () => {
  const set = new TaskSet();
  const first: Ordered = { attribute: TASK_ATTRIBUTES.ordered, enable: () => undefined };
  assert.equal(set.enter(first), true);
  const ended: number[] = [];
  const MANY = 50_000;
  for (let number = 0; number < MANY; number++) {
    const attribute = number % 100 === 0 ? TASK_ATTRIBUTES.ordered : TASK_ATTRIBUTES.simple;
    const task: Ordered = {
      attribute,
      enable: () => {
        ended.push(number);
        set.leave(task);
      },
    };
    assert.equal(set.enter(task), false);
  }
  set.leave(first);
  assert.deepEqual(
    ended,
    Array.from({ length: MANY }, (_, number) => number),
  );
});
