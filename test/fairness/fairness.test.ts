/** Promise 8: whatever one peer sends, others wait no more than 100 ms for it, and memory stays within a budget. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTACKS } from './attacks.ts';
import { complaint, judge } from './judge.ts';
import type { TrialSize } from './trial.ts';

const SHORT: TrialSize = { seconds: 1, size: 'short', budget: 64 * 1024 * 1024 };
const MiB = 1024 * 1024;

for (const attack of ATTACKS) {
  test(`nobody waits or goes short of memory beside: ${attack.name}`, { todo: attack.pending === true }, async (t) => {
    assert.equal(await judge(t, attack, SHORT), undefined);
  });
}

test('a wait, a login, or memory beyond what is promised is noticed', () => {
  const kept = {
    longest: 20,
    elsewhere: 10,
    slowness: 1,
    login: 30,
    memoryBefore: 60 * MiB,
    memoryPeak: 130 * MiB,
    reads: 90,
  };
  assert.equal(complaint(kept, SHORT), undefined);
  for (const broken of [{ longest: 111 }, { login: 511 }, { memoryPeak: 260 * MiB }, { reads: 3 }]) {
    assert.notEqual(complaint({ ...kept, ...broken }, SHORT), undefined, JSON.stringify(broken));
  }
});
