/** Bytes over iSCSI, whatever was negotiated, and against our own target. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { seededRandom } from '../pdu/random.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { playBatch } from '../unit/play.ts';
import { RawDisk } from './raw-disk.ts';

/** A logical unit of a raw target, closed with the test. */
async function open(t: TestContext, options: RawTargetOptions = {}, connectOptions: ConnectOptions = {}) {
  const target = await RawTarget.listen(t, options);
  const lun = await connect(target.url(), connectOptions);
  t.after(() => lun.close());
  return { target, lun, disk: target.disk };
}

const SETTINGS: readonly (readonly [string, RawTargetOptions['answers'], ConnectOptions, number])[] = [
  ['as usual', {}, {}, 512],
  [
    'small segments, all of it asked for',
    {
      MaxRecvDataSegmentLength: '512',
      MaxBurstLength: '1024',
      FirstBurstLength: '512',
      InitialR2T: 'Yes',
      ImmediateData: 'No',
    },
    {},
    512,
  ],
  [
    'digests, blocks of 4096 bytes',
    { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' },
    { headerDigest: 'crc32c', dataDigest: 'crc32c' },
    4096,
  ],
];

for (const [title, answers, connectOptions, blockSize] of SETTINGS) {
  for (const maximumTransfer of [0, 3]) {
    test(`bytes come back as they were written, against a raw target: ${title}, at most ${maximumTransfer || 'any'} blocks at once`, async (t) => {
      const disk = new RawDisk(64 * (4096 / blockSize), blockSize);
      disk.maximumTransfer = maximumTransfer;
      const { lun } = await open(t, { disk, answers: answers ?? {} }, connectOptions);
      const random = seededRandom();
      const model = new Uint8Array(disk.content.length);
      for (let batch = 0; batch < 12; batch++) await playBatch(lun, model, random);
      assert.deepEqual(disk.content, model, random.note);
      const most = maximumTransfer || Number.POSITIVE_INFINITY;
      assert.ok(disk.log.every(({ blocks }) => blocks <= most));
    });
  }
}

test('bytes come back as they were written, against our own target', async (t) => {
  const target = createTarget({ luns: [{ memory: '1M' }] });
  await target.listen({ port: 0 });
  t.after(() => target.close());
  const lun = await connect(target.url());
  t.after(() => lun.close());
  const random = seededRandom();
  const model = new Uint8Array(lun.size);
  for (let batch = 0; batch < 25; batch++) await playBatch(lun, model, random);
});

test('two that have opened one logical unit in a session lose no update of each other', async (t) => {
  const { lun, disk } = await open(t);
  const other = await lun.session.logicalUnit(lun.lun);
  const work: Promise<unknown>[] = [];
  for (let at = 0; at < 512; at += 8) {
    work.push((at % 16 === 0 ? lun : other).write(new Uint8Array(8).fill(1 + at / 8), { position: at }));
  }
  await Promise.all(work);
  assert.deepEqual(
    disk.content.subarray(0, 512),
    Uint8Array.from({ length: 512 }, (_, at) => 1 + Math.floor(at / 8)),
  );
});

test('GOOD with a residual is ISCSI_SHORT_TRANSFER', async (t) => {
  const { lun } = await open(t, {
    onCommand: ({ cdb, tag, length }, connection) => {
      if (cdb[0] !== 0x28 && cdb[0] !== 0x2a) return false;
      if (cdb[0] === 0x28) connection.send(connection.voice.dataIn(tag, new Uint8Array(length - 12)));
      connection.send(connection.voice.scsiResponse(tag, { residual: 0x02, residualCount: 12 }));
      return true;
    },
  });
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SHORT_TRANSFER' });
  await assert.rejects(lun.write(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SHORT_TRANSFER' });
});
