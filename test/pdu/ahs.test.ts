import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import {
  BIDIRECTIONAL_READ_LENGTH_AHS_LENGTH,
  checkAhs,
  extendedCdbAhsLength,
  MAX_CDB_LENGTH,
  readAhs,
  readBidirectionalReadLength,
  readExtendedCdb,
  writeBidirectionalReadLengthAhs,
  writeExtendedCdbAhs,
} from '../../src/pdu/ahs.ts';
import { scsiCommand } from '../fixtures/scsi-command.ts';

const BHS = hex(scsiCommand.examples[1].bytes);
const LONG = viewOf(hex(scsiCommand.examples.at(-1)?.bytes ?? ''));
const LONG_CDB = '7f00000000000018' + '0009000000000000' + '101112131415161718191a1b1c1d1e1f20212223';

/** A SCSI Command whose header says that all of `ahs` belongs to it. */
function withAhs(ahs: string): DataView {
  const segments = hex(ahs);
  const bytes = concat(BHS, segments);
  bytes[4] = segments.length / 4;
  return viewOf(bytes);
}

function assertProtocolError(parse: () => unknown, clause: string): void {
  assert.throws(parse, (error) => error instanceof ProtocolError && error.clause === clause);
}

test('readAhs() finds both segments of a bidirectional command with a 36-byte CDB', () => {
  assert.deepEqual(readAhs(LONG, 0), [
    { type: 1, at: 48, length: 21 },
    { type: 2, at: 72, length: 5 },
  ]);
});

test('readAhs() finds nothing behind a header with TotalAHSLength 0', () => {
  assert.deepEqual(readAhs(viewOf(concat(BHS, hex('00 15 01 00'))), 0), []);
});

test('readAhs() ignores the reserved bits of AHSType', () => {
  assert.deepEqual(readAhs(withAhs('00 05 c2 ff  00 00 00 01'), 0), [{ type: 2, at: 48, length: 5 }]);
});

test('readAhs() goes on after a segment of length 0 or 1, which takes 4 bytes', () => {
  assert.deepEqual(readAhs(withAhs('00 00 03 00  00 01 04 00'), 0), [
    { type: 3, at: 48, length: 0 },
    { type: 4, at: 52, length: 1 },
  ]);
});

test('readAhs() refuses a segment that ends beyond TotalAHSLength', () => {
  assertProtocolError(() => readAhs(withAhs('00 06 02 00  00 00 00 01'), 0), '11.2.2.2');
  assertProtocolError(() => readAhs(withAhs('ff ff 01 00'), 0), '11.2.2.2');
  assertProtocolError(() => readAhs(withAhs('00 05 02 00  00 00 00 01  00 02 01 00'), 0), '11.2.2.2');
});

test('readAhs() refuses a TotalAHSLength that goes beyond the view', () => {
  const bytes = BHS.slice();
  bytes[4] = 1;
  assertProtocolError(() => readAhs(viewOf(bytes), 0), '11.2.1.5');
});

test('checkAhs() takes the two known types', () => {
  checkAhs(LONG, 0);
  checkAhs(viewOf(BHS), 0);
});

test('checkAhs() refuses reserved types', () => {
  for (const type of ['00', '03', '3f']) {
    assertProtocolError(() => checkAhs(withAhs(`00 05 ${type} 00  00 00 00 01`), 0), '11.2.2.1');
  }
});

test('checkAhs() refuses lengths that the type forbids', () => {
  assertProtocolError(() => checkAhs(withAhs('00 01 01 00'), 0), '11.2.2.3');
  assertProtocolError(() => checkAhs(withAhs('00 04 02 00  00 00 00 01'), 0), '11.2.2.4');
});

test('readExtendedCdb() puts a long CDB together, leaving padding out', () => {
  assert.equal(toHex(readExtendedCdb(LONG, 0)), LONG_CDB);
  const cdb = readExtendedCdb(withAhs('00 05 02 00  00 00 00 09  00 02 01 00  ab 00 00 00'), 0);
  assert.equal(toHex(cdb), `${toHex(BHS.subarray(32))}ab`); // 17 bytes
});

