/** What a read takes (RFC 7143 §11.7, §11.4.5, §7.9; checklist I-068 to I-073). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { senseData, senseSegment } from '../support/speaker/data.ts';
import { NIL } from '../support/speaker/pdu.ts';
import type { DataInFields, ScsiResponseFields } from '../support/speaker/target-voice.ts';

const EMPTY = new Uint8Array(0);
const CHECK_CONDITION = 2;

/** A rig with one read of `length` bytes under way, in the middle of a larger buffer. */
function reading(length: number) {
  const rig = InitiatorRig.loggedIn();
  const buffer = new Uint8Array(length + 32).fill(0x11);
  const read = rig.submit({ dataIn: buffer.subarray(16, 16 + length) });
  rig.take();
  const give = (bytes: number, fields: DataInFields = {}): void =>
    rig.give(rig.voice.dataIn(read.tag, new Uint8Array(bytes).fill(0xd0 + (fields.dataSN ?? 0)), fields));
  const respond = (fields: ScsiResponseFields = {}): void => rig.give(rig.voice.scsiResponse(read.tag, fields));
  return { rig, read, give, respond, buffer };
}

test('I-068: status comes with the last Data-In, or in a SCSI Response', () => {
  for (const inData of [true, false]) {
    const { rig, read, give, respond, buffer } = reading(8);
    give(4);
    give(4, { offset: 4, dataSN: 1, ...(inData ? { status: 0 } : {}) });
    assert.equal(read.settled, inData ? 1 : 0);
    if (!inData) respond({ expDataSN: 2 });
    assert.deepEqual([read.settled, read.error, read.status, read.received], [1, undefined, 0, 8]);
    assert.equal(toHex(buffer.subarray(12, 28)), '11111111d0d0d0d0d1d1d1d111111111', 'nothing beside the buffer');
    rig.assertAlive();
  }
});

test('I-069: status, residual and StatSN of a Data-In without S mean nothing', () => {
  const { rig, read, give, respond } = reading(8);
  give(8, { byte3: 0x02, statSN: 0xdead_beef, word44: 77, flags: 0x86 }); // F, O, U
  assert.equal(read.settled, 0);
  respond({ expDataSN: 1 });
  assert.deepEqual([read.error, read.status, read.residual], [undefined, 0, 'none']);
  rig.assertAlive();
});

test('I-070, D-10: a response other than "completed at target" is an error, whatever the status says', () => {
  for (const response of [0x01, 0x02, 0x80, 0xff]) {
    const { rig, read, respond } = reading(8);
    respond({ response, status: 0, residual: 0x06, residualCount: 8 });
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_TARGET_FAILURE']);
    rig.assertAlive();
  }
});

test('I-071: residuals are told with their kind; a count without a flag is not one', () => {
  for (const [residual, residualCount, bytes, kind, count] of [
    [0x02, 3, 5, 'underflow', 3],
    [0x02, 8, 0, 'underflow', 8],
    [0x04, 100, 8, 'overflow', 100],
    [0x00, 100, 8, 'none', 0],
  ] as const) {
    for (const inData of [false, true]) {
      const { read, give, respond } = reading(8);
      if (inData) give(bytes, { status: 0, flags: 0x81 | residual, word44: residualCount });
      else {
        if (bytes > 0) give(bytes);
        respond({ residual, residualCount, expDataSN: bytes > 0 ? 1 : 0 });
      }
      assert.deepEqual([read.error, read.residual, read.residualCount], [undefined, kind, count]);
      assert.equal(read.received, bytes);
    }
  }
});

