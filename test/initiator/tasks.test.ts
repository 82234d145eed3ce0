/** Deadlines, aborts, task management (RFC 7143 §4.2.3, §7.11; checklist I-084 to I-091). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';
import { senseData } from '../support/speaker/data.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';

const LATER = 1_000_000;
const TIMEOUT = 8000;
const ABORT_BEGINS = 6000;
const ENOUGH = new IscsiError('ISCSI_ABORTED', 'Enough');

/** A rig with one read under way that times out after {@link TIMEOUT} milliseconds. */
function started(dataIn = new Uint8Array(16)): { rig: InitiatorRig; read: Submitted; command: Pdu } {
  const rig = InitiatorRig.loggedIn({ firstCmdSN: 500 });
  const read = rig.submit({ dataIn, timeout: TIMEOUT, lun: [0x0003_0000, 0] });
  return { rig, read, command: rig.takeOne(0x01) };
}

test('I-085, I-091, D-18, D-22: a command without an answer is aborted in time, and settles when the abort is answered', () => {
  for (const response of [0, 1]) {
    const { rig, read, command } = started();
    rig.advance(ABORT_BEGINS - 1);
    assert.deepEqual(rig.take(), []);
    rig.advance(1);
    const abort = rig.takeOne(0x02);
    assert.equal(abort.flags, 0x81);
    assert.equal(abort.immediate, true);
    assert.deepEqual([abort.word(8), abort.word(12)], [0x0003_0000, 0], 'LUN of the command');
    assert.equal(abort.word(20), command.tag, 'Referenced Task Tag');
    assert.equal(abort.word(24), 501, 'CmdSN carried');
    assert.equal(abort.word(32), 500, 'RefCmdSN');
    assert.equal(read.settled, 0);
    rig.give(rig.voice.taskManagementResponse(abort.tag, response));
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_TIMEOUT']);
    rig.assertAlive();
  }
});

test('an answer that comes while the abort is under way counts', () => {
  const { rig, read } = started();
  rig.advance(ABORT_BEGINS);
  const abort = rig.takeOne(0x02);
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(16), { status: 0 }));
  assert.deepEqual([read.settled, read.error, read.status], [1, undefined, 0]);
  rig.give(rig.voice.taskManagementResponse(abort.tag, 1));
  assert.equal(read.settled, 1);
  rig.assertAlive();
});

test('TASK ABORTED as the answer to an abort is what the abort was for', () => {
  const { rig, read } = started();
  rig.session.abort(read.task, read.tag, ENOUGH);
  rig.take();
  rig.give(rig.voice.scsiResponse(read.tag, { status: 0x40 }));
  assert.equal(read.error, ENOUGH);
});

test('a target that does not answer the abort loses the connection, at the deadline', () => {
  const { rig, read } = started();
  const other = rig.submit({ dataIn: new Uint8Array(4) });
  const at = rig.now;
  rig.advance(TIMEOUT - 1);
  assert.equal(read.settled, 0);
  rig.take();
  rig.advance(1);
  assert.deepEqual([read.settled, read.error?.code, read.settledAt], [1, 'ISCSI_TIMEOUT', at + TIMEOUT]);
  rig.assertEnded('ISCSI_TIMEOUT');
  assert.deepEqual([other.settled, other.error?.code], [1, 'ISCSI_TIMEOUT']);
});

test('a target that refuses the abort loses the connection: the command may still run', () => {
  for (const response of [2, 5, 6, 255]) {
    const { rig, read } = started();
    rig.session.abort(read.task, read.tag, ENOUGH);
    rig.give(rig.voice.taskManagementResponse(rig.takeOne(0x02).tag, response));
    rig.assertEnded('ISCSI_CONNECTION_LOST');
    assert.deepEqual([read.settled, read.error], [1, ENOUGH]);
  }
});

