import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import {
  checkScsiCommand,
  readScsiCommand,
  scsiCommandAttribute,
  scsiCommandCdbAt,
  scsiCommandExpectedDataTransferLength,
  scsiCommandFinal,
  scsiCommandRead,
  scsiCommandWrite,
  writeScsiCommand,
} from '../../src/pdu/scsi-command.ts';
import { scsiCommand } from '../fixtures/scsi-command.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(scsiCommand, { name: 'ScsiCommand', read: readScsiCommand, write: writeScsiCommand });

const [BIDIRECTIONAL, READ_10, LONG] = scsiCommand.examples.map(({ bytes }) => bytes) as [string, string, string];

test('checkScsiCommand() takes reads, writes, commands without data and both directions at once', () => {
  assertTaken(checkScsiCommand, BIDIRECTIONAL);
  assertTaken(checkScsiCommand, READ_10);
  assertTaken(checkScsiCommand, LONG);
  assertTaken(checkScsiCommand, changed(READ_10, 1, 'a0')); // F W
  assertTaken(checkScsiCommand, changed(READ_10, 1, '20')); // W, unsolicited data follows
  assertTaken(checkScsiCommand, changed(changed(READ_10, 1, '80'), 20, '00 00 00 00')); // F alone
  assertTaken(checkScsiCommand, changed(changed(READ_10, 1, 'a4'), 5, '00 04 00')); // F W ACA, all data immediate
});

test('checkScsiCommand() refuses the reserved Initiator Task Tag', () => {
  assertRefused(checkScsiCommand, changed(READ_10, 16, 'ff ff ff ff'), '11.2.1.8');
});

test('checkScsiCommand() refuses a command with neither F nor W', () => {
  assertRefused(checkScsiCommand, changed(READ_10, 1, '40'), '11.3.1');
});

test('checkScsiCommand() refuses the reserved attributes 5 to 7', () => {
  for (const flags of ['c5', 'c6', 'c7']) assertRefused(checkScsiCommand, changed(READ_10, 1, flags), '11.3.1');
});

test('checkScsiCommand() refuses a length without a direction', () => {
  assertRefused(checkScsiCommand, changed(READ_10, 1, '80'), '11.3.1');
});

test('checkScsiCommand() refuses F=0 when the immediate data is all there is', () => {
  assertRefused(checkScsiCommand, changed(changed(READ_10, 1, '20'), 5, '00 04 00'), '11.3.4');
});

test('checkScsiCommand() refuses both directions without a bidirectional read length', () => {
  assertRefused(checkScsiCommand, changed(READ_10, 1, 'e0'), '11.3.4');
});

test('the accessors of SCSI Command read what readScsiCommand() reads', () => {
  for (const { bytes, pdu } of scsiCommand.examples) {
    const header = viewOf(hex(bytes));
    assert.equal(scsiCommandFinal(header, 0), pdu.final);
    assert.equal(scsiCommandRead(header, 0), pdu.read);
    assert.equal(scsiCommandWrite(header, 0), pdu.write);
    assert.equal(scsiCommandAttribute(header, 0), pdu.attribute);
    assert.equal(scsiCommandExpectedDataTransferLength(header, 0), pdu.expectedDataTransferLength);
    assert.equal(header.getUint32(scsiCommandCdbAt(0)), pdu.cdb.getUint32(0));
  }
});

test('readScsiCommand() copies the CDB, which outlives the view', () => {
  const bytes = hex(READ_10);
  const { cdb } = readScsiCommand(viewOf(bytes), 0);
  bytes.fill(0);
  assert.equal(cdb.getUint8(0), 0x28);
});

test('writeScsiCommand() takes the first 16 bytes of a longer CDB, wherever its view begins', () => {
  const cdb = new DataView(hex('ee ee 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11').buffer, 2);
  const written = new Uint8Array(48);
  writeScsiCommand(viewOf(written), 0, { ...scsiCommand.examples[0].pdu, cdb });
  assert.equal(toHex(written.subarray(32)), '000102030405060708090a0b0c0d0e0f');
});
