/** Bytes that do not begin and end at block borders cost no second copy of a long transfer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawDisk } from '../client/raw-disk.ts';
import { seededRandom } from '../pdu/random.ts';
import { RAW_WAYS } from './ways.ts';

for (const { name, open } of RAW_WAYS) {
  test(`${name}: a long unaligned read goes straight to its place, but for the blocks at its ends`, async (t) => {
    const disk = new RawDisk(4000);
    const random = seededRandom();
    disk.content.set(random.bytes(disk.content.length));
    const { lun } = await open(t, { disk });
    for (const [position, length] of [
      [1, 900_000],
      [512, 900_001],
      [513, 512 * 2000 - 1],
      [3, 262_144],
      [3, 262_145],
      [511, 2],
      [5, 20],
    ] as const) {
      disk.log.length = 0;
      const buffer = new Uint8Array(length + 2).fill(0x99);
      await lun.read(buffer.subarray(1, length + 1), { position });
      const wanted = disk.content.subarray(position, position + length);
      assert.ok(Buffer.from(buffer.buffer, 1, length).equals(wanted), `${random.note}: ${length} at ${position}`);
      assert.deepEqual([buffer[0], buffer[length + 1]], [0x99, 0x99]);
      const blocks = disk.log.reduce((sum, entry) => sum + entry.blocks, 0);
      assert.ok(disk.log.length <= 3 && blocks <= Math.ceil(length / 512) + 1, `${disk.log.length} commands`);
    }
  });

  test(`${name}: when a part of a long unaligned read fails, nothing of it is under way any more`, async (t) => {
    const disk = new RawDisk(4000);
    let reads = 0;
    const { lun, underWay } = await open(t, {
      disk,
      onCommand: ({ cdb, dataOut }, answer) => {
        if (cdb[0] !== 0x28) return false;
        const bytes = cdb.slice();
        if (++reads === 1) answer({ status: 0x18 });
        else setTimeout(() => answer(disk.execute(bytes, dataOut, 0)), 50);
        return true;
      },
    });
    await assert.rejects(lun.read(new Uint8Array(1_000_000), { position: 1 }), { code: 'ISCSI_SCSI_STATUS' });
    assert.equal(reads, 3);
    assert.equal(underWay(), 0);
  });
}
