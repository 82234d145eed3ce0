import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, viewOf } from '../../src/bytes/hex.ts';
import {
  checkR2T,
  r2tBufferOffset,
  r2tDesiredDataTransferLength,
  r2tR2TSN,
  r2tTargetTransferTag,
  readR2T,
  writeR2T,
} from '../../src/pdu/r2t.ts';
import { r2t } from '../fixtures/r2t.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(r2t, { name: 'R2T', read: readR2T, write: writeR2T });

const R2T = r2t.examples[0].bytes;

test('the accessors of R2T read what readR2T() reads', () => {
  const { bytes, pdu } = r2t.examples[0];
  const header = viewOf(hex(bytes));
  assert.equal(r2tTargetTransferTag(header, 0), pdu.targetTransferTag);
  assert.equal(r2tR2TSN(header, 0), pdu.r2tSN);
  assert.equal(r2tBufferOffset(header, 0), pdu.bufferOffset);
  assert.equal(r2tDesiredDataTransferLength(header, 0), pdu.desiredDataTransferLength);
});

test('checkR2T() takes a length of 1 and a Target Transfer Tag of 0', () => {
  assertTaken(checkR2T, changed(R2T, 44, '00 00 00 01'));
  assertTaken(checkR2T, changed(R2T, 20, '00 00 00 00'));
});

test('checkR2T() refuses AHS and data', () => {
  assertRefused(checkR2T, changed(R2T, 4, '01'), '11.2.1.5');
  assertRefused(checkR2T, changed(R2T, 7, '01'), '11.8.1');
});

test('checkR2T() refuses reserved tags', () => {
  assertRefused(checkR2T, changed(R2T, 16, 'ff ff ff ff'), '11.2.1.8');
  assertRefused(checkR2T, changed(R2T, 20, 'ff ff ff ff'), '11.8.5');
});

test('checkR2T() refuses a length of 0', () => {
  assertRefused(checkR2T, changed(R2T, 44, '00 00 00 00'), '11.8.4');
});
