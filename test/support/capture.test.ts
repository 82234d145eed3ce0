import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCapture } from './capture.ts';
import { iscsiLs } from './libiscsi-tools.ts';
import { PATIENCE } from './loop-time.ts';
import { requirePeer } from './peers.ts';
import { runProcess } from './process.ts';
import { startTgtd } from './tgtd.ts';

const NAME = 'iqn.2003-01.org.example:disk';

test('startCapture() has every PDU of a run, the first as well as the last', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }] }] });
  const capture = await startCapture(t, tgtd.port);
  if (!capture) return;
  const listed = await iscsiLs([`iscsi://${tgtd.portal}`]);
  assert.equal(listed.code, 0, listed.stderr);
  const file = await capture.finish();

  const fields = ['-T', 'fields', '-e', 'iscsi.opcode'];
  const read = await runProcess(
    'tshark',
    ['-n', '-r', file, '-d', `tcp.port==${tgtd.port},iscsi`, '-Y', 'iscsi', ...fields],
    { timeout: PATIENCE },
  );
  assert.deepEqual(
    read.stdout.trim().split('\n'),
    ['0x03', '0x23', '0x04', '0x24', '0x06', '0x26'], // login, text and logout, each request with its response
    read.stderr,
  );
});
