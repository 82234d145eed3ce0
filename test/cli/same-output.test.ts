/**
 * Our tools and libiscsi's print the same about the same targets, line for line, but for what is changed on purpose.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTarget } from '../../src/server/index.ts';
import { iscsiInq, iscsiLs, iscsiReadCapacity16 } from '../support/libiscsi-tools.ts';
import { requirePeer } from '../support/peers.ts';
import { startTgtd } from '../support/tgtd.ts';
import { runTool } from './run-tool.ts';

const NAME = 'iqn.2003-01.org.example:t1';
const PAGES = [0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2];

/** Release 1.19 ends a binary designator at its first zero byte; the development head prints it in hex, as we do. */
function withoutBinary(text: string): string {
  return text.replace(/^(Code Set:\(1\) BINARY\n(?:.*\n){3})Designator:\[[^\n]*\]$/gm, '$1Designator:[…]');
}

/** libiscsi lists targets in reverse, and takes the last block for the number of blocks. */
function withoutSizes(text: string): string {
  return text.replace(/\(Size:\d+.\)/g, '(Size:…)');
}

async function sameAbout(url: string): Promise<void> {
  for (const args of [[url], ...PAGES.map((page) => ['-e', '1', '-c', String(page), url])]) {
    const [ours, theirs] = await Promise.all([runTool('iscsi-inq', args), iscsiInq(args)]);
    if (theirs.code !== 0) assert.notEqual(ours.code, 0, `iscsi-inq ${args.join(' ')}`);
    assert.equal(
      withoutBinary(ours.stdout),
      withoutBinary(theirs.stdout),
      `iscsi-inq ${args.join(' ')}: ${ours.stderr}`,
    );
  }
  for (const args of [[url], ['-s', url]]) {
    const [ours, theirs] = await Promise.all([runTool('iscsi-readcapacity16', args), iscsiReadCapacity16(args)]);
    assert.equal(ours.stdout, theirs.stdout, `iscsi-readcapacity16 ${args.join(' ')}: ${ours.stderr}`);
  }
}

async function sameList(portal: string): Promise<void> {
  for (const args of [[portal], ['-U', portal], ['-s', portal]]) {
    const [ours, theirs] = await Promise.all([runTool('iscsi-ls', args), iscsiLs(args)]);
    assert.equal(ours.code, 0, ours.stderr);
    assert.equal(withoutSizes(ours.stdout), withoutSizes(theirs.stdout), `iscsi-ls ${args.join(' ')}`);
  }
}

test('against tgt: a disk, a thin disk, a disk of 4 KiB blocks, a controller', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const luns = [
    { sizeMiB: 100 },
    { sizeMiB: 16, params: { thin_provisioning: '1' } },
    { sizeMiB: 16, blockSize: 4096 },
  ];
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns }] });
  await sameList(`iscsi://${tgtd.portal}`);
  for (const lun of [0, 1, 2, 3]) await sameAbout(tgtd.url(NAME, lun));
  const { stdout } = await runTool('iscsi-ls', ['-s', `iscsi://${tgtd.portal}`]);
  assert.match(stdout, /^Lun:1 {4}Type:DIRECT_ACCESS \(Size:100M\)$/m);
});

test('against our own target', async (t) => {
  if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const target = await createTarget({
    name: NAME,
    luns: [{ memory: '8M' }, { memory: '8M', blockSize: 4096 }],
  }).listen({
    port: 0,
  });
  t.after(() => target.close());
  await sameList(`iscsi://127.0.0.1:${target.port}`);
  for (const lun of [0, 1]) await sameAbout(target.url(lun));
});

test('one target that wants credentials does not hide the others, as it does with libiscsi', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const chap = { user: 'alice', password: 'secret-secret' };
  const targets = [
    { name: 'iqn.2003-01.org.example:a', luns: [{ sizeMiB: 1 }] },
    { name: 'iqn.2003-01.org.example:b', luns: [{ sizeMiB: 1 }], chap },
    { name: 'iqn.2003-01.org.example:c', luns: [{ sizeMiB: 1 }] },
  ];
  const tgtd = await startTgtd(t, { targets });
  const { code, stdout, stderr } = await runTool('iscsi-ls', ['-s', `iscsi://${tgtd.portal}`]);
  assert.equal(code, 6, stderr);
  assert.deepEqual(stdout.match(/example:\w|Lun:\d/g), [
    'example:a',
    'Lun:0',
    'Lun:1',
    'example:b',
    'example:c',
    'Lun:0',
    'Lun:1',
  ]);
  assert.match(stderr, /^iscsi-ls: iqn\.2003-01\.org\.example:b at .*: cannot log in/);
  const { targets: documents, complete } = JSON.parse(
    (await runTool('iscsi-ls', ['-s', '--json', `iscsi://${tgtd.portal}`])).stdout,
  );
  assert.equal(complete, false);
  assert.equal(documents[1].portals[0].error.code, 'ISCSI_AUTHENTICATION');
});

test('a unit that is not ready and a drive without medium do not end the list, as the former does with libiscsi', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }, { sizeMiB: 1 }] }] });
  const lun = ['-m', 'logicalunit', '-t', '1', '-l'];
  await tgtd.administer(...lun, '3', '-o', 'new', '-Y', 'cd', '-b', tgtd.backingFile(NAME, 1));
  await tgtd.administer(...lun, '1', '-o', 'update', '-P', 'online=0');
  await tgtd.administer(...lun, '3', '-o', 'update', '-P', 'online=0');
  const { code, stdout, stderr } = await runTool('iscsi-ls', ['-s', `iscsi://${tgtd.portal}`]);
  assert.deepEqual(stdout.split('\n').slice(1), [
    'Lun:0    Type:STORAGE_ARRAY_CONTROLLER',
    'Lun:1    Type:DIRECT_ACCESS (Failed)',
    'Lun:2    Type:DIRECT_ACCESS (Size:1M)',
    'Lun:3    Type:MMC (No media loaded)',
    '',
  ]);
  assert.equal(code, 6);
  assert.match(stderr, /^iscsi-ls: .*, LUN 1: TEST UNIT READY ended with CHECK CONDITION: NOT READY.*\n$/);
});
