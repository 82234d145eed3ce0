import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TargetNode } from '../../src/target/target-node.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';
import { FakeDevice, nodeWith, read10 } from './fake-device.ts';
import { pattern, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

function loggedIn(options = {}, setup = nodeWith()) {
  const i = new RawInitiator(setup.node);
  i.login(options);
  return { ...setup, i };
}

/** One Text Request; immediate unless it says otherwise. */
function text(i: RawInitiator, keys: string, { flags = 0x80, ttt = NIL, tag = 0x40, ...rest } = {}): Pdu {
  i.send({ opcode: 0x04, immediate: true, flags, tag, word20: ttt, data: new TextEncoder().encode(keys), ...rest });
  return i.takeOnly();
}

test('T-112 a ping is echoed with its tag, as far as the initiator takes it', () => {
  const { i } = loggedIn({ keys: { MaxRecvDataSegmentLength: '1024' } });
  for (const length of [0, 1, 5, 1024, 3000]) {
    const data = pattern(length);
    const tag = i.ping(data);
    const answer = i.takeOnly();
    assert.deepEqual([answer.opcode, answer.flags, answer.tag, answer.transferTag], [0x20, 0x80, tag, NIL]);
    assert.deepEqual(answer.data, data.slice(0, 1024));
  }
});

test('T-112 a ping that is not immediate uses up its CmdSN', () => {
  const { i } = loggedIn();
  i.ping(pattern(3), { immediate: false });
  assert.deepEqual([i.pdus[0]?.expCmdSN, i.take().maxCmdSN], [2, 129]);
});

test('T-113 a NOP-Out that wants no answer gets none', () => {
  const { i } = loggedIn();
  i.send({ opcode: 0x00, immediate: true, data: pattern(9) }).nothing();
});

test('T-114 a silent initiator is pinged; any word from it counts, silence does not', () => {
  const { i } = loggedIn({}, nodeWith({}, { keepAlive: 10_000 }));
  i.pass(0).pass(10_000).nothing(); // it has just logged in
  i.pass(10_000);
  const ping = i.takeOnly();
  assert.deepEqual([ping.opcode, ping.tag, ping.data.length], [0x20, NIL, 0]);
  assert.notEqual(ping.transferTag, NIL);
  i.send({ opcode: 0x00, immediate: true, word20: ping.transferTag });
  i.nothing().pass(10_000).nothing();
  i.pass(10_000);
  assert.equal(i.takeOnly().opcode, 0x20);
  i.pass(10_000);
  assert.equal(i.core.finished, true);
});

test('T-093 an answer to a ping that was never sent is rejected with 0x09', () => {
  const { i } = loggedIn();
  i.send({ opcode: 0x00, immediate: true, word20: 77 });
  assert.deepEqual([i.pdus[0]?.opcode, i.take().byte2], [0x3f, 0x09]);
});

test('T-064 T-066 T-068 discovery lists all targets, or the one that is asked for, with the portal group tag', () => {
  const { i } = loggedIn({ discovery: true });
  const all = text(i, 'SendTargets=All\0');
  assert.deepEqual([all.opcode, all.flags, all.transferTag], [0x24, 0x80, NIL]);
  assert.equal(all.text, `TargetName=${TARGET_NAME}\0TargetAddress=192.0.2.1:3260,1\0`);
  assert.equal(text(i, `SendTargets=${TARGET_NAME}\0`).text, all.text);
  assert.equal(text(i, 'SendTargets=iqn.2003-01.org.example:other\0').text, '');
  assert.equal(text(i, 'SendTargets=\0').text, 'SendTargets=Reject\0');
});

test('T-066 a Normal session learns of its own target only', () => {
  const targets = [TARGET_NAME, 'iqn.2003-01.org.example:other'].map((name) => ({ name, device: new FakeDevice() }));
  const i = new RawInitiator(new TargetNode({ targets }), { host: '2001:db8::1', port: 3261 });
  i.login();
  assert.equal(text(i, 'SendTargets=\0').text, `TargetName=${TARGET_NAME}\0TargetAddress=[2001:db8::1]:3261,1\0`);
  assert.equal(text(i, 'SendTargets=All\0').text, 'SendTargets=Reject\0');
  assert.equal(text(i, 'SendTargets=iqn.2003-01.org.example:other\0').text, '');
});

test('T-069 a long list is told in pieces of what the initiator takes', () => {
  const targets = Array.from({ length: 500 }, (_, n) => ({ name: `${TARGET_NAME}-${n}`, device: new FakeDevice() }));
  const i = new RawInitiator(new TargetNode({ targets }));
  i.login({ discovery: true, keys: { MaxRecvDataSegmentLength: '512' } });
  let answer = text(i, 'SendTargets=All\0');
  let whole = answer.text;
  let pieces = 1;
  while (!answer.final) {
    assert.equal(answer.data.length, 512);
    assert.equal(answer.flags, 0x40, 'C: more to come');
    assert.notEqual(answer.transferTag, NIL);
    answer = text(i, '', { ttt: answer.transferTag });
    whole += answer.text;
    pieces++;
  }
  assert.deepEqual([answer.flags, answer.transferTag], [0x80, NIL]);
  assert.equal(pieces, Math.ceil(whole.length / 512));
  const names = whole.split('\0').filter((pair) => pair.startsWith('TargetName='));
  assert.deepEqual(
    names,
    targets.map(({ name }) => `TargetName=${name}`),
  );
});

test('T-070 a list starts anew without a tag, and a stale tag is rejected with 0x09', () => {
  const targets = Array.from({ length: 50 }, (_, n) => ({ name: `${TARGET_NAME}-${n}`, device: new FakeDevice() }));
  const i = new RawInitiator(new TargetNode({ targets }));
  i.login({ discovery: true, keys: { MaxRecvDataSegmentLength: '512' } });
  const first = text(i, 'SendTargets=All\0');
  const again = text(i, 'SendTargets=All\0', { tag: 0x41 });
  assert.equal(again.text, first.text);
  const reject = text(i, '', { ttt: first.transferTag });
  assert.deepEqual([reject.opcode, reject.byte2], [0x3f, 0x09]);
  assert.equal(text(i, '', { ttt: again.transferTag, tag: 0x41 }).opcode, 0x24);
});

test('T-065 a discovery session may send SendTargets and Logout reason 0 only; all else is rejected with 0x05', () => {
  const { i } = loggedIn({ discovery: true });
  i.command(read10(0, 1), { edtl: 512, immediate: true });
  i.taskManagement(5);
  i.ping(pattern(5));
  i.send({ opcode: 0x06, immediate: true, flags: 0x81, tag: 1, word20: 0 });
  assert.deepEqual(
    i.takeAll().map(({ opcode, byte2 }) => [opcode, byte2]),
    new Array(4).fill([0x3f, 0x05]),
  );
  assert.equal(text(i, 'SendTargets=All\0').opcode, 0x24);
});

test('T-115 a new MaxRecvDataSegmentLength holds when the exchange has ended', () => {
  const { i } = loggedIn();
  const open = text(i, 'MaxRecvDataSegmentLength=', { flags: 0x40 });
  assert.deepEqual([open.flags, open.data.length], [0, 0], 'T-116: F=0 to F=0, empty to C=1');
  const half = text(i, '512\0', { flags: 0, ttt: open.transferTag });
  assert.deepEqual([half.flags, half.transferTag === NIL], [0, false]);
  i.command(read10(0, 2), { edtl: 1024 });
  assert.equal(i.takeOnly().data.length, 1024, 'not yet');
  const end = text(i, '', { ttt: half.transferTag });
  assert.deepEqual([end.flags, end.transferTag], [0x80, NIL]);
  i.command(read10(0, 2), { edtl: 1024 });
  assert.deepEqual(
    i.takeAll().map(({ data }) => data.length),
    [512, 512],
  );
});

test('T-033 unknown keys are answered NotUnderstood after the login too', () => {
  const { i } = loggedIn();
  assert.equal(text(i, 'X-org.example=1\0InitiatorAlias=me\0').text, 'X-org.example=NotUnderstood\0');
});

test('T-041 T-117 a repeated key, or one that belongs to the login, is rejected with 0x04, and nothing changes', () => {
  for (const keys of [
    'MaxRecvDataSegmentLength=512\0MaxRecvDataSegmentLength=1024\0',
    'MaxRecvDataSegmentLength=512\0MaxBurstLength=512\0',
    'HeaderDigest=CRC32C\0',
    'TargetAlias=x\0',
    'novalue\0',
  ]) {
    const { i } = loggedIn();
    const reject = text(i, keys);
    assert.deepEqual([reject.opcode, reject.byte2], [0x3f, 0x04], keys);
    i.command(read10(0, 2), { edtl: 1024 });
    assert.equal(i.takeOnly().data.length, 1024, keys);
  }
});

test('text that grows beyond the limit is rejected', () => {
  const { i } = loggedIn({}, nodeWith({}, { textLength: 1000 }));
  const open = text(i, 'x'.repeat(900), { flags: 0x40 });
  assert.equal(text(i, 'x'.repeat(200), { flags: 0x40, ttt: open.transferTag }).opcode, 0x3f);
});

test('T-118 T-122 Logout of the session and of its only connection is answered, ends the tasks, and closes', () => {
  for (const [reason, cid] of [
    [0, 0],
    [1, 7],
  ] as const) {
    const { i, device, node } = loggedIn({ cid: 7 });
    device.holds = true;
    i.command(read10(0, 1), { edtl: 512 });
    i.send({ opcode: 0x06, immediate: true, flags: 0x80 | reason, tag: 0x60, word20: cid << 16 });
    const response = i.takeOnly();
    assert.deepEqual([response.opcode, response.tag, response.byte2], [0x26, 0x60, 0]);
    assert.equal(i.core.finished, true);
    assert.equal(node.sessions.length, 0);
    device.next();
    i.collect().nothing();
  }
});

test('T-119 Logout for recovery is answered with 2, of an unknown connection with 1; both change nothing', () => {
  const { i } = loggedIn({ cid: 7 });
  i.send({ opcode: 0x06, immediate: true, flags: 0x82, tag: 1, word20: 7 << 16 });
  assert.equal(i.takeOnly().byte2, 2);
  i.send({ opcode: 0x06, immediate: true, flags: 0x81, tag: 1, word20: 8 << 16 });
  assert.equal(i.takeOnly().byte2, 1);
  i.ping();
  assert.equal(i.takeOnly().opcode, 0x20);
});

test('T-126 a SNACK is rejected with 0x03, and a command that waits for data ends with 0B/11/13', () => {
  const { i } = loggedIn();
  const tag = i.command('2a000000000000000100', { flags: 0xa1, edtl: 512 });
  const r2t = i.take();
  i.send({ opcode: 0x10, flags: 0x80, tag });
  assert.deepEqual([i.pdus[0]?.opcode, i.take().byte2], [0x3f, 0x03]);
  i.dataOut(tag, r2t.transferTag, 0, 0, pattern(512));
  assert.equal(i.takeOnly().sense, '0b/11/13');
  i.send({ opcode: 0x10, flags: 0x81 });
  assert.equal(i.takeOnly().byte2, 0x03);
});
