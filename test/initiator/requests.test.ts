/**
 * NOP, text, logout, asynchronous messages (RFC 7143 §11.9, §11.10, §11.14, §11.18; checklist I-082, I-083, I-092 to
 * I-099).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { keyText, senseData, senseSegment } from '../support/speaker/data.ts';
import { NIL } from '../support/speaker/pdu.ts';

const EMPTY = new Uint8Array(0);
const LATER = 1_000_000;

test('I-082, D-32: a ping of the target is answered with its tag and its whole LUN', () => {
  const rig = InitiatorRig.loggedIn({ firstCmdSN: 9 });
  rig.give(rig.voice.nopIn({ transferTag: 0, lun: 0x0005_1234_5678_9abcn }));
  const answer = rig.takeOne(0x00);
  assert.deepEqual([answer.immediate, answer.flags, answer.tag, answer.word(20)], [true, 0x80, NIL, 0]);
  assert.deepEqual([answer.word(8), answer.word(12)], [0x0005_1234, 0x5678_9abc]);
  assert.deepEqual([answer.word(24), answer.data.length], [9, 0]);
});

test('I-083: a NOP-In that wants no answer gets none', () => {
  const rig = InitiatorRig.loggedIn();
  for (let count = 0; count < 10; count++) rig.give(rig.voice.nopIn());
  assert.deepEqual(rig.take(), []);
});

test('I-083: pings of our own have a tag, are immediate and carry no Target Transfer Tag; the echo is given back', () => {
  const rig = InitiatorRig.loggedIn();
  const asked = rig.ask((settle) => rig.session.nop(Uint8Array.of(1, 2, 3), LATER, settle));
  const ping = rig.takeOne(0x00);
  assert.deepEqual([ping.immediate, ping.word(20)], [true, NIL]);
  assert.notEqual(ping.tag, NIL);
  rig.give(rig.voice.pong(ping.tag, Uint8Array.of(1, 2, 3)));
  assert.deepEqual([asked.settled, [...(asked.answer.data ?? [])]], [1, [1, 2, 3]]);
});

test('a ping of the target with data ends the session', () => {
  const rig = InitiatorRig.loggedIn();
  rig.give(rig.voice.nopIn({ transferTag: 3, data: Uint8Array.of(1) }));
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('a target that pings and pings and does not take the answers cannot fill our memory', () => {
  const rig = InitiatorRig.loggedIn();
  const flood = new Uint8Array(48 * 5000);
  for (let at = 0; at < flood.length; at += 48) flood.set(rig.voice.nopIn({ transferTag: at }), at);
  for (let round = 0; round < 100; round++) rig.connection.receive(flood, new DataView(flood.buffer), 0, flood.length);
  assert.ok(rig.connection.outbox.pendingBytes < 4 * 1024 * 1024, `${rig.connection.outbox.pendingBytes} bytes wait`);
  assert.equal(rig.ends[0]?.code, 'ISCSI_PROTOCOL');
});

test('a target that pings often and takes the answers is served', () => {
  const rig = InitiatorRig.loggedIn();
  for (let round = 0; round < 50; round++) {
    for (let ping = 0; ping < 1000; ping++) rig.give(rig.voice.nopIn({ transferTag: ping }));
    assert.equal(rig.take().length, 1000);
  }
  assert.deepEqual(rig.ends, []);
});

test('I-066, D-24: a silent target is pinged; any sign of life puts the ping off', () => {
  const rig = InitiatorRig.loggedIn({ keepaliveInterval: 10_000, keepaliveTimeout: 3000 });
  rig.advance(9999);
  rig.give(rig.voice.nopIn());
  rig.advance(2);
  assert.deepEqual(rig.take(), [], 'it was heard in this interval');
  rig.advance(10_000);
  const ping = rig.takeOne(0x00);
  rig.advance(2000);
  rig.give(rig.voice.pong(ping.tag));
  rig.advance(5000);
  assert.deepEqual(rig.ends, []);
});

test('a dead target is found out one interval and one timeout after it was last heard, wherever in an interval that was', () => {
  for (const heardAfter of [0, 1, 5000, 9999]) {
    const rig = InitiatorRig.loggedIn({ keepaliveInterval: 10_000, keepaliveTimeout: 3000 });
    rig.advance(heardAfter);
    rig.give(rig.voice.nopIn());
    rig.advance(9999);
    assert.deepEqual(rig.take(), [], `heard after ${heardAfter} ms`);
    rig.advance(1);
    rig.takeOne(0x00);
    rig.advance(3000);
    rig.assertEnded('ISCSI_TIMEOUT');
  }
});

test('a target that does not answer the ping loses the connection', () => {
  const rig = InitiatorRig.loggedIn({ keepaliveInterval: 10_000, keepaliveTimeout: 3000 });
  const command = rig.submit();
  rig.advance(22_000);
  rig.take();
  rig.advance(1000);
  rig.assertEnded('ISCSI_TIMEOUT');
  assert.equal(command.settled, 1);
});

test('a ping, a text or a task management request that is not answered in time ends the session', () => {
  for (const kind of ['nop', 'text', 'reset']) {
    const rig = InitiatorRig.loggedIn();
    const asked = rig.ask((settle) => {
      const deadline = rig.now + 500;
      if (kind === 'nop') rig.session.nop(EMPTY, deadline, settle);
      else if (kind === 'text') rig.session.text(EMPTY, deadline, settle);
      else {
        const fields = { functionCode: 5, lunHigh: 0, lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 };
        rig.session.taskManagement(fields, deadline, settle);
      }
    });
    rig.take();
    rig.advance(499);
    assert.equal(asked.settled, 0);
    rig.advance(1);
    assert.deepEqual([asked.settled, asked.error?.code], [1, 'ISCSI_TIMEOUT']);
    rig.assertEnded('ISCSI_TIMEOUT');
  }
});

test('I-092, I-093, I-094, D-27: a long answer is asked for part by part, with tag and LUN copied, and joined', () => {
  const rig = InitiatorRig.loggedIn();
  const whole = keyText({ TargetName: 'iqn.2003-01.org.example:one', TargetAddress: '192.0.2.1:3260,1' });
  const asked = rig.ask((settle) => rig.session.text(keyText({ SendTargets: 'All' }), LATER, settle));
  const first = rig.takeOne(0x04);
  assert.deepEqual([first.final, first.word(20), first.immediate], [true, NIL, true]);
  let tag = first.tag;
  for (const [part, from] of [0, 7, 20].entries()) {
    const to = [7, 20, 33][part] ?? 0;
    // tgt cuts in the middle of a pair with C=0 and F=0.
    const flags = part === 1 ? 0x40 : 0x00;
    rig.give(
      rig.voice.textResponse(tag, whole.subarray(from, to), {
        flags,
        transferTag: 70 + part,
        lun: 0x0007_0000_0000_0001n,
      }),
    );
    const next = rig.takeOne(0x04);
    assert.deepEqual([next.tag, next.word(20), next.immediate], [first.tag, 70 + part, true]);
    assert.deepEqual([next.word(8), next.word(12)], [0x0007_0000, 1]);
    assert.equal(next.data.length, 0);
    tag = next.tag;
  }
  rig.give(rig.voice.textResponse(tag, whole.subarray(33), { transferTag: 99 })); // the tag of the last one is ignored
  assert.deepEqual([asked.settled, asked.error], [1, undefined]);
  assert.deepEqual(asked.answer.data, whole);
});

test('I-092: a second text waits for the first, also when that fails', () => {
  for (const reject of [false, true]) {
    const rig = InitiatorRig.loggedIn();
    const asked = [1, 2, 3].map((length) =>
      rig.ask((settle) => rig.session.text(new Uint8Array(length), LATER, settle)),
    );
    for (const [index, one] of asked.entries()) {
      const request = rig.takeOne(0x04);
      assert.equal(request.data.length, index + 1);
      rig.give(reject ? rig.voice.reject(4, request.header) : rig.voice.textResponse(request.tag, EMPTY));
      assert.equal(one.settled, 1);
    }
  }
});

test('texts that wait settle when the connection ends', () => {
  const rig = InitiatorRig.loggedIn();
  const asked = [0, 1, 2].map(() => rig.ask((settle) => rig.session.text(EMPTY, LATER, settle)));
  rig.connection.ended();
  assert.ok(asked.every(({ settled, error }) => settled === 1 && error !== undefined));
});

test('an answer of more than 16 MiB of text ends the session', () => {
  const rig = InitiatorRig.loggedIn();
  const asked = rig.ask((settle) => rig.session.text(EMPTY, LATER, settle));
  const part = new Uint8Array(262_144).fill(65);
  let { tag } = rig.takeOne(0x04);
  for (let count = 0; count < 70 && rig.ends.length === 0; count++) {
    rig.give(rig.voice.textResponse(tag, part, { flags: 0, transferTag: 1 }));
    tag = rig.take()[0]?.tag ?? tag;
  }
  rig.assertEnded('ISCSI_PROTOCOL');
  assert.equal(asked.settled, 1);
});

test('a Text Response with F and C, or without a tag to go on with, ends the session', () => {
  for (const [flags, transferTag] of [
    [0xc0, NIL],
    [0x00, NIL],
  ] as const) {
    const rig = InitiatorRig.loggedIn();
    rig.ask((settle) => rig.session.text(EMPTY, LATER, settle));
    rig.give(rig.voice.textResponse(rig.takeOne(0x04).tag, EMPTY, { flags, transferTag }));
    rig.assertEnded('ISCSI_PROTOCOL');
  }
});

test('I-095: a logout waits for the commands under way, then nothing follows it', () => {
  const rig = InitiatorRig.loggedIn();
  const read = rig.submit({ dataIn: new Uint8Array(4) });
  rig.take();
  rig.session.logout(rig.now + 10_000);
  const refused = rig.submit();
  assert.deepEqual([refused.settled, refused.error?.code], [1, 'ISCSI_CLOSED']);
  assert.deepEqual(rig.take(), []);
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(4), { status: 0 }));
  assert.equal(read.error, undefined);
  const logout = rig.takeOne(0x06);
  assert.deepEqual([logout.flags, logout.immediate], [0x80, true]); // reason 0: the session

  const asked = [
    rig.ask((settle) => rig.session.nop(EMPTY, LATER, settle)),
    rig.ask((settle) => rig.session.text(EMPTY, LATER, settle)),
  ];
  rig.give(rig.voice.nopIn({ transferTag: 5 }));
  rig.give(rig.voice.asyncMessage(4, [0, 0, 3]));
  rig.give(rig.voice.asyncMessage(1, [0, 0, 3]));
  assert.ok(asked.every(({ settled, error }) => settled === 1 && error?.code === 'ISCSI_CLOSED'));
  assert.deepEqual(rig.take(), []);
  assert.deepEqual(rig.ends, []);
  rig.give(rig.voice.logoutResponse(logout.tag));
  assert.deepEqual(rig.ends, [undefined]);
  assert.equal(rig.connection.finished, true);
});

test('a logout takes no longer than its deadline, whatever the target answers or does not', () => {
  for (const hang of ['command', 'logout']) {
    const rig = InitiatorRig.loggedIn();
    const read = hang === 'command' ? rig.submit({ dataIn: new Uint8Array(4) }) : undefined;
    rig.take();
    const at = rig.now;
    rig.session.logout(at + 4000);
    rig.advance(2000);
    assert.equal(rig.takeOne(0x06).opcode, 0x06, 'by half of the time the Logout is out');
    rig.advance(2000);
    assert.equal(rig.ends.length, 1);
    assert.equal(rig.connection.finished, true);
    if (read !== undefined) assert.equal(read.settled, 1);
  }
});

test('commands that the logout cuts off settle with ISCSI_CLOSED, and no abort follows the Logout', () => {
  const rig = InitiatorRig.loggedIn();
  const reads = [rig.submit({ timeout: 8000 }), rig.submit({ timeout: 3000 })];
  rig.take();
  rig.session.logout(rig.now + 4000);
  rig.advance(2000);
  const logout = rig.takeOne(0x06);
  rig.advance(900); // the second command would be aborted now
  assert.deepEqual(rig.take(), []);
  assert.deepEqual(rig.ends, []);
  rig.give(rig.voice.logoutResponse(logout.tag));
  assert.deepEqual(
    reads.map(({ settled, error }) => [settled, error?.code]),
    [
      [1, 'ISCSI_CLOSED'],
      [1, 'ISCSI_TIMEOUT'],
    ],
  );
  assert.deepEqual(rig.ends, [undefined]);
});

test('a connection that ends instead of the Logout Response is a logout too', () => {
  const rig = InitiatorRig.loggedIn();
  rig.session.logout(rig.now + 4000);
  rig.takeOne(0x06);
  rig.connection.ended();
  assert.equal(rig.ends.length, 1);
  assert.equal(rig.connection.finished, true);
});

test('I-096: Asynchronous Message 1 makes us log out within its time, with no new commands', () => {
  const rig = InitiatorRig.loggedIn();
  const hanging = rig.submit({ dataIn: new Uint8Array(4) });
  rig.take();
  rig.give(rig.voice.asyncMessage(1, [0, 0, 3]));
  assert.equal(rig.submit().error?.code, 'ISCSI_CLOSED');
  const at = rig.now;
  rig.advance(2999);
  assert.ok(rig.sent.some(({ opcode }) => opcode === 0x06) || rig.take().some(({ opcode }) => opcode === 0x06));
  const logout = rig.sent.find(({ opcode }) => opcode === 0x06);
  assert.ok(logout !== undefined && [0, 1].includes(logout.flags & 0x7f));
  assert.ok(rig.now - at < 3000);
  rig.give(rig.voice.logoutResponse(logout.tag));
  assert.deepEqual([hanging.settled, rig.ends.length], [1, 1]);
});

test('I-097: Asynchronous Messages 2 and 3 end the session', () => {
  for (const event of [2, 3]) {
    const rig = InitiatorRig.loggedIn();
    const read = rig.submit();
    rig.take();
    rig.give(rig.voice.asyncMessage(event, [0, 2, 20]));
    rig.assertEnded('ISCSI_CONNECTION_LOST');
    assert.equal(read.error?.code, 'ISCSI_CONNECTION_LOST');
    assert.deepEqual(rig.events[0]?.parameters, [0, 2, 20]);
  }
});

test('I-098: Asynchronous Message 4 is answered by a Text Request, unless one is pending', () => {
  const rig = InitiatorRig.loggedIn();
  rig.give(rig.voice.asyncMessage(4, [0, 0, 3]));
  const request = rig.takeOne(0x04);
  assert.deepEqual([request.data.length, request.final], [0, true]);
  rig.give(rig.voice.asyncMessage(4, [0, 0, 3]));
  assert.deepEqual(rig.take(), []);
  rig.give(rig.voice.textResponse(request.tag, keyText({ MaxRecvDataSegmentLength: '4096' })));
  rig.give(rig.voice.asyncMessage(4, [0, 0, 3]));
  assert.equal(rig.take().length, 1);
});

test('I-099, D-25: events 0, 5, vendor and unknown ones are told and otherwise ignored', () => {
  const rig = InitiatorRig.loggedIn();
  const sense = senseData(6, 0x2a, 0x09);
  rig.give(rig.voice.asyncMessage(0, [0, 0, 0], senseSegment(sense)));
  rig.give(rig.voice.asyncMessage(5));
  rig.give(rig.voice.asyncMessage(248, [1, 2, 3], Uint8Array.of(9, 9, 9)));
  rig.give(rig.voice.asyncMessage(255, [1, 2, 3], Uint8Array.of(0)));
  rig.give(rig.voice.asyncMessage(77));
  assert.deepEqual(
    rig.events.map(({ asyncEvent }) => asyncEvent),
    [0, 5, 248, 255, 77],
  );
  assert.deepEqual(rig.events[0]?.sense, sense);
  assert.ok(rig.events.slice(1).every((event) => event.sense === undefined));
  assert.deepEqual(rig.take(), []);
  rig.assertAlive();
});

test('D-24: a request to a session that has ended settles at once', () => {
  const rig = InitiatorRig.loggedIn();
  rig.connection.ended();
  const nop = rig.ask((settle) => rig.session.nop(EMPTY, LATER, settle));
  assert.deepEqual([nop.settled, nop.error?.code], [1, 'ISCSI_CLOSED']);
  const command = rig.submit();
  assert.deepEqual([command.settled, command.error?.code], [1, 'ISCSI_CLOSED']);
  rig.session.logout(LATER);
  assert.equal(rig.ends.length, 1);
});
