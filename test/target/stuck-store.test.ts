/** Aborts while the store does not answer: what only reads is let go, what writes is waited for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { HeldStore, settle } from '../device/stores.ts';
import { NIL } from '../support/speaker/pdu.ts';
import { read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

const WRITE = 0xa1;
const ABORT_TASK = 1;
const LOGICAL_UNIT_RESET = 5;
const TARGET_WARM_RESET = 6;
const ABORT_PATIENCE = 5000;

function sessions(...isids: readonly string[]) {
  const store = new HeldStore();
  const unit = new DeviceLogicalUnit(store, { serial: 'stuck' });
  const device = new DeviceServer({ name: TARGET_NAME });
  device.attach(0, unit);
  const second = new DeviceLogicalUnit(new HeldStore(), { serial: 'second' });
  device.attach(1, second);
  const node = new TargetNode({
    targets: [{ name: TARGET_NAME, device }],
    limits: { abortPatience: ABORT_PATIENCE, keepAlive: Number.POSITIVE_INFINITY },
  });
  const initiators = isids.map((isid) => {
    const i = new RawInitiator(node);
    i.login({ isid });
    for (const lun of ['0', '0001000000000000']) i.command('00', { lun });
    i.takeAll(); // power on
    return i;
  });
  return { store, unit, node, device, initiators };
}

function one() {
  const { initiators, ...others } = sessions('800000000001');
  const [i] = initiators;
  assert.ok(i);
  return { i, ...others };
}

/** The response of the only PDU, which must answer `tag`. */
function responseTo(i: RawInitiator, tag: number): number {
  const pdu = i.collect().takeOnly();
  assert.deepEqual([pdu.opcode, pdu.tag], [0x22, tag]);
  return pdu.byte2;
}

test('ABORT TASK of a READ is answered though the store never answers, and a late answer reaches nobody', async () => {
  const { i, store } = one();
  const tag = i.command(read10(0, 8), { edtl: 4096 });
  const abort = i.taskManagement(ABORT_TASK, tag);
  i.pass(499).nothing(); // it may still end by itself
  i.pass(1);
  assert.equal(responseTo(i, abort), 0);
  // The tag, the window and the task set are free.
  i.command(read10(100, 1), { edtl: 512, tag, flags: 0xc2 });
  assert.deepEqual(store.log, ['read', 'read']);
  const [late, next] = store.held;
  await late?.release();
  i.collect().nothing();
  await next?.release();
  const answer = i.collect().takeOnly();
  assert.deepEqual([answer.opcode, answer.tag, answer.data.length], [0x25, tag, 512]);
});

test('a WRITE that has not begun is let go as well, and never begins', async () => {
  const { i, store } = one();
  const reading = i.command(read10(0, 1), { edtl: 512 });
  const writing = i.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(512) });
  const abort = i.taskManagement(ABORT_TASK, writing);
  i.pass(500);
  assert.equal(responseTo(i, abort), 0);
  i.command(read10(8, 1), { edtl: 512 }); // takes what the write has left
  await store.releaseNext();
  assert.equal(i.collect().takeOnly().tag, reading);
  assert.deepEqual(store.log, ['read', 'read'], 'nothing was written');
});

test('ABORT TASK of a WRITE that the store has is refused in the end, and the write is answered when it is done', async () => {
  const { i, store, unit } = one();
  const tag = i.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(512) });
  const abort = i.taskManagement(ABORT_TASK, tag);
  i.pass(ABORT_PATIENCE - 1).nothing();
  i.pass(1);
  assert.equal(responseTo(i, abort), 255, 'function rejected: it may still have an effect');
  await store.releaseNext();
  const answer = i.collect().takeOnly();
  assert.deepEqual([answer.opcode, answer.tag, answer.status], [0x21, tag, 0], 'the task is still there');
  assert.equal(unit.order.idle, true);
  const idle = one();
  idle.i.pass(ABORT_PATIENCE);
  assert.equal(i.core.nextDeadline(), idle.i.core.nextDeadline(), 'nothing is waited for any more');
});

test('a write that ends in time ends the abort, and has its effect before that', async () => {
  const { i, store } = one();
  const tag = i.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(512) });
  const abort = i.taskManagement(ABORT_TASK, tag);
  i.pass(1000).nothing();
  await store.releaseNext();
  assert.equal(responseTo(i, abort), 0);
  i.pass(ABORT_PATIENCE).nothing();
});

