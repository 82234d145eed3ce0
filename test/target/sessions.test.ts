import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textOf } from '../support/speaker/data.ts';
import { nodeWith, read10, write10 } from './fake-device.ts';
import { INITIATOR_NAME, pattern, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

const PORT_NAME = `${INITIATOR_NAME},i,0x800000000001`;

test('T-048 a login with the same ISID and TSIH 0 ends the old session and its tasks, and gets another TSIH', () => {
  const { node, device } = nodeWith();
  const old = new RawInitiator(node);
  const oldTsih = old.login().view.getUint16(14);
  device.holds = true;
  old.command(write10(0, 1), { flags: 0xa1, edtl: 512, data: pattern(512) });
  const [task] = device.tasks;

  const fresh = new RawInitiator(node);
  const tsih = fresh.login().view.getUint16(14);
  assert.notEqual(tsih, oldTsih);
  assert.equal(old.core.finished, true);
  assert.equal(task?.aborted, true);
  assert.deepEqual(device.log.slice(-2), [`end ${PORT_NAME}`, `start ${PORT_NAME}`], 'in this order');
  device.next();
  old.collect().nothing();
  assert.deepEqual(
    node.sessions.map(({ identity }) => identity.tsih),
    [tsih],
  );
});

test('T-049 a login that fails leaves the old session alone', () => {
  const { node } = nodeWith();
  const old = new RawInitiator(node);
  old.login();
  const failing = new RawInitiator(node);
  failing.send(failing.loginRequest(0x04, textOf({ InitiatorName: INITIATOR_NAME, TargetName: TARGET_NAME })));
  failing.send(failing.loginRequest(0x87, 'HeaderDigest=None\0HeaderDigest=None\0'));
  assert.deepEqual(
    failing.takeAll().map((pdu) => pdu.view.getUint16(36)),
    [0, 0x0200],
  );
  assert.equal(old.core.finished, false);
  old.ping();
  assert.equal(old.takeOnly().opcode, 0x20);
});

test('T-050 another ISID, or another initiator, is a session of its own', () => {
  const { node } = nodeWith();
  const logins = [{}, { isid: '800000000002' }, { initiatorName: 'iqn.2003-01.org.example:other' }];
  const initiators = logins.map((login) => {
    const i = new RawInitiator(node);
    i.login(login);
    return i;
  });
  assert.equal(node.sessions.length, 3);
  for (const i of initiators) assert.equal(i.core.finished, false);
});

test('T-071 unnamed discovery sessions to different portals are independent, to the same portal the second reinstates the first', () => {
  const { node } = nodeWith();
  const [here, there, again] = [
    new RawInitiator(node),
    new RawInitiator(node, { host: '192.0.2.2', port: 3260 }),
    new RawInitiator(node),
  ];
  here.login({ discovery: true });
  there.login({ discovery: true });
  assert.deepEqual([here.core.finished, there.core.finished], [false, false]);
  again.login({ discovery: true });
  assert.deepEqual([here.core.finished, there.core.finished], [true, false]);
});

test('T-133 T-135 a connection that is lost ends the session: nexus gone, tasks aborted, nothing held', () => {
  const { node, device } = nodeWith();
  const i = new RawInitiator(node);
  i.login();
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  i.core.ended(new Error('reset by peer'));
  assert.equal(device.tasks[0]?.aborted, true);
  assert.equal(device.nexuses.size, 0);
  assert.deepEqual([node.sessions.length, node.connectionCount], [0, 0]);
  device.next();
  assert.equal(node.sessions.length, 0);
});

test('T-123 a node that closes tells its initiators that the session is dropped, with nothing to come back to', () => {
  const { node } = nodeWith();
  const i = new RawInitiator(node);
  i.login();
  node.close();
  const message = i.collect().takeOnly();
  assert.deepEqual([message.opcode, message.tag], [0x32, 0xffff_ffff]);
  assert.equal(message.view.getUint8(36), 3, 'AsyncEvent: the session is dropped');
  assert.equal(message.view.getUint16(42), 0, 'Time2Retain');
  assert.equal(i.core.finished, true);
});

test('T-118 a discovery session gets no Asynchronous Message when the node closes', () => {
  const { node } = nodeWith();
  const i = new RawInitiator(node);
  i.login({ discovery: true });
  node.close();
  i.collect().nothing();
});
