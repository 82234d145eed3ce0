import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { Watchers } from '../../src/wire/watchers.ts';
import { loopTime } from '../support/loop-time.ts';

const never = (): undefined => undefined;

test('what is there already is not waited for', async () => {
  assert.equal(await new Watchers().until(() => 7, 0), 7);
});

test('those who wait longest are served first, each once', async () => {
  const watchers = new Watchers();
  const box: string[] = [];
  const all = Promise.all(
    ['a', 'b', 'c'].map(async (name) => `${name}${await watchers.until(() => box.shift(), 5_000)}`),
  );
  for (const item of ['1', '2', '3']) {
    box.push(item);
    watchers.wake();
  }
  assert.deepEqual(await all, ['a1', 'b2', 'c3']);
});

test('at its deadline, and not before, a watcher has nothing', async () => {
  const [begun, looped] = [performance.now(), loopTime()];
  assert.equal(await new Watchers().until(never, 30), undefined);
  const passed = performance.now() - begun;
  assert.ok(passed >= 29 && looped() < 5_000, `${passed} ms`);
});

test('a signal ends the waiting with its reason, and no listener is left on it', async () => {
  const watchers = new Watchers();
  const aborting = new AbortController();
  const waiting = watchers.until(never, 5_000, aborting.signal);
  const reason = new Error('enough');
  aborting.abort(reason);
  const isAborted = (error: unknown): boolean =>
    error instanceof IscsiError && error.code === 'ISCSI_ABORTED' && error.cause === reason;
  await assert.rejects(waiting, isAborted);
  await assert.rejects(watchers.until(never, 5_000, aborting.signal), isAborted);
  assert.equal(getEventListeners(aborting.signal, 'abort').length, 0);
});

test('what was found, or not found in time, leaves no listener on the signal either', async () => {
  const watchers = new Watchers();
  const { signal } = new AbortController();
  const box: number[] = [];
  const found = watchers.until(() => box.pop(), 5_000, signal);
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  box.push(1);
  watchers.wake();
  assert.equal(await found, 1);
  assert.equal(await watchers.until(never, 5, signal), undefined);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('a time that cannot be is refused', async () => {
  for (const within of [-1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
    await assert.rejects(
      new Watchers().until(never, within),
      (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE',
    );
  }
});
