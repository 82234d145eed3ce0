import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorTask } from '../../src/initiator/initiator-task.ts';
import { Queue } from '../../src/initiator/queue.ts';
import { seededRandom } from '../pdu/random.ts';

test('Queue gives tasks in order, whatever is withdrawn meanwhile', () => {
  const random = seededRandom();
  const queue = new Queue<InitiatorTask>();
  const model: InitiatorTask[] = [];
  for (let step = 0; step < 20_000; step++) {
    const dice = random.below(10);
    if (dice < 5) {
      const task = new InitiatorTask();
      queue.push(task);
      model.push(task);
    } else if (dice < 9 && model.length > 0) {
      assert.equal(queue.shift(), model.shift(), random.note);
    } else if (model.length > 0) {
      const [task] = model.splice(random.below(model.length), 1);
      if (task !== undefined) queue.remove(task);
    }
    assert.equal(queue.empty, model.length === 0, random.note);
  }
});

/** Something to stand in a queue. */
const items = (count: number): { queuedAt: number }[] => Array.from({ length: count }, () => ({ queuedAt: 0 }));

test('an item that was withdrawn can be added again, and then stands at the end', () => {
  const queue = new Queue<{ queuedAt: number }>();
  const [a, b, c, nobody] = items(4);
  if (a === undefined || b === undefined || c === undefined || nobody === undefined) throw new Error('There are four');
  for (const item of [a, b, c]) queue.push(item);
  queue.remove(a);
  queue.push(a);
  queue.remove(nobody);
  const out = Array.from({ length: 4 }, () => queue.shift());
  assert.deepEqual(
    out.map((item) => (item === undefined ? undefined : [a, b, c].indexOf(item))),
    [1, 2, 0, undefined],
  );
});
