import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import { readReportLuns, writeReportLuns } from '../../../src/scsi/data/report-luns.ts';

const LIST = hex(`
  00 00 00 18  00 00 00 00
  00 01 00 00 00 00 00 00  // peripheral 1
  41 2c 00 00 00 00 00 00  // flat 300
  d2 00 40 00 00 00 00 09  // all eight bytes count
`);
const LUNS = [
  { high: 0x0001_0000, low: 0 },
  { high: 0x412c_0000, low: 0 },
  { high: 0xd200_4000, low: 9 },
];

test('REPORT LUNS data is read and written in order, all eight bytes', () => {
  assert.deepEqual(readReportLuns(LIST), { luns: LUNS, fullLength: 32, truncated: false });
  assert.deepEqual(writeReportLuns(LUNS), LIST);
  assert.deepEqual(writeReportLuns([]), hex('00 00 00 00 00 00 00 00'));
});

test('readReportLuns() gives the LUNs that lie whole in the data', () => {
  for (let length = 8; length < LIST.length; length++) {
    const { luns, truncated } = readReportLuns(LIST.slice(0, length));
    assert.deepEqual([luns.length, truncated], [Math.floor(length / 8) - 1, true], `${length} bytes`);
  }
  assert.throws(() => readReportLuns(LIST.slice(0, 7)), ProtocolError);
});

test('readReportLuns() believes no length: neither one that is huge nor bytes behind the list', () => {
  const huge = readReportLuns(concat(hex('ff ff ff f8'), LIST.slice(4)));
  assert.deepEqual([huge.luns.length, huge.truncated, huge.fullLength], [3, true, 0x1_0000_0000]);
  assert.equal(readReportLuns(concat(hex('00 00 00 08'), LIST.slice(4))).luns.length, 1);
});
