import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import { readUnmapList, UNMAP_RANGE_LIMIT, writeUnmapList } from '../../../src/scsi/data/unmap-list.ts';

const LIST = hex(`
  00 26 00 20 00 00 00 00
  00 00 00 01 00 00 00 02  00 00 00 03  00 00 00 00
  00 00 00 00 00 00 00 10  ff ff ff ff  00 00 00 00
`);
const RANGES = [
  { logicalBlockAddress: 0x1_0000_0002, numberOfLogicalBlocks: 3 },
  { logicalBlockAddress: 16, numberOfLogicalBlocks: 0xffff_ffff },
];

test('an UNMAP list is read and written', () => {
  assert.deepEqual(readUnmapList(LIST), {
    unmapDataLength: 38,
    blockDescriptorDataLength: 32,
    ranges: RANGES,
    fullLength: 40,
    truncated: false,
  });
  assert.deepEqual(writeUnmapList(RANGES), LIST);
  assert.deepEqual(writeUnmapList([]), hex('00 06 00 00 00 00 00 00'));
});

test('readUnmapList() gives the ranges that lie whole in the data and inside of both lengths', () => {
  for (let length = 8; length < LIST.length; length++) {
    const { ranges, truncated } = readUnmapList(LIST.slice(0, length));
    assert.deepEqual([ranges.length, truncated], [Math.floor((length - 8) / 16), true], `${length} bytes`);
  }
  assert.throws(() => readUnmapList(LIST.slice(0, 7)), ProtocolError);
  assert.equal(readUnmapList(concat(hex('00 26 00 1f'), LIST.slice(4))).ranges.length, 1, 'descriptor length');
  assert.equal(readUnmapList(concat(hex('00 16 00 20'), LIST.slice(4))).ranges.length, 1, 'data length');
});

test('readUnmapList() gives an address above 2^53 - 1 as 2^53 - 1, which no device has', () => {
  const list = readUnmapList(hex('00 16 00 10 00000000  ff ff ff ff ff ff ff ff 00 00 00 01 00000000'));
  assert.deepEqual(list.ranges, [{ logicalBlockAddress: Number.MAX_SAFE_INTEGER, numberOfLogicalBlocks: 1 }]);
});

test('writeUnmapList() holds 4095 ranges and no more', () => {
  const range = { logicalBlockAddress: 0, numberOfLogicalBlocks: 1 };
  const full = writeUnmapList(new Array(UNMAP_RANGE_LIMIT).fill(range));
  assert.deepEqual(full.slice(0, 4), hex('ff f6 ff f0'));
  assert.throws(() => writeUnmapList(new Array(4096).fill(range)), /4096 ranges: at most 4095 allowed/);
  assert.throws(() => writeUnmapList([{ logicalBlockAddress: 0, numberOfLogicalBlocks: 2 ** 32 }]), RangeError);
});
