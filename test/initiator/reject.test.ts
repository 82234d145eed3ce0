/** What a Reject does to what it is about (RFC 7143 §7.3, §11.17; checklist I-096, I-100 to I-102). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';
import { senseData } from '../support/speaker/data.ts';
import type { Pdu } from '../support/speaker/pdu.ts';

const LATER = 1_000_000;
const TIMEOUT = 8000;
const ENOUGH = new IscsiError('ISCSI_ABORTED', 'Enough');

/** A rig with one read under way that times out after {@link TIMEOUT} milliseconds. */
function started(dataIn = new Uint8Array(16)): { rig: InitiatorRig; read: Submitted; command: Pdu } {
  const rig = InitiatorRig.loggedIn({ firstCmdSN: 500 });
  const read = rig.submit({ dataIn, timeout: TIMEOUT, lun: [0x0003_0000, 0] });
  return { rig, read, command: rig.takeOne(0x01) };
}

test('I-100: a rejected command is aborted, which fills its place in CmdSN', () => {
  for (const reason of [0x02, 0x05, 0x06, 0x07, 0x09]) {
    const { rig, read, command } = started();
    rig.give(rig.voice.reject(reason, command.header));
    const abort = rig.takeOne(0x02);
    assert.deepEqual([abort.flags, abort.word(20), abort.word(32)], [0x81, command.tag, 500]);
    rig.give(rig.voice.taskManagementResponse(abort.tag, 1));
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_REJECT']);
    assert.equal((read.error as { reason?: number } | undefined)?.reason, reason);
    rig.assertAlive();
  }
});

test('I-096: a command rejected because the target waits for a logout ends at once', () => {
  const { rig, read, command } = started();
  rig.give(rig.voice.reject(0x0c, command.header));
  assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_REJECT']);
  assert.deepEqual(rig.take(), []);
});

test('I-101: after a rejected Data-Out the answer to its command is waited for', () => {
  const rig = InitiatorRig.loggedIn({ answers: { InitialR2T: 'Yes', ImmediateData: 'No' } });
  const write = rig.submit({ dataOut: new Uint8Array(512) });
  rig.take();
  rig.give(rig.voice.r2t(write.tag, { length: 512 }));
  const data = rig.takeOne(0x05);
  rig.give(rig.voice.reject(0x02, data.header));
  assert.equal(write.settled, 0);
  assert.deepEqual(rig.take(), []);
  rig.give(rig.voice.scsiResponse(write.tag, { status: 2, sense: senseData(0x0b, 0x47, 0x05) }));
  assert.deepEqual([write.settled, write.error, write.status], [1, undefined, 2]);
});

test('I-102: Reject 0x0b ends the session', () => {
  const { rig, command, read } = started();
  rig.give(rig.voice.reject(0x0b, command.header));
  rig.assertEnded('ISCSI_REJECT');
  assert.equal(read.settled, 1);
});

test('a Reject of a ping, a text or a task management request settles it', () => {
  const rig = InitiatorRig.loggedIn();
  const asked = [
    rig.ask((settle) => rig.session.nop(new Uint8Array(3), LATER, settle)),
    rig.ask((settle) => rig.session.text(new Uint8Array(4), LATER, settle)),
  ];
  for (const pdu of rig.take()) rig.give(rig.voice.reject(0x04, pdu.header));
  assert.ok(asked.every(({ settled, error }) => settled === 1 && error?.code === 'ISCSI_REJECT'));
  rig.assertAlive();
});

test('a Reject of the abort itself loses the connection: the command may still run', () => {
  const { rig, read } = started();
  rig.session.abort(read.task, read.tag, ENOUGH);
  rig.give(rig.voice.reject(0x06, rig.takeOne(0x02).header));
  assert.equal(read.settled, 1);
  assert.equal(rig.ends.length, 1);
});

test('a Reject of an answer to a ping, or for a command that has ended, changes nothing', () => {
  const { rig, read, command } = started();
  rig.give(rig.voice.nopIn({ transferTag: 7 }));
  rig.give(rig.voice.reject(0x09, rig.takeOne(0x00).header));
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(16), { status: 0 }));
  rig.give(rig.voice.reject(0x09, command.header));
  rig.assertAlive();
});

test('a Reject without the header it is about, or about a tag that never was, ends the session', () => {
  for (const header of [new Uint8Array(0), new Uint8Array(47), new Uint8Array(48).fill(0x7f)]) {
    const { rig } = started();
    rig.give(rig.voice.reject(0x04, header));
    rig.assertEnded('ISCSI_PROTOCOL');
  }
});

test('a Reject about a request that was not sent ends the session, and nothing of it goes out', () => {
  for (const reason of [0x09, 0x0c]) {
    const rig = InitiatorRig.loggedIn({ window: 1 });
    rig.submit();
    const waiting = rig.submit();
    const { header } = rig.takeOne(0x01);
    new DataView(header.buffer, header.byteOffset).setUint32(16, waiting.tag);
    rig.give(rig.voice.reject(reason, header));
    assert.deepEqual([waiting.settled, waiting.error?.commandSent], [1, false]);
    rig.assertEnded('ISCSI_PROTOCOL');
  }
});