test('I-090, D-18: whatever comes late for an aborted command is dropped, and touches nothing', () => {
  const buffer = new Uint8Array(16).fill(0x11);
  const { rig, read } = started(buffer);
  rig.session.abort(read.task, read.tag, ENOUGH);
  rig.give(rig.voice.taskManagementResponse(rig.takeOne(0x02).tag));
  assert.deepEqual([read.settled, read.error], [1, ENOUGH]);
  const next = rig.submit({ dataIn: new Uint8Array(16) }); // has the same task object
  rig.take();
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(16).fill(0xdd)));
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(4), { offset: 0xff00, dataSN: 1 }));
  rig.give(rig.voice.r2t(read.tag, { length: 512 }));
  rig.give(rig.voice.scsiResponse(read.tag, { status: 2, sense: senseData(4, 0, 0) }));
  assert.deepEqual(rig.ends, []);
  assert.ok(buffer.every((byte) => byte === 0x11));
  assert.deepEqual([read.settled, next.settled], [1, 0]);
  assert.deepEqual(rig.take(), []);
  rig.give(rig.voice.dataIn(next.tag, new Uint8Array(16), { status: 0 }));
  assert.deepEqual([next.settled, next.error], [1, undefined]);
});

test('D-18: a late answer that comes byte by byte is dropped too', () => {
  const { rig, read } = started();
  rig.session.abort(read.task, read.tag, ENOUGH);
  rig.give(rig.voice.taskManagementResponse(rig.takeOne(0x02).tag));
  rig.trickle(rig.voice.dataIn(read.tag, new Uint8Array(13).fill(0xdd), { pad: 0xee }));
  rig.assertAlive();
});

test('an abort that comes after the answer, or for a task object that serves another command, does nothing', () => {
  const { rig, read } = started();
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(16), { status: 0 }));
  rig.session.abort(read.task, read.tag, ENOUGH);
  const next = rig.submit();
  assert.equal(next.task, read.task, 'the task object is used again');
  rig.session.abort(read.task, read.tag, ENOUGH);
  assert.deepEqual(
    rig.take().map(({ opcode }) => opcode),
    [0x01],
  );
  rig.give(rig.voice.scsiResponse(next.tag));
  assert.equal(next.error, undefined);
});

test('D-08: many commands that time out at once are aborted one after the other, and each settles once', () => {
  const rig = InitiatorRig.loggedIn({ window: 100 });
  const reads = Array.from({ length: 20 }, () => rig.submit({ dataIn: new Uint8Array(4), timeout: TIMEOUT }));
  rig.take();
  rig.advance(ABORT_BEGINS);
  for (const read of reads) {
    const abort = rig.takeOne(0x02); // a target need not take more than one immediate request at a time
    assert.equal(abort.word(20), read.tag);
    rig.give(rig.voice.taskManagementResponse(abort.tag));
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_TIMEOUT']);
  }
  assert.deepEqual(rig.take(), []);
  rig.assertAlive();
});

test('aborts that wait for their turn have as much time as the first: a slow target keeps its session', () => {
  const rig = InitiatorRig.loggedIn({ window: 100 });
  const reads = Array.from({ length: 50 }, () => rig.submit({ dataIn: new Uint8Array(4), timeout: 60_000 }));
  rig.take();
  for (const { task, tag } of reads) rig.session.abort(task, tag, ENOUGH);
  for (const read of reads) {
    rig.advance(200); // 10 s in all
    rig.give(rig.voice.taskManagementResponse(rig.takeOne(0x02).tag));
    assert.deepEqual([read.settled, read.error], [1, ENOUGH]);
  }
  rig.assertAlive();
});

test('an abort asked for by the caller that the target does not answer loses the connection after a while', () => {
  const rig = InitiatorRig.loggedIn();
  const read = rig.submit({ dataIn: new Uint8Array(4) }); // no timeout of its own
  rig.take();
  rig.session.abort(read.task, read.tag, ENOUGH);
  rig.advance(4999);
  assert.equal(read.settled, 0);
  rig.take();
  rig.advance(1);
  rig.assertEnded('ISCSI_TIMEOUT');
  assert.deepEqual([read.settled, read.error], [1, ENOUGH]);
});

