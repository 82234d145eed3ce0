import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopTime, until } from './loop-time.ts';

test('loopTime() counts waiting, and leaves out what the loop stood still', async () => {
  const passed = loopTime();
  const started = performance.now();
  await sleep(60);
  while (performance.now() - started < 400);
  await sleep(0);
  assert.ok(passed() > 10 && passed() < 300, `${passed()} ms`);
});

test('until() ends when its condition holds', async () => {
  let looks = 0;
  await until(() => ++looks === 3);
  assert.equal(looks, 3);
});
