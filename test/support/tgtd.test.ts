import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { iscsiInq, iscsiLs, iscsiReadCapacity16, qemuIo } from './libiscsi-tools.ts';
import { requirePeer } from './peers.ts';
import { startTgtd } from './tgtd.ts';

const NAME = 'iqn.2003-01.org.example:disk';

test('startTgtd() gives a target that iscsi-ls, iscsi-inq and iscsi-readcapacity16 see', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const tgtd = await startTgtd(t, {
    targets: [{ name: NAME, luns: [{ sizeMiB: 16 }, { sizeMiB: 8, blockSize: 4096 }] }],
  });

  const listed = await iscsiLs(['-s', `iscsi://${tgtd.portal}`]);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, new RegExp(`^Target:${NAME} Portal:${tgtd.portal},1$`, 'm'));
  assert.match(listed.stdout, /^Lun:1 {4}Type:DIRECT_ACCESS \(Size:15M\)$/m); // it takes the last LBA for the count

  const inquired = await iscsiInq([tgtd.url(NAME, 1)]);
  assert.equal(inquired.code, 0, inquired.stderr);
  assert.match(inquired.stdout, /^Vendor:IET {5}$/m);

  const capacity = await iscsiReadCapacity16([tgtd.url(NAME, 2)]);
  assert.match(capacity.stdout, /^RETURNED LOGICAL BLOCK ADDRESS:2047\nLOGICAL BLOCK LENGTH IN BYTES:4096$/m);
});

test('several instances of tgtd run side by side without seeing each other', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const names = ['one', 'two', 'three'].map((word) => `iqn.2003-01.org.example:${word}`);
  const running = await Promise.all(names.map((name) => startTgtd(t, { targets: [{ name, luns: [{ sizeMiB: 1 }] }] })));
  const lists = await Promise.all(running.map(({ portal }) => iscsiLs([`iscsi://${portal}`])));
  assert.deepEqual(
    lists.map(({ stdout }) => stdout.trim()),
    running.map(({ portal }, index) => `Target:${names[index]} Portal:${portal},1`),
  );
});

test('backingFile() is the disk: what a test writes there is read over iSCSI', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'qemu-io', 'qemu-utils')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }, { sizeMiB: 1 }] }] });
  await writeFile(tgtd.backingFile(NAME, 2), Buffer.alloc(2 ** 20, 0x5a));
  const same = await qemuIo(['-f', 'raw', '-c', 'read -P 0x5a 0 1M', tgtd.url(NAME, 2)]);
  assert.equal(same.code, 0, same.stdout + same.stderr);
  const different = await qemuIo(['-f', 'raw', '-c', 'read -P 0x5a 0 1M', tgtd.url(NAME, 1)]);
  assert.match(different.stdout, /Pattern verification failed at offset 0/);
});

test('parameters that tgt does not know are refused with its reason', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [], params: { InitialR2T: 'No', nop_count: 3 } }] });
  assert.match(await tgtd.administer('-m', 'target', '-o', 'show', '-t', '1'), /^InitialR2T=No$/m);
  await assert.rejects(tgtd.administer('-m', 'target', '-o', 'update', '-t', '1', '-n', 'NoSuchKey', '-v', '1'), {
    message: /^tgtadm .* ended with \d+/,
  });
});

test('a target that demands CHAP refuses whoever has no credentials', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const chap = { user: 'somebody', password: 'a secret of 16 b' };
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }], chap }] });
  const stranger = await iscsiInq([tgtd.url(NAME, 1)]);
  assert.equal(stranger.code, 10);
  assert.match(stranger.stderr, /Authentication failure\(513\)/);
  const env = { LIBISCSI_CHAP_USERNAME: chap.user, LIBISCSI_CHAP_PASSWORD: chap.password };
  const friend = await iscsiInq([tgtd.url(NAME, 1)], { env });
  assert.equal(friend.code, 0, friend.stderr);
});
