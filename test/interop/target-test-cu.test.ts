/** Our target under libiscsi's own conformance tests: hundreds of cases that we did not write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { iscsiTestCu, testCuResults } from '../support/libiscsi-tools.ts';
import { requirePeer } from '../support/peers.ts';
import { serve, serveFile } from './our-target.ts';

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

/** The families that a file LUN takes another way than one in RAM, and the tests of each. */
const OF_FILES: Readonly<Record<string, number>> = { Unmap: 3, GetLBAStatus: 3, WriteSame10: 10, WriteSame16: 10 };

test('a file LUN is thin, and iscsi-test-cu finds that what is unmapped reads as zeros and is told', async (t) => {
  if (!requirePeer(t, 'iscsi-test-cu', 'libiscsi-bin') || !requirePeer(t, 'fallocate', 'util-linux')) return;
  const { url } = await serveFile(t, 64);
  for (const [family, tests] of Object.entries(OF_FILES)) {
    const { stdout, stderr } = await iscsiTestCu(['-d', '-t', `ALL.${family}`, url], { timeout: 60_000 });
    const results = testCuResults(stdout);
    const bad = results.filter(({ verdict }) => verdict === 'failed' || verdict === 'unfinished');
    assert.deepEqual(
      bad.map(({ name, remarks }) => `${name}: ${remarks.slice(0, 3).join(' / ')}`),
      [],
      stderr,
    );
    assert.equal(results.length, tests, family);
    if (family === 'Unmap' || family === 'GetLBAStatus') {
      assert.ok(
        results.every(({ verdict }) => verdict === 'passed'),
        `${family} is done, and not skipped`,
      );
    }
  }
});