test('readExtendedCdb() gives the 16 bytes of a header without AHS', () => {
  assert.equal(toHex(readExtendedCdb(viewOf(BHS), 0)), toHex(BHS.subarray(32)));
});

test('readExtendedCdb() refuses an AHS for a CDB of less than 17 bytes, and one that overruns', () => {
  assertProtocolError(() => readExtendedCdb(withAhs('00 00 01 00'), 0), '11.2.2.3');
  assertProtocolError(() => readExtendedCdb(withAhs('00 01 01 00'), 0), '11.2.2.3');
  assertProtocolError(() => readExtendedCdb(withAhs('00 15 01 00  00 00 00 00'), 0), '11.2.2.2');
});

test('readExtendedCdb() reads at its offset in a view that begins within a buffer', () => {
  const bytes = new Uint8Array(200);
  bytes.set(new Uint8Array(LONG.buffer), 30);
  assert.equal(toHex(readExtendedCdb(new DataView(bytes.buffer, 20, 150), 10)), LONG_CDB);
});

test('readBidirectionalReadLength() finds the length behind other segments', () => {
  assert.equal(readBidirectionalReadLength(LONG, 0), 0x5566_7788);
  assert.equal(readBidirectionalReadLength(withAhs('00 05 02 00  ff ff ff ff'), 0), 0xffff_ffff);
});

test('readBidirectionalReadLength() is undefined without such a segment', () => {
  assert.equal(readBidirectionalReadLength(viewOf(BHS), 0), undefined);
  assert.equal(readBidirectionalReadLength(withAhs('00 02 01 00  ab 00 00 00'), 0), undefined);
});

test('readBidirectionalReadLength() refuses a length other than 5', () => {
  assertProtocolError(() => readBidirectionalReadLength(withAhs('00 01 02 00'), 0), '11.2.2.4');
  assertProtocolError(
    () => readBidirectionalReadLength(withAhs('00 09 02 00  00 00 00 01  00 00 00 00'), 0),
    '11.2.2.4',
  );
});

test('extendedCdbAhsLength() is 0 up to 16 bytes, then padded to words', () => {
  const lengths = [0, 6, 16, 17, 20, 21, 32, 36, 260].map(extendedCdbAhsLength);
  assert.deepEqual(lengths, [0, 0, 0, 8, 8, 12, 20, 24, 248]);
});

test('writeExtendedCdbAhs() writes the spill-over of a 36-byte CDB', () => {
  const bytes = new Uint8Array(28).fill(0xee);
  assert.equal(writeExtendedCdbAhs(viewOf(bytes), 2, hex(LONG_CDB)), 24);
  const expected = 'eeee 0015 01 00 101112131415161718191a1b1c1d1e1f20212223 eeee';
  assert.equal(toHex(bytes), expected.replaceAll(' ', ''));
});

test('writeExtendedCdbAhs() pads with zeros', () => {
  const bytes = new Uint8Array(8).fill(0xee);
  assert.equal(writeExtendedCdbAhs(viewOf(bytes), 0, new Uint8Array(17).fill(0x11)), 8);
  assert.equal(toHex(bytes), '0002010011000000');
});

test('writeExtendedCdbAhs() refuses a CDB that needs no AHS or has no room in one', () => {
  const view = viewOf(new Uint8Array(2000));
  assert.throws(() => writeExtendedCdbAhs(view, 0, new Uint8Array(16)), RangeError);
  assert.throws(() => writeExtendedCdbAhs(view, 0, new Uint8Array(MAX_CDB_LENGTH + 1)), RangeError);
  assert.equal(writeExtendedCdbAhs(view, 0, new Uint8Array(MAX_CDB_LENGTH)), 1020); // TotalAHSLength 255
});

test('writeBidirectionalReadLengthAhs() writes 8 bytes', () => {
  const bytes = new Uint8Array(10).fill(0xee);
  assert.equal(writeBidirectionalReadLengthAhs(viewOf(bytes), 1, 0x5566_7788), BIDIRECTIONAL_READ_LENGTH_AHS_LENGTH);
  assert.equal(toHex(bytes), 'ee0005020055667788ee');
});
