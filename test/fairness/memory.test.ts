/** Promise 8: memory stays within a budget for the whole process, and nobody waits for those who fill it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaint } from './judge.ts';
import { SHORT, testAttacks } from './test-attacks.ts';

const MiB = 1024 * 1024;

testAttacks('memory');

test('a wait, a login, or memory beyond what is promised is noticed', () => {
  const usual = { longest: 20, elsewhere: 10, slowness: 1, login: 30, reads: 90 };
  const kept = { ...usual, memoryBefore: 60 * MiB, memoryPeak: 130 * MiB };
  assert.equal(complaint(kept, SHORT), undefined);
  for (const broken of [{ longest: 111 }, { login: 511 }, { memoryPeak: 260 * MiB }, { reads: 3 }]) {
    assert.notEqual(complaint({ ...kept, ...broken }, SHORT), undefined, JSON.stringify(broken));
  }
});