test('a process that stood still over a deadline reads what came and keeps its session', () => {
  const { rig, read } = started();
  rig.now += 60_000; // no tick, no read
  rig.connection.tick(rig.now);
  assert.deepEqual(rig.ends, []);
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(16), { status: 0 }));
  assert.deepEqual([read.settled, read.error], [1, undefined]);
  const abort = rig.takeOne(0x02);
  rig.give(rig.voice.taskManagementResponse(abort.tag, 1));
  rig.assertAlive();
});

test('a process that stood still while an abort or a ping was under way keeps its session too, if the answers are there', () => {
  const { rig, read } = started();
  const ping = rig.ask((settle) => rig.session.nop(new Uint8Array(0), rig.now + TIMEOUT, settle));
  rig.session.abort(read.task, read.tag, ENOUGH);
  const [nop, abort] = rig.take();
  rig.now += 60_000;
  rig.connection.tick(rig.now);
  assert.deepEqual(rig.ends, []);
  rig.give(rig.voice.pong(nop?.tag ?? 0), rig.voice.taskManagementResponse(abort?.tag ?? 0));
  assert.deepEqual([read.settled, read.error, ping.settled, ping.error], [1, ENOUGH, 1, undefined]);
  rig.assertAlive();
});

test('a process that stood still, and finds no answers, drops the session soon after', () => {
  const { rig, read } = started();
  rig.session.abort(read.task, read.tag, ENOUGH);
  rig.take();
  rig.now += 60_000;
  rig.connection.tick(rig.now);
  rig.advance(2000);
  assert.equal(read.settled, 1);
  assert.equal(rig.ends.length, 1);
});

test('D-43: deadlines are kept to the millisecond', () => {
  for (const timeout of [4, 100, 1001, 30_000]) {
    const rig = InitiatorRig.loggedIn();
    const at = rig.now;
    const read = rig.submit({ dataIn: new Uint8Array(4), timeout });
    rig.take();
    rig.advance(timeout * 2);
    assert.equal(read.settledAt, at + timeout);
  }
});

test('a command that waits for the window settles within its timeout without a word on the wire', () => {
  const rig = InitiatorRig.loggedIn({ window: 0 });
  const at = rig.now;
  const read = rig.submit({ dataIn: new Uint8Array(4), timeout: 1000 });
  rig.advance(1000);
  assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_TIMEOUT']);
  assert.ok(read.settledAt <= at + 1000);
  assert.deepEqual(rig.take(), []);
  assert.deepEqual(rig.ends, []);
});

test('a command submitted while another settles is sent, with its own deadline', () => {
  const rig = InitiatorRig.loggedIn();
  let second: Submitted | undefined;
  const first = rig.submit({
    timeout: 1000,
    onSettled: () => {
      second = rig.submit({ timeout: 1000 });
    },
  });
  rig.take();
  rig.give(rig.voice.scsiResponse(first.tag));
  assert.equal(rig.takeOne(0x01).tag, second?.tag);
  rig.advance(1000);
  assert.equal(second?.settled, 1);
});

test('I-084: task management has the tag, the LUN and the lengths of RFC 7143 §11.5', () => {
  const rig = InitiatorRig.loggedIn();
  for (const functionCode of [2, 3, 4, 5, 6, 7]) {
    const asked = rig.ask((settle) =>
      rig.session.taskManagement(
        { functionCode, lunHigh: 0x0007_0000, lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 },
        LATER,
        settle,
      ),
    );
    const request = rig.takeOne(0x02);
    assert.equal(request.flags, 0x80 | functionCode);
    assert.deepEqual([request.word(4), request.word(8), request.word(20), request.word(32)], [0, 0x0007_0000, NIL, 0]);
    rig.give(rig.voice.taskManagementResponse(request.tag, functionCode));
    assert.deepEqual([asked.settled, asked.answer.response], [1, functionCode]);
  }
});

