/** It never talks to another logical unit than the one that was opened, whatever the port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawDisk } from '../client/raw-disk.ts';
import { RAW_WAYS } from './ways.ts';

const INQUIRY_DATA_CHANGED = [6, 0x3f, 0x03] as const;
const CAPACITY_CHANGED = [6, 0x2a, 0x09] as const;

const REPLACEMENTS: readonly (readonly [string, (disk: RawDisk) => void])[] = [
  ['another serial number', (disk) => (disk.serial = 'RAW-0002')],
  ['another NAA name', (disk) => (disk.name = 2)],
  ['fewer blocks', (disk) => (disk.content = disk.content.slice(0, 512 * 100))],
  ['another block size', (disk) => (disk.blockSize = 1024)],
];

for (const { name, open } of RAW_WAYS) {
  for (const [title, replace] of REPLACEMENTS) {
    test(`${name}: ${title} is ISCSI_IDENTITY, and nothing is written then or later`, async (t) => {
      const { lun, disk, changes, alive } = await open(t);
      await lun.write(new Uint8Array(512).fill(1), { position: 0 });
      const before = changes();
      replace(disk);
      disk.refusals.push(INQUIRY_DATA_CHANGED);
      await assert.rejects(lun.write(new Uint8Array(512).fill(2), { position: 0 }), { code: 'ISCSI_IDENTITY' });
      await assert.rejects(lun.write(new Uint8Array(512).fill(2), { position: 0 }), { code: 'ISCSI_IDENTITY' });
      await assert.rejects(lun.write(new Uint8Array(3), { position: 1 }), { code: 'ISCSI_IDENTITY' });
      await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_IDENTITY' });
      await assert.rejects(lun.flush(), { code: 'ISCSI_IDENTITY' });
      assert.equal(changes(), before);
      assert.equal(alive(), true);
    });
  }

  test(`${name}: the same logical unit, or one that grew, is gone on with`, async (t) => {
    const { lun, disk } = await open(t);
    disk.refusals.push(INQUIRY_DATA_CHANGED);
    await lun.write(new Uint8Array(512).fill(2), { position: 0 });
    disk.content = Uint8Array.from({ length: 512 * 300 });
    disk.refusals.push(CAPACITY_CHANGED);
    await lun.write(new Uint8Array(512).fill(3), { position: 512 });
    assert.equal(disk.content[512], 3);
    assert.equal(lun.blocks, 256, 'as it was opened');
  });

  test(`${name}: while it is in doubt which logical unit answers, no other write is sent`, async (t) => {
    const disk = new RawDisk();
    let release: (() => void) | undefined;
    let holding = false;
    const { lun, changes } = await open(t, {
      disk,
      onCommand: ({ cdb, dataOut }, answer) => {
        if (!holding || cdb[0] !== 0x12) return false;
        holding = false;
        release = () => answer(disk.execute(cdb, dataOut, 0));
        return true;
      },
    });
    disk.serial = 'RAW-0002';
    disk.refusals.push(INQUIRY_DATA_CHANGED);
    holding = true;
    const first = lun.write(new Uint8Array(512).fill(2), { position: 0 });
    first.catch(() => undefined);
    while (release === undefined) await new Promise((resolve) => setImmediate(resolve));
    const others = [
      lun.write(new Uint8Array(512).fill(2), { position: 512 }),
      lun.write(new Uint8Array(5).fill(2), { position: 1025 }),
      lun.write(new Uint8Array(20 * 512).fill(2), { position: 4096 }),
    ];
    for (const other of others) other.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(changes(), 0);
    release();
    for (const write of [first, ...others]) await assert.rejects(write, { code: 'ISCSI_IDENTITY' });
    assert.equal(changes(), 0);
  });

  test(`${name}: the rest of a long write is not sent to another logical unit`, async (t) => {
    const disk = new RawDisk(4000);
    disk.maximumTransfer = 1;
    let writes = 0;
    const { lun } = await open(t, {
      disk,
      onCommand: ({ cdb }) => {
        if (cdb[0] === 0x2a && ++writes === 100) {
          disk.serial = 'RAW-0002';
          disk.refusals.push(INQUIRY_DATA_CHANGED);
        }
        return false;
      },
    });
    await assert.rejects(lun.write(new Uint8Array(2000 * 512), { position: 0 }), { code: 'ISCSI_IDENTITY' });
    assert.ok(writes < 130, `${writes} writes`);
  });

  test(`${name}: trim is not sent to another logical unit`, async (t) => {
    const disk = new RawDisk();
    disk.thin = true;
    const { lun, changes } = await open(t, { disk });
    await lun.trim({ position: 512, length: 1024 });
    assert.deepEqual(disk.log.at(-1), { operation: 0x42, address: 1, blocks: 2 });
    disk.serial = 'RAW-0002';
    disk.refusals.push(INQUIRY_DATA_CHANGED);
    const before = changes();
    await assert.rejects(lun.trim({ position: 0, length: 4096 }), { code: 'ISCSI_IDENTITY' });
    assert.equal(changes(), before);
  });

  test(`${name}: a check that fails for another reason leaves the doubt: the next write checks again`, async (t) => {
    const { lun, disk, changes } = await open(t);
    disk.refusals.push(INQUIRY_DATA_CHANGED, [2, 0x04, 0x03]); // READ CAPACITY finds it not ready
    await assert.rejects(lun.write(new Uint8Array(512).fill(2), { position: 0 }), { code: 'ISCSI_SCSI_STATUS' });
    disk.serial = 'RAW-0002';
    await assert.rejects(lun.write(new Uint8Array(512).fill(2), { position: 0 }), { code: 'ISCSI_IDENTITY' });
    assert.equal(changes(), 0);
  });

  test(`${name}: a device that answers every INQUIRY with its standard data has no VPD pages, and a question for one says so`, async (t) => {
    const disk = new RawDisk();
    const { lun } = await open(t, {
      disk,
      onCommand: ({ cdb, dataOut }, answer) => {
        if (cdb[0] !== 0x12 || cdb[1] === 0) return false;
        const standard = Uint8Array.of(0x12, 0, 0, 0, 255, 0);
        answer(disk.execute(standard, dataOut, 0));
        return true;
      },
    });
    assert.deepEqual(
      [lun.probed.identity?.serialNumber, lun.probed.identity?.names, lun.probed.blockLimits, lun.probed.provisioning],
      [undefined, [], undefined, undefined],
    );
    for (const page of ['blockLimits', 0xb0, 0xc7] as const) {
      await assert.rejects(lun.inquiry(page as number), { code: 'ISCSI_PROTOCOL', message: /the device sent page 00/ });
    }
    await lun.write(new Uint8Array(512), { position: 0 });
  });
}