test('LOGICAL UNIT RESET by one session answers the commands of the others TASK ABORTED, also those that the store keeps', () => {
  const { initiators, store } = sessions('800000000001', '800000000002');
  const [i, other] = initiators;
  assert.ok(i && other);
  const reading = other.command(read10(0, 1), { edtl: 512 });
  const ordered = other.command(read10(1, 1), { edtl: 512, flags: 0xc2 });
  other.command(read10(2, 1), { edtl: 512, cmdSN: (other.cmdSN + 1) >>> 0 }); // one before it is missing
  const reset = i.taskManagement(LOGICAL_UNIT_RESET);
  i.nothing();
  const first = other.collect().takeOnly();
  assert.deepEqual([first.tag, first.status], [ordered, 0x40], 'what had not begun, at once');
  i.pass(500);
  assert.equal(responseTo(i, reset), 0);
  const second = other.collect().takeOnly();
  assert.deepEqual([second.opcode, second.tag, second.status], [0x21, reading, 0x40]);
  assert.deepEqual(store.log, ['read']);
  // What its own session has not put into order yet comes after the reset.
  other.command('00');
  const [attention] = other.takeAll();
  assert.equal(attention?.sense, '06/29/03');
  assert.deepEqual(store.log, ['read', 'read']);
});

test('a write of another session is waited for, and answered TASK ABORTED when it has ended', async () => {
  const { initiators, store } = sessions('800000000001', '800000000002');
  const [i, other] = initiators;
  assert.ok(i && other);
  const writing = other.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(512) });
  const reset = i.taskManagement(LOGICAL_UNIT_RESET);
  i.pass(1000).nothing();
  other.collect().nothing();
  await store.releaseNext();
  assert.equal(responseTo(i, reset), 0);
  const answer = other.collect().takeOnly();
  assert.deepEqual([answer.opcode, answer.tag, answer.status], [0x21, writing, 0x40]);
});

test('TARGET WARM RESET ends the commands of all sessions on all logical units, resets, and tells everybody', () => {
  const { initiators, device } = sessions('800000000001', '800000000002');
  const [i, other] = initiators;
  assert.ok(i && other);
  const SECOND = '0001000000000000';
  const own = i.command(read10(0, 1), { edtl: 512 });
  const reading = other.command(read10(0, 1), { edtl: 512, lun: SECOND });
  i.command(read10(5, 1), { edtl: 512, cmdSN: (i.cmdSN + 1) >>> 0 }); // one before it is missing
  const unit = device.logicalUnit(1);
  assert.ok(unit);
  unit.softwareWriteProtect = true;
  const reset = i.taskManagement(TARGET_WARM_RESET, NIL, { lun: 'ffff000000000000' }); // LUN is reserved here
  assert.equal(unit.softwareWriteProtect, true, 'not before the commands are gone');
  i.pass(500);
  const response = i.takeAll().at(-1);
  assert.deepEqual([response?.opcode, response?.tag, response?.byte2], [0x22, reset, 0]);
  assert.equal(unit.softwareWriteProtect, false);
  const answer = other.collect().takeOnly();
  assert.deepEqual([answer.tag, answer.status], [reading, 0x40]);
  assert.equal(i.pdus.length, 0, `nothing of the own command ${own}`);
  for (const session of [i, other]) {
    for (const lun of ['0', SECOND]) {
      session.command('00', { lun, immediate: true });
      assert.equal(session.takeOnly().sense, '06/29/03');
    }
  }
  // The numbers before the function count as received.
  assert.equal(response?.expCmdSN, i.cmdSN);
});

test('a session that ends does not keep others waiting for a read that the store never answers', async () => {
  const { initiators, store } = sessions('800000000001', '800000000002');
  const [i, other] = initiators;
  assert.ok(i && other);
  i.command(read10(0, 1), { edtl: 512, flags: 0xc2 }); // ORDERED: nobody overtakes it
  other.command(read10(1, 1), { edtl: 512 });
  assert.equal(store.held.length, 1);
  i.core.ended();
  assert.equal(store.held.length, 2);
  await store.held[0]?.release();
  await settle();
  other.collect().nothing();
});
