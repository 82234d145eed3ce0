import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { WireInitiator } from '../../src/wire/initiator.ts';
import { logIn } from '../../src/wire/initiator-login.ts';
import { WireListener } from '../../src/wire/listener.ts';
import { answerLogin } from '../../src/wire/target-login.ts';
import { pair } from './pair.ts';

const RESERVED_TAG = 0xffff_ffff;
const TARGET = 'iqn.2003-01.org.example:disk';

test('a ping of the target is answered by itself: with its tag and LUN, immediate, and without data', async (t) => {
  const { initiator, target } = await pair(t);
  target.nop({ targetTransferTag: 0x1234, lun: 3 });
  const pong = await target.expect('NOP_OUT');
  assert.deepEqual(
    [pong.immediate, pong.initiatorTaskTag, pong.targetTransferTag, pong.word(8), pong.data.length],
    [true, RESERVED_TAG, 0x1234, 0x0003_0000, 0],
  );
  assert.deepEqual(initiator.unread, []);
  assert.equal(initiator.numbers.cmdSN, 1);
});

test('a ping is left to the caller who wants it, and a NOP-In that is no ping is shown', async (t) => {
  const { initiator, target } = await pair(t);
  target.nop({ targetTransferTag: RESERVED_TAG });
  await initiator.expect('NOP_IN');
  initiator.answersPings = false;
  target.nop();
  await initiator.expect('NOP_IN');
  await target.nothing(40);
});

test('a target that pings without end and reads nothing is not answered without end', async (t) => {
  const { initiator, target } = await pair(t);
  const answered = 64;
  for (let sent = 0; sent < answered; sent++) target.nop();
  for (let seen = 0; seen < answered; seen++) await target.expect('NOP_OUT');
  // As long as the initiator has not got rid of this, its answers would only pile up behind it.
  initiator.sendBytes(new Uint8Array(64 * 1024 * 1024));
  const before = initiator.unflushed;
  target.nop();
  await initiator.expect('NOP_IN');
  assert.ok(initiator.unflushed <= before);
});

test('what is sent is told by tag, CmdSN and bytes', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.numbers.cmdSN = 0xffff_ffff;
  const first = initiator.command({ cdb: Uint8Array.of(0) });
  const second = initiator.text({ pairs: [['SendTargets', 'All']] });
  assert.deepEqual([first.cmdSN, second.cmdSN], [0xffff_ffff, 0]);
  assert.equal(second.initiatorTaskTag, first.initiatorTaskTag + 1);
  const pdu = await target.expect('SCSI_COMMAND');
  assert.equal(toHex(pdu.header), toHex(first.bytes));
  assert.deepEqual((await target.expect('TEXT_REQUEST')).pairs, [['SendTargets', 'All']]);
  assert.equal(target.numbers.expCmdSN, 1, 'CmdSN 0 was expected, the one before it was not');
});

test('a distortion is on the wire, and the header says what no codec would write', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.command({ cdb: Uint8Array.of(0) }, { bytes: { 0: 0x1f } });
  const pdu = await target.next();
  assert.equal(pdu.name, 'unassigned opcode 0x1f');
  assert.equal(pdu.broken, undefined);
  initiator.command({ cdb: Uint8Array.of(0), attribute: 7 });
  const command = await target.expect('SCSI_COMMAND');
  assert.equal(command.broken?.clause, '11.3.1');
  assert.throws(
    () => command.read('NOP_OUT'),
    /^ProtocolError: Cannot read a SCSI Command as a NOP-Out: opcodes differ$/,
  );
});

test('two initiators log in with different ISIDs, unless they are told otherwise', async (t) => {
  const [one, other] = [await pair(t), await pair(t)];
  const isids: number[] = [];
  for (const { initiator, target } of [one, other]) {
    initiator.login();
    isids.push((await target.expect('LOGIN_REQUEST')).read('LOGIN_REQUEST').isid);
  }
  assert.deepEqual(isids, [one.initiator.isid, other.initiator.isid]);
  assert.notEqual(isids[0], isids[1]);
  assert.ok(isids.every((isid) => isid >= 0x8000_0000_0000 && isid <= 0x80ff_ffff_ffff));
  one.initiator.login({ isid: 5 });
  assert.equal((await one.target.expect('LOGIN_REQUEST')).read('LOGIN_REQUEST').isid, 5);
});

test('connections of one session count commands and tags together, and each its own StatSN', async (t) => {
  const listener = await WireListener.open();
  t.after(() => listener.close());
  const first = await WireInitiator.connect(listener.address);
  t.after(() => first.close());
  const firstTarget = await listener.accept();
  const [{ tsih }] = await Promise.all([
    logIn(first, { targetName: TARGET, policy: { maxConnections: 2 } }),
    answerLogin(firstTarget, { policy: { maxConnections: 2 }, fields: { tsih: 7 } }),
  ]);
  const second = await WireInitiator.connect(listener.address, { session: first });
  t.after(() => second.close());
  const secondTarget = await listener.accept();
  secondTarget.numbers.statSN = 0x100;
  const joining = logIn(second, { targetName: TARGET, tsih, session: first.parameters, fields: { cid: 1 } });
  const joined = await answerLogin(secondTarget, {
    admitSession: () => ({ ok: true, session: firstTarget.parameters }),
  });
  await joining;
  assert.deepEqual([joined.tsih, joined.cid, joined.isid], [7, 1, first.isid.toString(16)]);

  const sent = [first, second, first].map((initiator) => initiator.command({ cdb: Uint8Array.of(0) }));
  assert.deepEqual(
    sent.map(({ cmdSN, initiatorTaskTag }) => [cmdSN, initiatorTaskTag]),
    [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  );
  assert.deepEqual([first.numbers.expStatSN, second.numbers.expStatSN], [2, 0x101]);
  assert.equal(first.numbers.maxCmdSN, second.numbers.maxCmdSN);
});
