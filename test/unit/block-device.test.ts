/** A logical unit as a block device, over every port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { seededRandom } from '../pdu/random.ts';
import { loopTime } from '../support/loop-time.ts';
import { playBatch } from './play.ts';
import { RAW_WAYS, WAYS } from './ways.ts';

for (const { name, open } of WAYS) {
  test(`${name}: bytes come back as they were written`, async (t) => {
    const { lun, content } = await open(t);
    const random = seededRandom();
    const model = new Uint8Array(lun.size);
    for (let batch = 0; batch < 12; batch++) await playBatch(lun, model, random);
    assert.deepEqual(content(), model, random.note);
  });

  test(`${name}: concurrent writes within one block lose no update, whole-block writes of the neighbours included`, async (t) => {
    const { lun, content } = await open(t);
    const model = new Uint8Array(4 * 512);
    const work: Promise<unknown>[] = [];
    for (let at = 0; at < 512; at += 8) {
      const bytes = new Uint8Array(8).fill(1 + at / 8);
      model.set(bytes, 512 + at);
      work.push(lun.write(bytes, { position: 512 + at }));
      if (at % 64 === 0) {
        const block = new Uint8Array(512).fill(200 + at / 64);
        model.set(block, at % 128 === 0 ? 0 : 1024);
        work.push(lun.write(block, { position: at % 128 === 0 ? 0 : 1024 }));
      }
    }
    await Promise.all(work);
    assert.deepEqual(content().subarray(0, 2048), model);
  });

  test(`${name}: two that have opened one logical unit over a port lose no update of each other`, async (t) => {
    const { lun, content } = await open(t);
    const other = await LogicalUnit.open(lun.port);
    const work: Promise<unknown>[] = [];
    for (let at = 0; at < 512; at += 8) {
      work.push((at % 16 === 0 ? lun : other).write(new Uint8Array(8).fill(1 + at / 8), { position: at }));
    }
    await Promise.all(work);
    assert.deepEqual(
      content().subarray(0, 512),
      Uint8Array.from({ length: 512 }, (_, at) => 1 + Math.floor(at / 8)),
    );
  });

  test(`${name}: at the end of the device less is read, behind it nothing, and nothing is written`, async (t) => {
    const { lun, changes } = await open(t);
    const { size } = lun;
    assert.equal(size, 256 * 512);
    for (const [position, length, wanted] of [
      [size - 512, 1024, 512],
      [size - 10, 1024, 10],
      [size, 10, 0],
      [size + 5, 10, 0],
      [Number.MAX_SAFE_INTEGER, 10, 0],
      [0, 0, 0],
    ] as const) {
      const { bytesRead } = await lun.read(new Uint8Array(length), { position });
      assert.equal(bytesRead, wanted, `${length} bytes at ${position}`);
    }
    const writes = changes();
    for (const [position, length] of [
      [size - 512, 1024],
      [size - 1, 2],
      [size, 1],
      [Number.MAX_SAFE_INTEGER, 1],
    ] as const) {
      await assert.rejects(lun.write(new Uint8Array(length), { position }), { code: 'ISCSI_USAGE' });
    }
    assert.equal(changes(), writes);
    await lun.write(new Uint8Array(0), { position: size });
  });

  test(`${name}: a position that is no whole number of bytes is ISCSI_USAGE`, async (t) => {
    const { lun } = await open(t);
    for (const position of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await assert.rejects(lun.read(new Uint8Array(1), { position }), { code: 'ISCSI_USAGE' });
      await assert.rejects(lun.write(new Uint8Array(1), { position }), { code: 'ISCSI_USAGE' });
      await assert.rejects(lun.trim({ position, length: 1 }), { code: 'ISCSI_USAGE' });
    }
  });
}

for (const { name, open } of RAW_WAYS) {
  test(`${name}: bytes come back as they were written, by at most 3 blocks at once`, async (t) => {
    const disk = new RawDisk();
    disk.maximumTransfer = 3;
    const { lun, content } = await open(t, { disk });
    const random = seededRandom();
    const model = new Uint8Array(lun.size);
    for (let batch = 0; batch < 12; batch++) await playBatch(lun, model, random);
    assert.deepEqual(content(), model, random.note);
    assert.ok(disk.log.every(({ blocks }) => blocks <= 3));
  });

  test(`${name}: a failed unaligned write does not hold up the next one`, async (t) => {
    const { lun, disk } = await open(t);
    disk.refusals.push([3, 0x11, 0]);
    const failed = lun.write(new Uint8Array(5), { position: 3 });
    const next = lun.write(new Uint8Array(5).fill(7), { position: 1 });
    const whole = lun.write(new Uint8Array(512).fill(9), { position: 512 });
    await assert.rejects(failed, { code: 'ISCSI_SCSI_STATUS' });
    await Promise.all([next, whole]);
    assert.deepEqual([...disk.content.subarray(0, 7)], [0, 7, 7, 7, 7, 7, 0]);
    assert.equal(disk.content[512], 9);
  });

  test(`${name}: a long transfer is split by the Block Limits page into neighbouring commands`, async (t) => {
    const disk = new RawDisk(64);
    disk.maximumTransfer = 10;
    const { lun } = await open(t, { disk });
    await lun.write(new Uint8Array(47 * 512).fill(1), { position: 3 * 512 });
    await lun.read(new Uint8Array(47 * 512), { position: 3 * 512 });
    const of = (operation: number): number[][] =>
      disk.log
        .filter((entry) => entry.operation === operation)
        .map(({ address, blocks }) => [address, blocks])
        .sort(([a = 0], [b = 0]) => a - b);
    const pieces = [
      [3, 10],
      [13, 10],
      [23, 10],
      [33, 10],
      [43, 7],
    ];
    assert.deepEqual(of(0x2a), pieces);
    assert.deepEqual(of(0x28), pieces);
  });

  test(`${name}: when one command of a long transfer fails, no further ones are sent and the first error is told`, async (t) => {
    const disk = new RawDisk(2000);
    disk.maximumTransfer = 1;
    let reads = 0;
    const { lun } = await open(t, {
      disk,
      onCommand: ({ cdb }, answer) => {
        if (cdb[0] !== 0x28 || ++reads !== 5) return false;
        answer({ status: 0x18 }); // RESERVATION CONFLICT
        return true;
      },
    });
    await assert.rejects(lun.read(new Uint8Array(1000 * 512), { position: 0 }), {
      code: 'ISCSI_SCSI_STATUS',
      status: 0x18,
    });
    assert.ok(reads < 30, `${reads} reads`);
  });

  test(`${name}: BUSY, TASK SET FULL and UNIT ATTENTION are overcome, for reads and writes, aligned or not`, async (t) => {
    const { lun, disk } = await open(t);
    const obstacles: readonly (number | readonly [number, number, number])[] = [
      0x08,
      0x28,
      [6, 0x29, 0],
      [6, 0x2a, 1],
      [6, 0x3f, 0x0e],
    ];
    for (const obstacle of obstacles) {
      disk.refusals.push(obstacle, obstacle);
      await lun.write(new Uint8Array(512).fill(5), { position: 512 });
      disk.refusals.push(obstacle, obstacle);
      const { buffer } = await lun.read(new Uint8Array(512), { position: 512 });
      assert.ok(buffer.every((byte) => byte === 5));
      disk.refusals.push(obstacle, obstacle);
      await lun.write(new Uint8Array(10).fill(6), { position: 600 });
      disk.refusals.push(obstacle, obstacle);
      await lun.flush();
      await lun.write(new Uint8Array(10).fill(5), { position: 600 });
    }
    assert.equal(disk.refusals.length, 0);
    assert.ok(disk.flushes >= obstacles.length);
  });

  test(`${name}: BUSY for ever ends with the status within the timeout`, async (t) => {
    const { lun } = await open(t, {
      onCommand: ({ cdb }, answer) => {
        if (cdb[0] !== 0x28) return false;
        answer({ status: 0x08 });
        return true;
      },
    });
    const passed = loopTime();
    await assert.rejects(lun.read(new Uint8Array(512), { position: 0, timeout: 200 }), {
      code: 'ISCSI_SCSI_STATUS',
      status: 0x08,
    });
    const took = passed();
    assert.ok(took <= 450, `${took} ms`);
  });

  test(`${name}: a target that is BUSY first and silent then does not get twice the time`, async (t) => {
    let reads = 0;
    const { lun } = await open(t, {
      onCommand: ({ cdb }, answer) => {
        if (cdb[0] !== 0x28) return false;
        if (++reads <= 4) setTimeout(() => answer({ status: 0x08 }), 30);
        return true;
      },
    });
    const passed = loopTime();
    await assert.rejects(lun.read(new Uint8Array(512), { position: 0, timeout: 800 }), { code: 'ISCSI_TIMEOUT' });
    const took = passed();
    assert.ok(took <= 950, `${took} ms`);
  });

  test(`${name}: unit attentions without end are a fault`, async (t) => {
    const { lun, disk } = await open(t);
    disk.refusals.push(...Array.from({ length: 50 }, () => [6, 0x29, 0] as const));
    await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SCSI_STATUS' });
  });

  test(`${name}: an abort during the pause of a BUSY command is heard at once`, async (t) => {
    const { lun, disk } = await open(t);
    disk.refusals.push(...Array.from({ length: 50 }, () => 0x08));
    const stop = new AbortController();
    const work = lun.read(new Uint8Array(512), { position: 0, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    const passed = loopTime();
    await assert.rejects(work, { code: 'ISCSI_ABORTED' });
    assert.ok(passed() < 1000);
  });

  test(`${name}: GOOD with a residual is ISCSI_SHORT_TRANSFER`, async (t) => {
    const { lun } = await open(t, {
      onCommand: ({ cdb, length }, answer) => {
        if (cdb[0] !== 0x28 && cdb[0] !== 0x2a) return false;
        answer(cdb[0] === 0x28 ? { status: 0, dataIn: new Uint8Array(length - 12) } : { status: 0, missing: 12 });
        return true;
      },
    });
    await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SHORT_TRANSFER' });
    await assert.rejects(lun.write(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SHORT_TRANSFER' });
  });

  test(`${name}: CHECK CONDITION is an error with its sense, whatever the sense data is like`, async (t) => {
    for (const sense of [
      Uint8Array.of(0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0x04, 0, 0, 0, 0),
      Uint8Array.of(0x72, 3, 0x11, 0x04, 0, 0, 0, 0),
      Uint8Array.of(0x70),
      Uint8Array.of(0xff, 0xff),
      new Uint8Array(0),
    ]) {
      const { lun, alive } = await open(t, {
        onCommand: ({ cdb }, answer) => {
          if (cdb[0] !== 0x28) return false;
          answer({ status: 2, sense });
          return true;
        },
      });
      const error: unknown = await lun.read(new Uint8Array(512), { position: 0 }).catch((reason: unknown) => reason);
      assert.ok(error instanceof IscsiError);
      assert.equal(error.code, 'ISCSI_SCSI_STATUS');
      if (sense.length >= 8) assert.equal((error as { sense?: { asc: number } }).sense?.asc, 0x11);
      const result = await lun.execute(Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), { dataIn: new Uint8Array(512) });
      assert.equal(result.status, 2);
      assert.equal(alive(), true);
    }
  });

  test(`${name}: an unaligned write waits for the whole-block writes under way, and those that come meanwhile wait for it`, async (t) => {
    const order: string[] = [];
    const { lun, disk } = await open(t, {
      onCommand: ({ cdb, dataOut }, answer) => {
        order.push(`${cdb[0] === 0x28 ? 'read' : 'write'} ${cdb[5]}`);
        if (cdb[0] !== 0x2a) return false;
        setTimeout(() => answer(disk.execute(cdb, dataOut, 0)), 15); // a slow disk, whose cache does not help
        return true;
      },
    });
    order.length = 0;
    await Promise.all([
      lun.write(new Uint8Array(512).fill(1), { position: 0 }),
      lun.write(new Uint8Array(10).fill(2), { position: 100 }),
      lun.write(new Uint8Array(512).fill(3), { position: 512 }),
    ]);
    assert.deepEqual(order, ['write 0', 'read 0', 'write 0', 'write 1']);
    assert.deepEqual([disk.content[99], disk.content[100], disk.content[110], disk.content[512]], [1, 2, 1, 3]);
  });
}