test('I-090, D-08: a reset that the target reports complete ends the commands it covers, and no others', () => {
  const rig = InitiatorRig.loggedIn({ window: 5 });
  const here: readonly [number, number] = [0x0001_0000, 0];
  const covered = [rig.submit({ lun: here }), rig.submit({ lun: here, dataIn: new Uint8Array(8) })];
  const elsewhere = rig.submit({ lun: [0x0002_0000, 0] });
  const reset = rig.ask((settle) =>
    rig.session.taskManagement(
      { functionCode: 5, lunHigh: here[0], lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 },
      LATER,
      settle,
    ),
  );
  const later = rig.submit({ lun: here });
  const answered = rig.submit({ lun: here });
  const waiting = rig.submit({ lun: here });
  const request = rig.take().find(({ opcode }) => opcode === 0x02);
  rig.give(rig.voice.scsiResponse(answered.tag));
  rig.give(rig.voice.taskManagementResponse(request?.tag ?? 0, 0));
  assert.equal(reset.settled, 1);
  assert.ok(covered.every(({ settled, error }) => settled === 1 && error?.code === 'ISCSI_ABORTED'));
  assert.deepEqual([elsewhere.settled, later.settled, waiting.settled], [0, 0, 0]);
  for (const { tag } of covered) rig.give(rig.voice.scsiResponse(tag)); // late
  for (const { tag } of [elsewhere, later]) rig.give(rig.voice.scsiResponse(tag));
  assert.deepEqual([elsewhere.error, later.error], [undefined, undefined]);
  assert.ok(covered.every(({ settled }) => settled === 1));
  assert.deepEqual(rig.ends, []);
});

test('I-090: a target reset ends the commands of every logical unit; a refused one none', () => {
  for (const [functionCode, response, ended] of [
    [6, 0, 1],
    [7, 0, 1],
    [6, 5, 0],
    [5, 255, 0],
    [3, 0, 0],
  ] as const) {
    const rig = InitiatorRig.loggedIn();
    const commands = [rig.submit({ lun: [0, 0] }), rig.submit({ lun: [0x0001_0000, 0] })];
    rig.ask((settle) =>
      rig.session.taskManagement(
        { functionCode, lunHigh: 0, lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 },
        LATER,
        settle,
      ),
    );
    const request = rig.take().find(({ opcode }) => opcode === 0x02);
    rig.give(rig.voice.taskManagementResponse(request?.tag ?? 0, response));
    assert.deepEqual(
      commands.map(({ settled }) => settled),
      [ended, ended],
    );
  }
});

test('I-087: R2Ts are answered while the abort of their command is under way', () => {
  const rig = InitiatorRig.loggedIn({ answers: { InitialR2T: 'Yes', ImmediateData: 'No' } });
  const write = rig.submit({ dataOut: new Uint8Array(1024).fill(5) });
  rig.take();
  rig.session.abort(write.task, write.tag, ENOUGH);
  const abort = rig.takeOne(0x02);
  rig.give(rig.voice.r2t(write.tag, { length: 1024 }));
  assert.equal(rig.takeOne(0x05).data.length, 1024);
  rig.give(rig.voice.taskManagementResponse(abort.tag));
  assert.equal(write.error, ENOUGH);
});

test('D-16: what was begun to be sent is finished, whatever becomes of its command', () => {
  const rig = InitiatorRig.loggedIn();
  const data = new Uint8Array(200_000).fill(0x5a);
  const write = rig.submit({ dataOut: data });
  const chunks = rig.connection.drain(); // the socket has them now
  rig.session.abort(write.task, write.tag, ENOUGH);
  const sent = chunks.flatMap((chunk) => rig.parser.push(chunk));
  rig.connection.flushed();
  assert.equal(sent[0]?.data.length, 200_000);
  assert.equal(rig.takeOne(0x02).word(20), write.tag);
});

test('after a failure nothing is sent any more: the buffers of the commands are their owners’ again', () => {
  const rig = InitiatorRig.loggedIn();
  const data = new Uint8Array(200_000).fill(0x5a);
  const write = rig.submit({ dataOut: data, timeout: 100 }); // not drained yet
  rig.connection.fail(new IscsiError('ISCSI_PROTOCOL', 'Broken'));
  assert.equal(write.settled, 1);
  assert.deepEqual(rig.connection.drain(), []);
});
