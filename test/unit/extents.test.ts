/** What a device says of the room that its blocks take, and what is believed of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DevicePort } from '../../src/device/device-port.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { ProtocolError } from '../../src/errors.ts';
import { CLOCK } from '../../src/node/clock.ts';
import { type LbaStatusDescriptor, writeLbaStatus } from '../../src/scsi/data/lba-status.ts';
import type { Extent, ExtentOptions } from '../../src/unit/extents.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { seededRandom } from '../pdu/random.ts';
import { senseData } from '../support/speaker/data.ts';
import { type GivenAnswer, RawDiskPort, type SeenCommand } from './raw-disk-port.ts';

const SERVICE_ACTION_IN = 0x9e;
const GET_LBA_STATUS = 0x12;
const BLOCKS = 256;
const INVALID_OPERATION: GivenAnswer = { status: 2, sense: senseData(5, 0x20, 0) };

type Answer = (from: number, command: SeenCommand) => GivenAnswer;

/** A logical unit of 256 blocks of 512 bytes that answers GET LBA STATUS as the test says. */
async function answering(answer: Answer) {
  const asked: number[] = [];
  const port = new RawDiskPort(new RawDisk(BLOCKS), (command, give) => {
    if (command.cdb[0] !== SERVICE_ACTION_IN || command.cdb[1] !== GET_LBA_STATUS) return false;
    const from = new DataView(command.cdb.buffer).getUint32(6);
    asked.push(from);
    give(answer(from, command));
    return true;
  });
  return { lun: await LogicalUnit.open(port), asked };
}

function data(...descriptors: readonly (readonly [first: number, blocks: number, status: number])[]): GivenAnswer {
  const written = descriptors.map(
    ([logicalBlockAddress, numberOfLogicalBlocks, provisioningStatus]): LbaStatusDescriptor => ({
      logicalBlockAddress,
      numberOfLogicalBlocks,
      provisioningStatus,
    }),
  );
  return { status: 0, dataIn: writeLbaStatus(written) };
}

async function all(lun: LogicalUnit, options?: ExtentOptions): Promise<Extent[]> {
  const extents: Extent[] = [];
  for await (const extent of lun.extents(options)) extents.push(extent);
  return extents;
}

test('extents come in bytes, neighbours of one type as one, over as many answers as it takes', async () => {
  const { lun, asked } = await answering((from) =>
    from === 0 ? data([0, 8, 0], [8, 8, 3], [16, 4, 4], [20, 10, 1]) : data([30, 2, 1], [32, 32, 2], [64, 192, 0xf]),
  );
  assert.equal(lun.knowsExtents, undefined);
  assert.deepEqual(await all(lun), [
    { offset: 0, length: 20 * 512, type: 'data' },
    { offset: 20 * 512, length: 12 * 512, type: 'hole' },
    { offset: 32 * 512, length: 32 * 512, type: 'anchored' },
    { offset: 64 * 512, length: 192 * 512, type: 'data' },
  ]);
  assert.deepEqual([asked, lun.knowsExtents], [[0, 30], true]);
});

test('a range is cut at its first and last byte, and asked for from the block that holds the first', async () => {
  const { lun, asked } = await answering((from) =>
    from > 200 ? data([from, BLOCKS - from, 1]) : data([from, 10, 1], [from + 10, BLOCKS - from - 10, 0]),
  );
  assert.deepEqual(await all(lun, { start: 1000, end: 1000 }), [{ offset: 1000, length: 1, type: 'hole' }]);
  assert.deepEqual(await all(lun, { start: 5000, end: 12_000 }), [
    { offset: 5000, length: 19 * 512 - 5000, type: 'hole' },
    { offset: 19 * 512, length: 12_001 - 19 * 512, type: 'data' },
  ]);
  assert.deepEqual(asked, [1, 9]);
  assert.deepEqual(await all(lun, { start: 8, end: 7 }), []);
  assert.deepEqual(await all(lun, { start: lun.size }), []);
  assert.equal((await all(lun, { start: lun.size - 5, end: Number.POSITIVE_INFINITY }))[0]?.length, 5);
});

test('a device that does not know the command is asked once, and all of it is data', async () => {
  const { lun, asked } = await answering(() => INVALID_OPERATION);
  assert.deepEqual(await all(lun, { start: 10 }), [{ offset: 10, length: lun.size - 10, type: 'data' }]);
  assert.deepEqual(await all(lun), [{ offset: 0, length: lun.size, type: 'data' }]);
  assert.deepEqual([asked, lun.knowsExtents], [[0], false]);
});

test('a refusal by a device that has answered before is an error, and so is any other trouble', async () => {
  const { lun } = await answering((from) => (from === 0 ? data([0, 8, 1]) : INVALID_OPERATION));
  await assert.rejects(all(lun), { code: 'ISCSI_SCSI_STATUS' });
  const { lun: broken } = await answering(() => ({ status: 2, sense: senseData(4, 0x44, 0) }));
  await assert.rejects(all(broken), { code: 'ISCSI_SCSI_STATUS' });
  assert.equal(broken.knowsExtents, undefined);
});

