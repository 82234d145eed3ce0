/** `iscsi-dd` while its target is killed and started again. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runTool, startTool } from '../cli/run-tool.ts';
import { Pattern, sha256OfFile } from '../support/pattern.ts';
import { requirePeer } from '../support/peers.ts';
import { startRelay } from '../support/relay.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startTgtd } from '../support/tgtd.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const SIZE_MIB = 64;
const SIZE = SIZE_MIB * 2 ** 20;

test('a copy to tgtd survives that it is killed and started again, and says so', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const directory = await temporaryDirectory(t);
  const from = join(directory, 'from');
  const pattern = new Pattern(7);
  await pattern.writeTo(from, SIZE);
  const params = { DefaultTime2Wait: 0 } as const;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: SIZE_MIB }], params }] });
  // Each piece held back for a moment, so that there is time for the kill in the middle.
  const relay = await startRelay(t, { to: tgtd.port, record: false, faults: () => ({ toTarget: { delay: 1 } }) });
  const url = `iscsi://127.0.0.1:${relay.port}/${NAME}/1`;

  const copy = startTool(t, 'iscsi-dd', [from, url, '--json', '--progress', '--max', '8']);
  await copy.waitFor('stderr', /[1-9]\S* MiB of 64 MiB/);
  await tgtd.stop();
  await copy.waitFor('stderr', /the session to 127\.0\.0\.1:\d+ is lost, trying to get it back/);
  await tgtd.start();
  assert.equal((await copy.exited).code, 0, copy.stderr);
  assert.match(copy.stderr, /the session to 127\.0\.0\.1:\d+ is back after \d+\.\d s/);
  assert.match(copy.stderr, /may have lost what was in its write cache: copying once more/);
  assert.equal(JSON.parse(copy.stdout).bytes, SIZE);
  assert.equal(await sha256OfFile(tgtd.backingFile(NAME, 1)), pattern.sha256(SIZE));
});

test('a copy from tgtd survives it, too; with --no-reconnect it ends', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const directory = await temporaryDirectory(t);
  const params = { DefaultTime2Wait: 0 } as const;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: SIZE_MIB }], params }] });
  const pattern = new Pattern(8);
  await pattern.writeTo(tgtd.backingFile(NAME, 1), SIZE);
  const relay = await startRelay(t, {
    to: tgtd.port,
    record: false,
    faults: (number) => (number === 1 ? {} : { toInitiator: { cutAfter: 8 * 2 ** 20 } }),
  });
  const url = `iscsi://127.0.0.1:${relay.port}/${NAME}/1`;
  const to = join(directory, 'to');
  const copied = await runTool('iscsi-dd', [url, to, '--hash']);
  assert.equal(copied.code, 0, copied.stderr);
  assert.match(copied.stderr, /is lost, trying to get it back[\s\S]*is back after/);
  assert.match(copied.stdout, new RegExp(pattern.sha256(SIZE)));
  assert.ok((await readFile(to)).length === SIZE && (await sha256OfFile(to)) === pattern.sha256(SIZE));
  const ended = await runTool('iscsi-dd', [url, to, '--no-reconnect']);
  assert.equal(ended.code, 1);
  assert.doesNotMatch(ended.stderr, /trying to get it back/);
});
