import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import { readInquiry, writeInquiry } from '../../../src/scsi/data/inquiry.ts';

const DISK = hex(`
  00 00 06 32 5b           // connected block device; SPC-4; HISUP, NORMACA, format 2; 91 more bytes
  19 11 02                 // TPGS 1, 3PC, PROTECT; MULTIP, ADDR16; CMDQUE
  54 53 49 53 43 53 49 20  // "TSISCSI "
  56 69 72 74 75 61 6c 20 64 69 73 6b 20 20 20 20  // "Virtual disk    "
  30 31 20 20              // "01  "
  ${'00'.repeat(20)}       // vendor specific
  0a 00                    // CLOCKING 2, QAS
  09 60 04 c0 04 60        // iSCSI, SBC-3, SPC-4
  ${'00'.repeat(32)}
`);

const FIELDS = {
  peripheralQualifier: 0,
  peripheralDeviceType: 0,
  rmb: false,
  luCong: false,
  version: 6,
  normaca: true,
  hisup: true,
  responseDataFormat: 2,
  sccs: false,
  acc: false,
  tpgs: 1,
  thirdPartyCopy: true,
  protect: true,
  encserv: false,
  multip: true,
  addr16: true,
  wbus16: false,
  sync: false,
  cmdque: true,
  clocking: 2,
  qas: true,
  ius: false,
  vendorIdentification: 'TSISCSI',
  productIdentification: 'Virtual disk',
  productRevisionLevel: '01',
  versionDescriptors: [0x0960, 0x04c0, 0x0460],
};

test('readInquiry() reads every field', () => {
  assert.deepEqual(readInquiry(DISK), {
    ...FIELDS,
    additionalLength: 91,
    vendorIdentificationPadded: 'TSISCSI ',
    productIdentificationPadded: 'Virtual disk    ',
    productRevisionLevelPadded: '01  ',
    fullLength: 96,
    truncated: false,
  });
});

test('writeInquiry() writes these bytes, and what was read can be written', () => {
  assert.deepEqual(writeInquiry(FIELDS), DISK);
  assert.deepEqual(writeInquiry(readInquiry(DISK)), DISK);
});

test('readInquiry() reads the other bits of bytes 0 to 7 and 56', () => {
  const tape = readInquiry(
    hex(`61 c0 05 02 3b c0 40 30 ${'20'.repeat(28)} ${'00'.repeat(20)} 01 00 ${'00'.repeat(6)}`),
  );
  assert.deepEqual([tape.peripheralQualifier, tape.peripheralDeviceType, tape.rmb, tape.luCong], [3, 1, true, true]);
  assert.deepEqual(
    [tape.sccs, tape.acc, tape.encserv, tape.wbus16, tape.sync, tape.ius],
    [true, true, true, true, true, true],
  );
  assert.deepEqual([tape.cmdque, tape.vendorIdentification, tape.vendorIdentificationPadded], [false, '', '        ']);
});

test('readInquiry() reads what is there, wherever it is cut, and nothing behind its end', () => {
  for (let length = 0; length < DISK.length; length++) {
    const read = () => readInquiry(DISK.slice(0, length));
    if (length < 5) {
      assert.throws(read, ProtocolError, `${length} bytes`);
      continue;
    }
    const { fullLength, truncated, version, vendorIdentificationPadded } = read();
    assert.deepEqual([fullLength, truncated, version], [96, true, 6], `${length} bytes`);
    assert.equal(vendorIdentificationPadded, 'TSISCSI '.slice(0, Math.max(0, length - 8)));
  }
  const short = readInquiry(concat(DISK.slice(0, 4), hex('0a'), DISK.slice(5)));
  assert.deepEqual(
    [short.fullLength, short.truncated, short.vendorIdentification, short.productIdentification],
    [15, false, 'TSISCSI', ''],
  );
  assert.deepEqual(short.versionDescriptors, []);
});

test('writeInquiry() refuses what does not fit', () => {
  assert.throws(() => writeInquiry({ vendorIdentification: 'NINECHARS' }), {
    name: 'RangeError',
    message: 'Cannot write vendorIdentification "NINECHARS": at most 8 characters allowed',
  });
  assert.throws(() => writeInquiry({ productIdentification: 'naïve' }), /printable ASCII/);
  assert.throws(() => writeInquiry({ peripheralDeviceType: 32 }), /peripheralDeviceType = 32: 0\.\.31 allowed/);
  assert.throws(() => writeInquiry({ versionDescriptors: new Array(9).fill(1) }), /at most 8 allowed/);
});

test('readInquiry() takes the 36 bytes that all devices have when the length is left empty, as far as they came', () => {
  const empty = DISK.slice(0, 60);
  empty[4] = 0;
  const read = readInquiry(empty);
  assert.deepEqual(
    [read.vendorIdentification, read.productIdentification, read.productRevisionLevel, read.versionDescriptors],
    ['TSISCSI', 'Virtual disk', '01', []],
  );
  assert.deepEqual([read.additionalLength, read.fullLength, read.truncated], [0, 36, false]);
  assert.equal(readInquiry(empty.slice(0, 20)).vendorIdentification, 'TSISCSI');
  const short = DISK.slice();
  short[4] = 11; // not empty: what lies behind it is not looked at
  assert.deepEqual(
    [readInquiry(short).vendorIdentification, readInquiry(short).productIdentification],
    ['TSISCSI', ''],
  );
});