test('answers that lead nowhere, back, over others or beyond the end are refused', async () => {
  const lies: readonly (readonly [string, GivenAnswer, RegExp])[] = [
    ['none', data(), /says nothing of block 0/],
    ['no blocks', data([0, 0, 1]), /the range at block 0 has no blocks/],
    ['no blocks behind others', data([0, 8, 1], [8, 0, 0]), /the range at block 8 has no blocks/],
    ['elsewhere', data([8, 8, 1]), /begins at block 8, and not where the last one ended, at 0/],
    ['a gap', data([0, 8, 1], [9, 8, 1]), /begins at block 9, .* at 8/],
    ['an overlap', data([0, 8, 1], [7, 8, 1]), /begins at block 7, .* at 8/],
    ['backwards', data([0, 8, 1], [0, 8, 1]), /begins at block 0, .* at 8/],
    ['beyond the end', data([0, BLOCKS + 1, 1]), /ends at 257, behind the last block, 255/],
    ['far beyond the end', data([0, 8, 0], [8, 0xffff_ffff, 1]), /behind the last block, 255/],
    ['2^53', data([Number.MAX_SAFE_INTEGER, 1, 1]), /begins at block 9007199254740991/],
    ['less than a header', { status: 0, dataIn: new Uint8Array(7) }, /of 7 bytes: at least 8 needed/],
    [
      'half a descriptor',
      { status: 0, dataIn: data([0, 8, 1]).dataIn?.subarray(0, 20) ?? new Uint8Array(0) },
      /says nothing/,
    ],
  ];
  for (const [what, lie, message] of lies) {
    const { lun, asked } = await answering(() => lie);
    await assert.rejects(all(lun), (error) => error instanceof ProtocolError && message.test(error.message), what);
    assert.equal(asked.length, 1, what);
  }
});

test('an answer that begins again each time is refused at the second, however often it would be asked', async () => {
  const { lun, asked } = await answering(() => data([0, 8, 1]));
  await assert.rejects(all(lun), /begins at block 0, and not where the last one ended, at 8/);
  assert.equal(asked.length, 2);
});

test('a device that has grown may speak of blocks that it did not have: they are left out', async () => {
  const disk = new RawDisk(BLOCKS);
  const port = new RawDiskPort(disk, ({ cdb }, give) => {
    if (cdb[0] !== SERVICE_ACTION_IN || cdb[1] !== GET_LBA_STATUS) return false;
    give(data([0, 2 * BLOCKS, 1]));
    return true;
  });
  const lun = await LogicalUnit.open(port);
  disk.content = new Uint8Array(2 * BLOCKS * 512);
  assert.deepEqual(await all(lun), [{ offset: 0, length: BLOCKS * 512, type: 'hole' }]);
});

test('one that is taken back by its signal, or left early, asks nothing more', async () => {
  const { lun, asked } = await answering((from) => data([from, 1, from % 2]));
  for await (const { offset } of lun.extents()) if (offset === 5 * 512) break;
  const before = asked.length;
  assert.ok(before <= 8);
  await assert.rejects(all(lun, { signal: AbortSignal.abort() }), { code: 'ISCSI_ABORTED' });
  assert.equal(asked.length, before);
});

test('options that cannot be are refused by name', async () => {
  const { lun } = await answering(() => INVALID_OPERATION);
  for (const options of [{ start: -1 }, { end: 1.5 }, { length: 5 }, { position: 0 }]) {
    assert.throws(() => lun.extents(options as ExtentOptions), { code: 'ISCSI_USAGE' });
  }
});

test('of the device server in this process what was written is data, what was given back or never written a hole', async (t) => {
  const room = 262_144; // the store takes room, and gives it back, in pieces of so many bytes
  const device = new DeviceServer();
  device.attach(0, new DeviceLogicalUnit(new MemoryStore({ size: 16 * room }), { serial: 'extents' }));
  const port = new DevicePort(device, { clock: CLOCK });
  t.after(() => port.close());
  const lun = await LogicalUnit.open(port);
  const random = seededRandom();
  for (let round = 0; round < 60; round++) {
    const piece = random.below(16);
    if (random.below(2) === 0) await lun.write(Uint8Array.of(1), { position: piece * room + random.below(room) });
    else await lun.trim({ position: piece * room, length: room });
    if (round % 10 < 9) continue;
    const extents = await all(lun);
    let end = 0;
    for (const { offset, length } of extents) {
      assert.equal(offset, end, random.note);
      end += length;
    }
    assert.equal(end, lun.size, random.note);
    for (let at = 0; at < 16; at++) {
      const bytes = await lun.read(new Uint8Array(room), { position: at * room });
      const isData = bytes.buffer.some((byte) => byte !== 0);
      const type = extents.findLast(({ offset }) => offset <= at * room)?.type;
      assert.equal(type, isData ? 'data' : 'hole', `${random.note}: piece ${at}`);
    }
  }
});
