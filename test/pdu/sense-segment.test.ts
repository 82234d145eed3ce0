import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import { readSenseSegment, senseSegmentLength, writeSenseSegment } from '../../src/pdu/sense-segment.ts';

test('readSenseSegment() separates sense data from what follows', () => {
  const { sense, rest } = readSenseSegment(hex('00 04  70 00 05 24  ab cd'));
  assert.equal(toHex(sense), '70000524');
  assert.equal(toHex(rest), 'abcd');
});

test('readSenseSegment() finds nothing in an empty segment and no sense data with SenseLength 0', () => {
  assert.equal(readSenseSegment(new Uint8Array()).sense.length, 0);
  const { sense, rest } = readSenseSegment(hex('00 00 ab'));
  assert.equal(sense.length, 0);
  assert.equal(toHex(rest), 'ab');
});

test('readSenseSegment() takes SenseLength as 16 bits', () => {
  const segment = new Uint8Array(2 + 0x0102);
  segment[0] = 0x01;
  segment[1] = 0x02;
  assert.equal(readSenseSegment(segment).sense.length, 0x0102);
});

test('readSenseSegment() refuses a segment that is shorter than it says', () => {
  for (const segment of ['00', '00 01', '00 05  70 00 05 24', 'ff ff  70']) {
    assert.throws(
      () => readSenseSegment(hex(segment)),
      (error) => error instanceof ProtocolError && error.clause === '11.4.7.1',
      segment,
    );
  }
});

test('writeSenseSegment() writes SenseLength and the sense data, and nothing beside them', () => {
  const bytes = new Uint8Array(8).fill(0xee);
  assert.equal(writeSenseSegment(bytes, 1, hex('70 00 05 24')), 6);
  assert.equal(toHex(bytes), 'ee000470000524ee');
  assert.equal(senseSegmentLength(4), 6);
});

test('writeSenseSegment() refuses more than SenseLength can say', () => {
  const bytes = new Uint8Array(0x1_0010);
  assert.equal(writeSenseSegment(bytes, 0, new Uint8Array(0xffff)), 0x1_0001);
  assert.equal(toHex(bytes.subarray(0, 2)), 'ffff');
  assert.throws(() => writeSenseSegment(bytes, 0, new Uint8Array(0x1_0000)), RangeError);
});
