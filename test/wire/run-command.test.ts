import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { ExpectationError } from '../../src/wire/expectation.ts';
import { WireInitiator } from '../../src/wire/initiator.ts';
import { runCommand } from '../../src/wire/run-command.ts';
import { TargetVoice } from '../support/speaker/target-voice.ts';
import { pair } from './pair.ts';

const CDB = hex('28 00 00 00 00 00 00 00 01 00');

test('a read collects its Data-In until the status, which may come in the last of them or behind them', async (t) => {
  for (const together of [true, false]) {
    const { initiator, target } = await pair(t);
    const executing = runCommand(initiator, { cdb: CDB, readLength: 10, lun: 2 });
    const command = await target.expect('SCSI_COMMAND');
    const { read, write, expectedDataTransferLength, lunHigh } = command.read('SCSI_COMMAND');
    assert.deepEqual([read, write, expectedDataTransferLength, lunHigh], [true, false, 10, 0x0002_0000]);
    const residual = { underflow: true, residualCount: 4 };
    target.dataIn(command, { data: hex('01 02 03 04'), final: false });
    target.dataIn(command, {
      data: hex('05 06'),
      dataSN: 1,
      bufferOffset: 4,
      ...(together ? { hasStatus: true, ...residual } : {}),
    });
    if (!together) target.scsiResponse(command, residual);
    const outcome = await executing;
    assert.deepEqual([toHex(outcome.data), outcome.status, outcome.residual], ['010203040506', 0, -4]);
    assert.equal(outcome.dataIns.length, 2);
    assert.equal(outcome.end.is(together ? 'DATA_IN' : 'SCSI_RESPONSE'), true);
  }
});

test('a write sends what each R2T asks for, in segments as long as the target takes them', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.parameters = { ...initiator.parameters, targetMaxRecvDataSegmentLength: 4 };
  const executing = runCommand(initiator, { cdb: CDB, dataOut: hex('00 01 02 03 04 05 06 07 08 09') });
  const command = await target.expect('SCSI_COMMAND');
  assert.deepEqual([command.data.length, command.byte(1)], [0, 0xa1]);
  target.r2t(command, { bufferOffset: 3, desiredDataTransferLength: 5, targetTransferTag: 0x99 });
  const pieces = [await target.expect('DATA_OUT'), await target.expect('DATA_OUT')];
  assert.deepEqual(
    pieces.map((pdu) => {
      const { final, dataSN, bufferOffset, targetTransferTag } = pdu.read('DATA_OUT');
      return [final, dataSN, bufferOffset, targetTransferTag, toHex(pdu.data)];
    }),
    [
      [false, 0, 3, 0x99, '03040506'],
      [true, 1, 7, 0x99, '07'],
    ],
  );
  target.r2t(command, { bufferOffset: 10, desiredDataTransferLength: 5, r2tSN: 1 });
  target.scsiResponse(command, { status: 2, sense: hex('70 00 05'), overflow: true, residualCount: 5 });
  const { status, sense, residual, r2ts } = await executing;
  assert.deepEqual([status, toHex(sense), residual, r2ts.length], [2, '700005', 5, 2]);
  await target.nothing(40); // nobody has the five bytes that the second R2T asks for
});

test('PDUs of other tasks wait while a command is executed', async (t) => {
  const { initiator, target } = await pair(t);
  const ping = initiator.nop();
  const executing = runCommand(initiator, { cdb: CDB });
  target.pong(await target.expect('NOP_OUT'));
  target.scsiResponse(await target.expect('SCSI_COMMAND'), { response: 1 });
  assert.equal((await executing).status, undefined, 'not completed at the target');
  await initiator.expect({ opcode: 'NOP_IN', initiatorTaskTag: ping.initiatorTaskTag });
});

test('a Reject of the command ends it at once, one of another PDU does not', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.nop();
  const executing = runCommand(initiator, { cdb: CDB });
  target.reject(await target.expect('NOP_OUT'), { reason: 4 });
  target.reject(await target.expect('SCSI_COMMAND'), { reason: 9 });
  await assert.rejects(executing, (error) => {
    assert.ok(error instanceof ExpectationError && error.observation.saw === 'pdu');
    assert.equal(error.observation.pdu.read('REJECT').reason, 9);
    return true;
  });
});

test('a target that answers every PDU by one more is left at the deadline', async (t) => {
  let goOn = (): void => undefined;
  const { initiator, target } = await pair(t, { initiator: { onArrival: () => setImmediate(() => goOn()) } });
  const executing = runCommand(initiator, { cdb: CDB, readLength: 1 }, { within: 60 });
  const command = await target.expect('SCSI_COMMAND');
  goOn = () => {
    if (target.end === undefined) target.dataIn(command);
  };
  goOn();
  await assert.rejects(executing, (error) => error instanceof ExpectationError && error.code === 'ISCSI_TIMEOUT');
});

test('a target that asks for data again and again and reads none of it does not fill our memory', async (t) => {
  const voice = new TargetVoice();
  const dataOut = new Uint8Array(4 * 1024 * 1024);
  const asked = 50;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    t.after(() => socket.destroy());
    for (let r2tSN = 0; r2tSN < asked; r2tSN++) socket.write(voice.r2t(1, { r2tSN, length: dataOut.length }));
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const initiator = await WireInitiator.connect({ host: '127.0.0.1', port });
  t.after(() => initiator.close());
  initiator.numbers.initiatorTaskTag = 1;
  const executing = runCommand(initiator, { cdb: CDB, dataOut }, { within: 300 });
  await assert.rejects(executing, (error) => error instanceof ExpectationError && error.code === 'ISCSI_TIMEOUT');
  assert.ok(initiator.unflushed < 3 * dataOut.length, `${initiator.unflushed} bytes wait`);
});