test('I-071: a residual that is overflow and underflow at once ends the session', () => {
  const { rig, give, respond } = reading(8);
  give(8);
  respond({ residual: 0x06, residualCount: 1, expDataSN: 1 });
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('D-19: GOOD with bytes missing, or with a residual that does not explain them, is an error', () => {
  for (const [bytes, fields] of [
    [4, { expDataSN: 1 }],
    [0, {}],
    [4, { expDataSN: 1, residual: 0x02, residualCount: 3 }],
    [8, { expDataSN: 1, residual: 0x02, residualCount: 3 }],
    [4, { expDataSN: 1, residual: 0x04, residualCount: 4 }],
  ] as const) {
    const { rig, read, give, respond } = reading(8);
    if (bytes > 0) give(bytes);
    respond(fields);
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_PROTOCOL']);
    rig.assertAlive();
  }
});

test('data that says itself how long it is counts as it came, whatever residual the target names', () => {
  for (const operation of [0x12, 0xa0, 0x1a, 0x5a, 0xa3]) {
    for (const fields of [{}, { residual: 0x02, residualCount: 7 }, { residual: 0x04, residualCount: 7 }]) {
      for (const bytes of [0, 36, 255]) {
        const rig = InitiatorRig.loggedIn();
        const cdb = Uint8Array.of(operation, 0, 0, 0, 255, 0);
        const inquiry = rig.submit({ cdb, dataIn: new Uint8Array(255) });
        rig.take();
        if (bytes > 0) rig.give(rig.voice.dataIn(inquiry.tag, new Uint8Array(bytes)));
        rig.give(rig.voice.scsiResponse(inquiry.tag, { ...fields, expDataSN: bytes > 0 ? 1 : 0 }));
        assert.deepEqual([inquiry.settled, inquiry.error, inquiry.received], [1, undefined, bytes]);
        if (bytes < 255) assert.deepEqual([inquiry.residual, inquiry.residualCount], ['underflow', 255 - bytes]);
      }
    }
  }
});

test('there is no such patience with what was stored, nor with any other command', () => {
  for (const operation of [0x08, 0x28, 0x88, 0xa8, 0x9e, 0x25, 0x3c, 0xc0]) {
    const rig = InitiatorRig.loggedIn();
    const read = rig.submit({ cdb: Uint8Array.of(operation, 0, 0, 0, 1, 0), dataIn: new Uint8Array(512) });
    rig.take();
    rig.give(rig.voice.dataIn(read.tag, new Uint8Array(36), { status: 0 }));
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_PROTOCOL']);
    rig.assertAlive();
  }
});

test('bytes that are missing with CHECK CONDITION are no news', () => {
  const { read, give, respond } = reading(8);
  give(4);
  respond({ status: CHECK_CONDITION, sense: senseData(3, 0x11, 0), expDataSN: 1 });
  assert.deepEqual([read.error, read.status, read.received], [undefined, CHECK_CONDITION, 4]);
  assert.equal(read.sense?.length, 18);
});

test('I-072, D-19: a Data-In that is missing in the middle is found out by offset, DataSN or ExpDataSN', () => {
  const byOffset = reading(12);
  byOffset.give(4);
  byOffset.give(4, { offset: 8, dataSN: 2 });
  byOffset.rig.assertEnded('ISCSI_PROTOCOL');

  const byNumber = reading(8);
  byNumber.give(4, { dataSN: 1 });
  byNumber.rig.assertEnded('ISCSI_PROTOCOL');

  const byCount = reading(8);
  byCount.give(8);
  byCount.respond({ expDataSN: 2 });
  assert.deepEqual([byCount.read.settled, byCount.read.error?.code], [1, 'ISCSI_PROTOCOL']);
  byCount.rig.assertAlive();
});

test('I-112: a Data-In that comes twice ends the session: at error recovery level 0 nothing is sent again', () => {
  for (const [first, second] of [
    [4, { dataSN: 0, offset: 0 }],
    [4, { dataSN: 0, offset: 4 }],
    [0, { dataSN: 0, offset: 0 }],
  ] as const) {
    const { rig, read, give } = reading(8);
    give(first);
    give(first, second);
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_PROTOCOL']);
  }
});

test('D-19, D-21: a Data-In beyond the buffer, or over bytes that came before, ends the session without touching anything', () => {
  for (const [bytes, fields] of [
    [9, {}],
    [4, { offset: 8, dataSN: 1 }],
    [4, { offset: 0xffff_fffc, dataSN: 1 }],
    [4, { offset: 2, dataSN: 1 }],
    [4, { offset: 0, dataSN: 1 }],
  ] as const) {
    const { rig, read, give, buffer } = reading(8);
    if (bytes !== 9) give(4);
    const before = toHex(buffer);
    give(bytes, fields);
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.equal(toHex(buffer), before);
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_PROTOCOL']);
  }
});

test('Data-In for a write, or for a ping, ends the session', () => {
  const write = InitiatorRig.loggedIn();
  const command = write.submit({ dataOut: new Uint8Array(8) });
  write.take();
  write.give(write.voice.dataIn(command.tag, new Uint8Array(8)));
  write.assertEnded('ISCSI_PROTOCOL');

  const ping = InitiatorRig.loggedIn();
  ping.ask((settle) => ping.session.nop(EMPTY, 1e9, settle));
  ping.give(ping.voice.dataIn(ping.takeOne(0x00).tag, new Uint8Array(8)));
  ping.assertEnded('ISCSI_PROTOCOL');
});

test('I-073: data may come in several sequences, each with F', () => {
  const { read, give, respond, buffer } = reading(16);
  for (const [dataSN, flags] of [0x00, 0x80, 0x00, 0x80].entries()) give(4, { offset: 4 * dataSN, dataSN, flags });
  respond({ expDataSN: 4 });
  assert.deepEqual([read.error, read.received], [undefined, 16]);
  assert.equal(toHex(buffer.subarray(16, 32)), 'd0d0d0d0d1d1d1d1d2d2d2d2d3d3d3d3');
});

test('a Data-In with status but without F ends the session', () => {
  const { rig, give } = reading(8);
  give(8, { status: 0, flags: 0x01 });
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('I-109: A in a Data-In is ignored at error recovery level 0', () => {
  const { rig, read, give, respond } = reading(8);
  give(8, { flags: 0xc0, transferTag: 5 });
  assert.deepEqual(rig.take(), []);
  respond({ expDataSN: 1 });
  assert.equal(read.error, undefined);
});

test('D-20: sense data whose length lies ends the session instead of reading beyond it', () => {
  for (const data of [
    Uint8Array.of(0),
    Uint8Array.of(0, 19, ...senseData(5, 0x20, 0)),
    Uint8Array.of(0xff, 0xff, 0x70),
  ]) {
    const { rig, read, respond } = reading(8);
    respond({ status: CHECK_CONDITION, data });
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.equal(read.settled, 1);
  }
});

test('sense data is told without its length and without what follows it', () => {
  const { read, respond } = reading(8);
  const sense = senseData(6, 0x29, 1);
  respond({ status: CHECK_CONDITION, data: Uint8Array.of(...senseSegment(sense), 9, 9, 9), pad: 0xff });
  assert.deepEqual(read.sense, sense);
});

test('a data segment above what was declared ends the session before any of it is stored', () => {
  const rig = InitiatorRig.loggedIn({ policy: { maxRecvDataSegmentLength: 512 } });
  const buffer = new Uint8Array(1024).fill(0x11);
  const read = rig.submit({ dataIn: buffer });
  rig.take();
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(516)));
  rig.assertEnded('ISCSI_PROTOCOL');
  assert.ok(buffer.every((byte) => byte === 0x11));
});

test('an answer for a tag that no task ever had ends the session', () => {
  for (const tag of [0, 1, 0x7fff_ffff, NIL]) {
    const rig = InitiatorRig.loggedIn();
    rig.give(rig.voice.scsiResponse(tag === 0 ? 0x0001_0001 : tag));
    rig.assertEnded('ISCSI_PROTOCOL');
  }
});

test('an answer for a command that still waits for the window ends the session', () => {
  const rig = InitiatorRig.loggedIn({ window: 0 });
  const waiting = rig.submit({ dataIn: new Uint8Array(8) });
  rig.give(rig.voice.scsiResponse(waiting.tag));
  rig.assertEnded('ISCSI_PROTOCOL');
  assert.equal(waiting.settled, 1);
});

test('an answer of the wrong kind for a tag ends the session', () => {
  const kinds: readonly [string, (rig: InitiatorRig, tag: number) => Uint8Array][] = [
    ['a NOP-In', (rig, tag) => rig.voice.pong(tag)],
    ['a Text Response', (rig, tag) => rig.voice.textResponse(tag, EMPTY)],
    ['a Task Management Function Response', (rig, tag) => rig.voice.taskManagementResponse(tag)],
    ['a Logout Response', (rig, tag) => rig.voice.logoutResponse(tag)],
  ];
  for (const [, build] of kinds) {
    const rig = InitiatorRig.loggedIn();
    const command = rig.submit();
    rig.take();
    rig.give(build(rig, command.tag));
    rig.assertEnded('ISCSI_PROTOCOL');
  }
});

test('I-105: a connection that ends fails every command, those that were not sent included', () => {
  const rig = InitiatorRig.loggedIn({ window: 2 });
  const commands = Array.from({ length: 5 }, () => rig.submit({ dataIn: new Uint8Array(8) }));
  const ping = rig.ask((settle) => rig.session.nop(EMPTY, 1e9, settle));
  rig.take();
  rig.give(rig.voice.dataIn(commands[0]?.tag ?? 0, new Uint8Array(4)).subarray(0, 50)); // in the middle of a PDU
  rig.connection.ended(new Error('read ECONNRESET'));
  rig.assertEnded('ISCSI_CONNECTION_LOST');
  assert.ok(commands.every(({ settled, error }) => settled === 1 && error?.code === 'ISCSI_CONNECTION_LOST'));
  assert.deepEqual([ping.settled, ping.error?.code], [1, 'ISCSI_CONNECTION_LOST']);
  rig.connection.ended();
  rig.give(rig.voice.scsiResponse(commands[0]?.tag ?? 0));
  rig.advance(1e6);
  assert.ok(commands.every(({ settled }) => settled === 1));
  assert.equal(rig.ends.length, 1);
});
