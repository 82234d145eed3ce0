import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, viewOf } from '../../src/bytes/hex.ts';
import {
  checkDataIn,
  dataInAcknowledge,
  dataInBufferOffset,
  dataInDataSN,
  dataInFinal,
  dataInHasStatus,
  dataInOverflow,
  dataInResidualCount,
  dataInStatus,
  dataInUnderflow,
  readDataIn,
  writeDataIn,
} from '../../src/pdu/data-in.ts';
import { dataIn } from '../fixtures/data-in.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(dataIn, { name: 'DataIn', read: readDataIn, write: writeDataIn });

const [LAST, PART] = dataIn.examples.map(({ bytes }) => bytes) as [string, string];

test('the accessors of Data-In read what readDataIn() reads', () => {
  for (const { bytes, pdu } of dataIn.examples) {
    const header = viewOf(hex(bytes));
    assert.equal(dataInFinal(header, 0), pdu.final);
    assert.equal(dataInAcknowledge(header, 0), pdu.acknowledge);
    assert.equal(dataInOverflow(header, 0), pdu.overflow);
    assert.equal(dataInUnderflow(header, 0), pdu.underflow);
    assert.equal(dataInHasStatus(header, 0), pdu.hasStatus);
    assert.equal(dataInStatus(header, 0), pdu.status);
    assert.equal(dataInDataSN(header, 0), pdu.dataSN);
    assert.equal(dataInBufferOffset(header, 0), pdu.bufferOffset);
    assert.equal(dataInResidualCount(header, 0), pdu.residualCount);
  }
});

test('checkDataIn() takes data with and without status', () => {
  assertTaken(checkDataIn, LAST);
  assertTaken(checkDataIn, PART);
  assertTaken(checkDataIn, changed(PART, 1, '06')); // O and U mean nothing without S
});

test('checkDataIn() refuses S without F', () => {
  assertRefused(checkDataIn, changed(LAST, 1, '01'), '11.7.3');
});

test('checkDataIn() refuses S with both O and U', () => {
  assertRefused(checkDataIn, changed(LAST, 1, '87'), '11.4.1');
});

test('checkDataIn() refuses AHS and the reserved Initiator Task Tag', () => {
  assertRefused(checkDataIn, changed(LAST, 4, '01'), '11.2.1.5');
  assertRefused(checkDataIn, changed(LAST, 16, 'ff ff ff ff'), '11.2.1.8');
});
