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

test('an item that was withdrawn can be added again, and then stands at the end', () => {
  const queue = new Queue<string>();
  for (const item of ['a', 'b', 'c']) queue.push(item);
  queue.remove('a');
  queue.push('a');
  queue.remove('nobody');
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], ['b', 'c', 'a', undefined]);
});

test('withdrawing from the end costs no more per item when many wait', () => {
  const secondsFor = (count: number): number => {
    const queue = new Queue<number>();
    for (let item = 0; item < count; item++) queue.push(item);
    const begun = performance.now();
    for (let item = count - 1; item >= 0; item--) queue.remove(item);
    assert.ok(queue.empty);
    return performance.now() - begun;
  };
  secondsFor(2_000);
  const [few, many] = [2_000, 64_000].map((count) => Math.min(...[1, 2, 3].map(() => secondsFor(count))));
  assert.ok((many ?? 0) < 32 * 8 * (few ?? 0), `${few} ms for 2,000, ${many} ms for 64,000`); // quadratic: 1,024 times
});
