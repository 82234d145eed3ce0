/** The clock that ports are given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCK } from '../../src/node/clock.ts';

test('after() waits as long as it is told, also longer than a timer of Node.js can, and not when it is stopped', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const month = 31 * 24 * 3600 * 1000; // above 2^31 ms, which setTimeout() takes for 1
  const called: string[] = [];
  CLOCK.after(10, () => called.push('soon'));
  CLOCK.after(month, () => called.push('late'));
  const stop = CLOCK.after(month, () => called.push('never'));
  t.mock.timers.tick(10);
  assert.deepEqual(called, ['soon']);
  t.mock.timers.tick(2 ** 31 - 11);
  assert.deepEqual(called, ['soon'], 'the first timer is over, the time is not');
  stop(); // the second timer
  t.mock.timers.tick(month - 2 ** 31);
  assert.deepEqual(called, ['soon']);
  t.mock.timers.tick(1);
  assert.deepEqual(called, ['soon', 'late']);
  t.mock.timers.tick(month);
  assert.deepEqual(called, ['soon', 'late']);
});
