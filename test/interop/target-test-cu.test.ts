/** Our target under libiscsi's own conformance tests: hundreds of cases that we did not write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { iscsiTestCu, testCuResults } from '../support/libiscsi-tools.ts';
import { requirePeer } from '../support/peers.ts';
import { serve } from './our-target.ts';

/**
 * Tests that fail on a correct target, each with the reason. A test that is listed here and passes is an error too: the
 * list must stay true.
 */
const EXPECTED_FAILURES: Readonly<Record<string, string>> = {};

/** Fewer than these that really ran, rather than being skipped, would mean that the target hides what it can do. */
const LEAST_PASSED = 100;

test('iscsi-test-cu finds no failure that is not explained here', async (t) => {
  if (!requirePeer(t, 'iscsi-test-cu', 'libiscsi-bin')) return;
  const { url } = await serve(t, { sizeMiB: 64 });
  const { stdout, stderr, timedOut } = await iscsiTestCu(['-d', '-t', 'ALL', url], { timeout: 110_000 });
  const results = testCuResults(stdout);
  assert.ok(!timedOut, `killed at its deadline, in ${results.at(-1)?.name}`);
  const count = (wanted: string): number => results.filter(({ verdict }) => verdict === wanted).length;
  t.diagnostic(
    `${results.length} tests: ${count('passed')} passed, ${count('skipped')} skipped, ${count('failed')} failed`,
  );
  const bad = results.filter(({ verdict }) => verdict === 'failed' || verdict === 'unfinished');
  const unexplained = bad.filter(({ name }) => !(name in EXPECTED_FAILURES));
  assert.deepEqual(
    unexplained.map(({ name, remarks }) => `${name}: ${remarks.slice(0, 3).join(' / ')}`),
    [],
    stderr,
  );
  const failed = new Set(bad.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(EXPECTED_FAILURES).filter((name) => !failed.has(name)),
    [],
    'listed as failing, but did not',
  );
  assert.ok(count('passed') >= LEAST_PASSED, `only ${count('passed')} of ${results.length} tests ran and passed`);
});
