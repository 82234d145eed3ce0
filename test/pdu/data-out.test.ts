import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, viewOf } from '../../src/bytes/hex.ts';
import {
  checkDataOut,
  dataOutBufferOffset,
  dataOutDataSN,
  dataOutFinal,
  dataOutTargetTransferTag,
  readDataOut,
  writeDataOut,
} from '../../src/pdu/data-out.ts';
import { dataOut } from '../fixtures/data-out.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(dataOut, { name: 'DataOut', read: readDataOut, write: writeDataOut });

const [SOLICITED, UNSOLICITED] = dataOut.examples.map(({ bytes }) => bytes) as [string, string];

test('the accessors of Data-Out read what readDataOut() reads', () => {
  const { bytes, pdu } = dataOut.examples[0];
  const header = viewOf(hex(bytes));
  assert.equal(dataOutFinal(header, 0), pdu.final);
  assert.equal(dataOutTargetTransferTag(header, 0), pdu.targetTransferTag);
  assert.equal(dataOutDataSN(header, 0), pdu.dataSN);
  assert.equal(dataOutBufferOffset(header, 0), pdu.bufferOffset);
});

test('checkDataOut() takes solicited, unsolicited and empty data', () => {
  assertTaken(checkDataOut, SOLICITED);
  assertTaken(checkDataOut, UNSOLICITED);
  assertTaken(checkDataOut, changed(UNSOLICITED, 7, '00'));
});

test('checkDataOut() refuses AHS and the reserved Initiator Task Tag', () => {
  assertRefused(checkDataOut, changed(SOLICITED, 4, '01'), '11.2.1.5');
  assertRefused(checkDataOut, changed(SOLICITED, 16, 'ff ff ff ff'), '11.2.1.8');
});
