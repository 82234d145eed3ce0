import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, viewOf } from '../../src/bytes/hex.ts';
import {
  checkScsiResponse,
  readScsiResponse,
  scsiResponseBidirectionalOverflow,
  scsiResponseBidirectionalReadResidualCount,
  scsiResponseBidirectionalUnderflow,
  scsiResponseExpDataSN,
  scsiResponseOverflow,
  scsiResponseResidualCount,
  scsiResponseResponse,
  scsiResponseSnackTag,
  scsiResponseStatus,
  scsiResponseUnderflow,
  writeScsiResponse,
} from '../../src/pdu/scsi-response.ts';
import { scsiResponse } from '../fixtures/scsi-response.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(scsiResponse, { name: 'ScsiResponse', read: readScsiResponse, write: writeScsiResponse });

const [VENDOR, RESIDUALS, CHECK_CONDITION] = scsiResponse.examples.map(({ bytes }) => bytes) as [
  string,
  string,
  string,
];

test('the accessors of SCSI Response read what readScsiResponse() reads', () => {
  for (const { bytes, pdu } of scsiResponse.examples) {
    const header = viewOf(hex(bytes));
    assert.equal(scsiResponseResponse(header, 0), pdu.response);
    assert.equal(scsiResponseStatus(header, 0), pdu.status);
    assert.equal(scsiResponseOverflow(header, 0), pdu.overflow);
    assert.equal(scsiResponseUnderflow(header, 0), pdu.underflow);
    assert.equal(scsiResponseBidirectionalOverflow(header, 0), pdu.bidirectionalOverflow);
    assert.equal(scsiResponseBidirectionalUnderflow(header, 0), pdu.bidirectionalUnderflow);
    assert.equal(scsiResponseSnackTag(header, 0), pdu.snackTag);
    assert.equal(scsiResponseExpDataSN(header, 0), pdu.expDataSN);
    assert.equal(scsiResponseResidualCount(header, 0), pdu.residualCount);
    assert.equal(scsiResponseBidirectionalReadResidualCount(header, 0), pdu.bidirectionalReadResidualCount);
  }
});

test('checkScsiResponse() takes statuses, target failure and vendor responses', () => {
  for (const bytes of [VENDOR, RESIDUALS, CHECK_CONDITION]) assertTaken(checkScsiResponse, bytes);
  assertTaken(checkScsiResponse, changed(RESIDUALS, 2, '01'));
  assertTaken(checkScsiResponse, changed(RESIDUALS, 2, 'ff'));
});

test('checkScsiResponse() takes the reserved responses 0x02 to 0x7f: like target failure, they say that the command failed', () => {
  for (const response of ['02', '7f']) assertTaken(checkScsiResponse, changed(RESIDUALS, 2, response));
});

test('checkScsiResponse() refuses O with U and o with u', () => {
  assertRefused(checkScsiResponse, changed(RESIDUALS, 1, '86'), '11.4.1');
  assertRefused(checkScsiResponse, changed(RESIDUALS, 1, '98'), '11.4.1');
});

test('checkScsiResponse() ignores the flags of a response other than "completed at target"', () => {
  assertTaken(checkScsiResponse, changed(RESIDUALS, 1, '9e 01'));
});

test('checkScsiResponse() refuses AHS, the reserved tag, and a data segment too short for SenseLength', () => {
  assertRefused(checkScsiResponse, changed(RESIDUALS, 4, '01'), '11.2.1.5');
  assertRefused(checkScsiResponse, changed(RESIDUALS, 16, 'ff ff ff ff'), '11.2.1.8');
  assertRefused(checkScsiResponse, changed(RESIDUALS, 7, '01'), '11.4.7');
});
