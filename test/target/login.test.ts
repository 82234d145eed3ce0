import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { textOf } from '../support/speaker/data.ts';
import { nodeWith } from './fake-device.ts';
import { INITIATOR_NAME, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

const NORMAL = { InitiatorName: INITIATOR_NAME, TargetName: TARGET_NAME, SessionType: 'Normal' };

/** Sends one Login Request on a new connection and gives the login status. */
function statusOf(flags: number, text: string, options = {}): number {
  const i = new RawInitiator(nodeWith().node);
  i.send(i.loginRequest(flags, text, options));
  const response = i.takeOnly();
  const status = response.view.getUint16(36);
  if (status !== 0) {
    assert.equal(response.flags, 0, 'T-046: T, C, CSG and NSG are 0 in a reject');
    assert.equal(i.core.finished, true, 'T-046: the connection closes');
  }
  return status;
}

test('T-016 a connection whose first PDU is no Login Request is closed without an answer', () => {
  const i = new RawInitiator(nodeWith().node);
  i.ping();
  i.nothing();
  assert.equal(i.core.finished, true);
});

test('T-017 another PDU during the login is answered with status 020b and closes the connection', () => {
  const i = new RawInitiator(nodeWith().node);
  i.send(i.loginRequest(0x04, textOf(NORMAL)));
  i.takeOnly();
  i.command('00');
  const response = i.takeOnly();
  assert.equal(response.opcode, 0x23);
  assert.equal(response.view.getUint16(36), 0x020b);
  assert.equal(i.core.finished, true);
});

test('T-018 a Login Request in full feature phase closes the connection', () => {
  const i = new RawInitiator(nodeWith().node);
  i.login();
  i.send(i.loginRequest(0x87, textOf(NORMAL)));
  assert.equal(i.core.finished, true);
});

test('T-019 a login that takes too long is given up', () => {
  const i = new RawInitiator(nodeWith({}, { loginTime: 1000 }).node);
  assert.equal(i.core.nextDeadline(), 1000, 'known from its start on');
  i.pass(999);
  assert.equal(i.core.finished, false);
  assert.equal(i.core.nextDeadline(), 1000);
  i.pass(1);
  assert.equal(i.core.finished, true);
});

test('T-019 no more than the allowed number of logins are half open: the oldest that has said nothing goes first', () => {
  const { node } = nodeWith({}, { halfOpenLogins: 3, connections: 2 });
  const speaking = new RawInitiator(node);
  speaking.send(speaking.loginRequest(0x04, textOf(NORMAL))).take();
  const [silent, younger] = [new RawInitiator(node), new RawInitiator(node)];
  younger.sendBytes(new Uint8Array(47)); // less than a PDU is nothing
  const fourth = new RawInitiator(node);
  assert.deepEqual(
    [speaking, silent, younger, fourth].map(({ core }) => core.finished),
    [false, true, false, false],
  );
  assert.match(silent.core.error?.message ?? '', /more than 3 logins/);
  const others = [new RawInitiator(node), new RawInitiator(node)];
  assert.deepEqual(
    [younger, fourth, speaking].map(({ core }) => core.finished),
    [true, true, false],
  );
  for (const other of others) other.send(other.loginRequest(0x04, textOf(NORMAL), { isid: '800000000007' }));
  new RawInitiator(node);
  assert.equal(speaking.core.finished, true, 'where all have spoken, the oldest goes');
});

test('T-019 logins have room apart from sessions, and a login refused for lack of room is answered with 0302', () => {
  const { node } = nodeWith({}, { halfOpenLogins: 2, connections: 2 });
  const [first, second] = [new RawInitiator(node), new RawInitiator(node)];
  first.login();
  second.login({ isid: '800000000002' });
  const third = new RawInitiator(node);
  third.send(third.loginRequest(0x87, textOf(NORMAL), { isid: '800000000003' }));
  const refused = third.takeOnly();
  assert.deepEqual([refused.view.getUint16(36), refused.view.getUint16(14)], [0x0302, 0]);
  assert.equal(third.core.finished, true);
  const again = new RawInitiator(node);
  again.login({ isid: '800000000002' });
  assert.deepEqual([second.core.finished, node.sessions.length], [true, 2], 'reinstatement needs no room');
  first.core.ended();
  const late = new RawInitiator(node);
  late.login({ isid: '800000000003' });
  assert.equal(node.sessions.length, 2);
});

test('T-020 a version that is not supported is answered with 0205', () => {
  const i = new RawInitiator(nodeWith().node);
  const bytes = i.encode(i.loginRequest(0x87, textOf(NORMAL)));
  bytes.set([2, 1], 2); // Version-max 2, Version-min 1
  i.sendBytes(bytes);
  assert.equal(i.takeOnly().view.getUint16(36), 0x0205);
});

test('T-021 a missing InitiatorName, or TargetName of a Normal session, is answered with 0207', () => {
  assert.equal(statusOf(0x87, textOf({ TargetName: TARGET_NAME })), 0x0207);
  assert.equal(statusOf(0x87, textOf({ InitiatorName: INITIATOR_NAME })), 0x0207);
});

test('T-022 an unknown target is answered with 0203, an unknown SessionType with 0209', () => {
  assert.equal(statusOf(0x87, textOf({ ...NORMAL, TargetName: 'iqn.2003-01.org.example:other' })), 0x0203);
  assert.equal(statusOf(0x87, textOf({ ...NORMAL, SessionType: 'Foo' })), 0x0209);
});

test('T-023 a TSIH that belongs to no session of the initiator is answered with 020a', () => {
  assert.equal(statusOf(0x87, textOf(NORMAL), { tsih: 7777 }), 0x020a);
});

test('T-024 a second connection of a session is answered with 0206', () => {
  const { node } = nodeWith();
  const tsih = new RawInitiator(node).login().view.getUint16(14);
  const second = new RawInitiator(node);
  second.send(second.loginRequest(0x87, textOf(NORMAL), { tsih, cid: 1 }));
  assert.equal(second.takeOnly().view.getUint16(36), 0x0206);
});

test('T-025 T-028 T-047 the response to a complete login is as it must be, byte for byte', () => {
  const i = new RawInitiator(nodeWith().node);
  i.send(i.loginRequest(0x87, textOf(NORMAL), { cmdSN: 0xffff_ffff }));
  const { header, keys } = i.takeOnly();
  const length = header[7] ?? 0;
  assert.deepEqual(
    header,
    hex(`
      23 87 00 00                     // Login Response, T=1 CSG=1 NSG=3, versions 0
      00 00 00 ${length.toString(16).padStart(2, '0')}
      80 00 00 00 00 01  00 01        // ISID as sent, the new TSIH
      00 00 00 10  00 00 00 00        // InitiatorTaskTag
      00 00 00 01                     // StatSN: the first
      ff ff ff ff  00 00 00 7e        // ExpCmdSN as sent, MaxCmdSN 127 later
      00 00  00 00                    // success
      00 00 00 00  00 00 00 00`),
  );
  assert.equal(keys.get('TargetPortalGroupTag'), '1');
  assert.equal(keys.get('TargetAlias'), 'a disk');
});

test('T-025 T-026 a login over both stages keeps TSIH 0 until its end, and StatSN counts', () => {
  const i = new RawInitiator(nodeWith().node);
  i.send(i.loginRequest(0x81, textOf({ ...NORMAL, AuthMethod: 'CHAP,None' })));
  const security = i.takeOnly();
  assert.deepEqual([security.flags, security.view.getUint16(14), security.statSN], [0x81, 0, 1]);
  assert.equal(security.keys.get('AuthMethod'), 'None');
  i.send(i.loginRequest(0x04, textOf({ HeaderDigest: 'None' })));
  const asked = i.takeOnly();
  assert.deepEqual([asked.flags, asked.view.getUint16(14), asked.statSN], [0x04, 0, 2], 'T=0 is answered with T=0');
  i.send(i.loginRequest(0x87, ''));
  const last = i.takeOnly();
  assert.deepEqual([last.flags, last.view.getUint16(14), last.statSN], [0x87, 1, 3]);
});

test('T-027 stages that cannot be are answered with 0200', () => {
  const flags = { 'CSG 2': 0x8b, 'CSG 3': 0x0c, 'NSG 2': 0x86, 'NSG = CSG': 0x85, 'NSG < CSG': 0x84, 'C and T': 0xc7 };
  for (const [what, value] of Object.entries(flags)) assert.equal(statusOf(value, textOf(NORMAL)), 0x0200, what);
});

test('T-029 text that is split inside a key, a value and before its NUL is put together again', () => {
  const text = textOf({ ...NORMAL, HeaderDigest: 'None' });
  for (const cut of [5, text.indexOf('=') + 3, text.length - 1]) {
    const i = new RawInitiator(nodeWith().node);
    i.send(i.loginRequest(0x44, text.slice(0, cut)));
    const empty = i.takeOnly();
    assert.deepEqual([empty.flags, empty.data.length], [0x04, 0], 'an empty response, T=0 C=0');
    i.send(i.loginRequest(0x87, text.slice(cut)));
    const response = i.takeOnly();
    assert.equal(response.flags, 0x87);
    assert.equal(response.keys.get('HeaderDigest'), 'None');
    assert.equal(response.keys.get('TargetPortalGroupTag'), '1', 'T-028');
  }
});

test('T-044 more text than the limit ends the login', () => {
  const i = new RawInitiator(nodeWith({}, { textLength: 20_000 }).node);
  const filler = 'X'.repeat(8000);
  i.send(i.loginRequest(0x44, `X-a.b=${filler}`)).send(i.loginRequest(0x44, filler));
  assert.deepEqual(
    i.takeAll().map((pdu) => pdu.view.getUint16(36)),
    [0, 0],
  );
  i.send(i.loginRequest(0x44, filler));
  assert.equal(i.takeOnly().view.getUint8(36), 2);
  assert.equal(i.core.finished, true);
});

test('T-004 a login PDU longer than 8192 bytes closes the connection before its data is taken', () => {
  const i = new RawInitiator(nodeWith().node);
  i.sendBytes(i.encode({ ...i.loginRequest(0x87, ''), length: 8193 }));
  i.nothing();
  assert.equal(i.core.finished, true);
});

test('T-134 a node agrees only to what it does, whatever it is told to negotiate', () => {
  const policy = {
    errorRecoveryLevel: 2,
    maxConnections: 8,
    dataPDUInOrder: false,
    taskReporting: ['FastAbort', 'RFC3720'] as const,
  };
  const i = new RawInitiator(nodeWith(policy).node);
  const keys = {
    ErrorRecoveryLevel: '2',
    MaxConnections: '8',
    DataPDUInOrder: 'No',
    TaskReporting: 'FastAbort,ResponseFence,RFC3720',
  };
  i.send(i.loginRequest(0x87, textOf({ ...NORMAL, ...keys })));
  const answers = i.take().keys;
  assert.deepEqual(
    Object.keys(keys).map((key) => answers.get(key)),
    ['0', '1', 'Yes', 'ResponseFence'],
  );
});
