import assert from 'node:assert/strict';
import test from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { IscsiError } from '../../src/errors.ts';
import { parseSense } from '../../src/scsi/sense.ts';
import { ScsiStatusError, scsiStatusError } from '../../src/scsi/status-error.ts';

const READ_10 = hex('28 00 00 00 00 08 00 00 01 00');

function failed(sense: string): ScsiStatusError {
  return scsiStatusError(READ_10, { status: 0x02, sense: parseSense(hex(sense)) });
}

test('scsiStatusError() names the command, the status and what the device said', () => {
  const error = failed('f0 00 03 00 00 00 07 0a 00000000 11 00 00 00 00 00');
  assert.ok(error instanceof ScsiStatusError && error instanceof IscsiError);
  assert.equal(error.name, 'ScsiStatusError');
  assert.equal(error.code, 'ISCSI_SCSI_STATUS');
  assert.equal(error.message, 'READ(10) ended with CHECK CONDITION: MEDIUM ERROR, unrecovered read error (03/11/00)');
  assert.deepEqual([error.status, error.statusName, error.command], [2, 'CHECK_CONDITION', 'READ_10']);
  assert.equal(error.sense?.information, 7);
  assert.equal(error.hint, 'the medium is damaged at block 7');
});

test('ScsiStatusError says what a status without sense data means', () => {
  const ended = (status: number) => new ScsiStatusError('WRITE_16', { status });
  assert.equal(ended(0x18).message, 'WRITE(16) ended with RESERVATION CONFLICT');
  assert.equal(ended(0x18).hint, 'another initiator holds a reservation on the logical unit');
  assert.equal(ended(0x08).hint, ended(0x28).hint);
  assert.match(ended(0x08).hint ?? '', /busy/);
  assert.match(ended(0x30).hint ?? '', /CLEAR ACA/);
  assert.match(ended(0x40).hint ?? '', /aborted/);
  assert.equal(ended(0x02).hint, undefined);
  assert.deepEqual([ended(0x99).message, ended(0x99).statusName], ['WRITE(16) ended with status 99h', undefined]);
});

test('ScsiStatusError has a hint for the common causes', () => {
  const hint = (key: string, codes: string) => failed(`70 00 ${key} 00000000 0a 00000000 ${codes}`).hint;
  assert.equal(hint('02', '04 01'), 'the logical unit is becoming ready: try again in some seconds');
  assert.equal(hint('02', '3a 01'), 'there is no medium in the drive');
  assert.equal(hint('02', '04 02'), 'the logical unit is not ready');
  assert.equal(hint('04', '44 00'), 'the device is faulty');
  assert.match(hint('06', '29 00') ?? '', /repeat the command/);
  assert.equal(hint('07', '27 00'), 'the logical unit is write protected');
  assert.equal(hint('07', '27 07'), 'the storage behind the logical unit is full');
  assert.equal(hint('05', '20 00'), 'the logical unit does not support this command');
  assert.equal(hint('05', '21 00'), 'the address is behind the end of the logical unit');
  assert.equal(hint('05', '25 00'), 'the target has no such logical unit');
  assert.equal(hint('05', '24 00'), undefined);
  assert.equal(hint('0e', '1d 00'), 'the data on the medium is not what was expected');
  assert.equal(hint('0b', '00 00'), undefined);
});

test('ScsiStatusError keeps the cause', () => {
  const cause = new Error('first');
  assert.equal(new ScsiStatusError('READ_10', { status: 8 }, { cause }).cause, cause);
});
