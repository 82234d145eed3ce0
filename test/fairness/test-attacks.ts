/** The attacks as tests of `npm test`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTACKS, type Attack } from './attacks.ts';
import { judge } from './judge.ts';
import type { TrialSize } from './trial.ts';

/** What `npm test` has time for. */
export const SHORT: TrialSize = { seconds: 1, size: 'short', budget: 64 * 1024 * 1024 };

/** A test for each attack of a kind. */
export function testAttacks(against: Attack['against']): void {
  for (const attack of ATTACKS) {
    if (attack.against !== against) continue;
    test(`nobody waits or goes short of memory beside: ${attack.name}`, async (t) => {
      assert.equal(await judge(t, attack, SHORT), undefined);
    });
  }
}
