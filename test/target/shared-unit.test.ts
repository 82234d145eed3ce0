/** One logical unit that two targets of a node have: what goes on through one is felt through the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { HeldStore } from '../device/stores.ts';
import { NIL } from '../support/speaker/pdu.ts';
import { read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

const ONE = 'iqn.2003-01.org.example:one';
const TWO = 'iqn.2003-01.org.example:two';
/** The shared unit is LUN 0 of target one, and LUN 3 of target two, whose LUN 0 is another. */
const SHARED_IN_TWO = '0003000000000000';
const OTHER_IN_TWO = '0000000000000000';
const TEST_UNIT_READY = '00';
const SIMPLE = 0xc1;
const ORDERED = 0xc2;
const WRITE = 0xa1;
const ABORT_TASK_SET = 2;
const CLEAR_TASK_SET = 4;
const LOGICAL_UNIT_RESET = 5;
const TASK_ABORTED = 0x40;
const RESET = '06/29/03';

function twoTargets() {
  const store = new HeldStore();
  const shared = new DeviceLogicalUnit(store, { serial: 'shared' });
  const [first, second] = [new DeviceServer({ name: ONE }), new DeviceServer({ name: TWO })];
  first.attach(0, shared);
  second.attach(3, shared);
  second.attach(0, new DeviceLogicalUnit(new HeldStore(), { serial: 'other' }));
  const node = new TargetNode({
    targets: [
      { name: ONE, device: first },
      { name: TWO, device: second },
    ],
  });
  const one = new RawInitiator(node);
  one.login({ targetName: ONE });
  const two = new RawInitiator(node);
  two.login({ targetName: TWO });
  one.command(TEST_UNIT_READY);
  for (const lun of [SHARED_IN_TWO, OTHER_IN_TWO]) two.command(TEST_UNIT_READY, { lun });
  for (const i of [one, two]) i.takeAll(); // power on
  /** The LBAs of the commands that the store has at the moment. */
  const running = (): number[] => store.held.map(({ position }) => position / 512);
  return { store, one, two, running };
}

/** The sense of the next command, or its status when it has none. */
function told(i: RawInitiator, lun: string): string {
  i.command(TEST_UNIT_READY, { lun, flags: 0x81 });
  const response = i.takeOnly();
  return response.data.length > 0 ? response.sense : `status ${response.status}`;
}

/** Tag and status of each SCSI Response. */
function answers(i: RawInitiator): (readonly [number, number])[] {
  return i
    .collect()
    .takeAll()
    .map(({ opcode, tag, status }) => {
      assert.equal(opcode, 0x21);
      return [tag, status];
    });
}

test('an ORDERED command waits for what came over the other target, and what comes over that one waits for it', async () => {
  const { store, one, two, running } = twoTargets();
  two.command(read10(1, 1), { edtl: 512, lun: SHARED_IN_TWO, flags: SIMPLE });
  one.command(read10(2, 1), { edtl: 512, flags: ORDERED });
  two.command(read10(3, 1), { edtl: 512, lun: SHARED_IN_TWO, flags: SIMPLE });
  one.command(read10(4, 1), { edtl: 512, flags: SIMPLE });
  assert.deepEqual(running(), [1]);
  await store.releaseNext();
  assert.deepEqual(running(), [2], 'alone');
  await store.releaseNext();
  assert.deepEqual(running(), [3, 4], 'together');
  await store.releaseNext();
  await store.releaseNext();
  for (const i of [one, two]) assert.equal(i.collect().takeAll().length, 2);
});

test('a LOGICAL UNIT RESET ends the commands of both targets, is answered after the last one, and is told to both', async () => {
  const { store, one, two, running } = twoTargets();
  const reading = two.command(read10(1, 1), { edtl: 512, lun: SHARED_IN_TWO });
  const waiting = two.command(write10(2, 1), { flags: WRITE, edtl: 512, lun: SHARED_IN_TWO });
  const r2t = two.take();
  const ordered = two.command(read10(3, 1), { edtl: 512, lun: SHARED_IN_TWO, flags: ORDERED });
  one.command(read10(4, 1), { edtl: 512 });
  assert.deepEqual(running(), [1, 4], 'nobody waits for data that another session owes');
  const reset = one.taskManagement(LOGICAL_UNIT_RESET);
  const news = one.takeAll().map(({ opcode, tag }) => [opcode, tag]);
  assert.deepEqual(news, [], 'the reads of both targets are still going on');
  await store.releaseNext();
  one.collect().nothing();
  await store.releaseNext();
  const response = one.collect().takeOnly();
  assert.deepEqual([response.opcode, response.tag, response.byte2], [0x22, reset, 0]);
  assert.deepEqual(running(), [], 'none of those that waited has run');
  assert.deepEqual(answers(two), [
    [ordered, TASK_ABORTED],
    [reading, TASK_ABORTED],
  ]);
  two.dataOut(waiting, r2t.transferTag, 0, 0, pattern(512), 0x80, SHARED_IN_TWO);
  assert.deepEqual(answers(two), [[waiting, TASK_ABORTED]], 'when the data that was asked for has come');
  assert.equal(told(two, SHARED_IN_TWO), RESET);
  assert.equal(told(one, '0'), RESET);
  assert.equal(told(two, OTHER_IN_TWO), 'status 0', 'another unit is not concerned');
  two.command(read10(5, 1), { edtl: 512, lun: SHARED_IN_TWO, flags: ORDERED });
  assert.deepEqual(running(), [5], 'all have left the task set');
});

test('CLEAR TASK SET ends the commands of both targets, and answers those of the other TASK ABORTED', async () => {
  const { store, one, two, running } = twoTargets();
  const reading = two.command(read10(1, 1), { edtl: 512, lun: SHARED_IN_TWO });
  two.command(read10(9, 1), { edtl: 512, lun: OTHER_IN_TWO });
  one.command(read10(2, 1), { edtl: 512 });
  const clear = one.taskManagement(CLEAR_TASK_SET);
  one.nothing();
  await store.releaseNext();
  one.collect().nothing();
  await store.releaseNext();
  const response = one.collect().takeOnly();
  assert.deepEqual([response.opcode, response.tag, response.byte2], [0x22, clear, 0]);
  assert.deepEqual(running(), []);
  assert.deepEqual(answers(two), [[reading, TASK_ABORTED]]);
  assert.equal(told(two, SHARED_IN_TWO), 'status 0', 'that told it all');
  assert.equal(told(one, '0'), 'status 0', 'who sent it knows');
  assert.equal(two.core.finished, false);
});

test('CLEAR TASK SET tells nobody whose commands it has not ended, ABORT TASK SET ends those of its own session only', async () => {
  const { store, one, two, running } = twoTargets();
  one.command(read10(1, 1), { edtl: 512 });
  two.taskManagement(CLEAR_TASK_SET, NIL, { lun: OTHER_IN_TWO });
  assert.equal(two.takeOnly().byte2, 0);
  two.taskManagement(ABORT_TASK_SET, NIL, { lun: SHARED_IN_TWO });
  assert.equal(two.takeOnly().byte2, 0);
  assert.deepEqual(running(), [1]);
  await store.releaseNext();
  assert.equal(one.collect().takeOnly().opcode, 0x25);
  assert.equal(told(one, '0'), 'status 0');
});

test('a session that ends lets those wait no longer who came over the other target', async () => {
  const { store, one, two, running } = twoTargets();
  one.command(read10(1, 1), { edtl: 512 });
  one.command(write10(1, 1), { flags: 0xa2, edtl: 512, data: pattern(512) }); // ORDERED
  two.command(read10(2, 1), { edtl: 512, lun: SHARED_IN_TWO });
  assert.deepEqual(running(), [1]);
  one.core.ended();
  assert.deepEqual(running(), [1, 2]);
  await store.releaseNext();
  await store.releaseNext();
  assert.equal(two.collect().takeOnly().opcode, 0x25);
});

test('a logical unit that was attached after commands were sent to its number has an order all the same', async () => {
  const device = new DeviceServer({ name: ONE });
  const i = new RawInitiator(new TargetNode({ targets: [{ name: ONE, device }] }));
  i.login({ targetName: ONE });
  i.command(read10(0, 1), { edtl: 512 });
  assert.equal(i.takeOnly().sense, '05/25/00');
  const store = new HeldStore();
  device.attach(0, new DeviceLogicalUnit(store, { serial: 'late' }));
  assert.equal(told(i, '0'), '06/29/00');
  i.command(read10(1, 1), { edtl: 512 });
  i.command(read10(2, 1), { edtl: 512, flags: ORDERED });
  assert.deepEqual([store.held.length, store.held[0]?.position], [1, 512]);
  await store.releaseNext();
  assert.deepEqual([store.held.length, store.held[0]?.position], [1, 1024]);
});

test('commands for a unit that another took the place of leave its order, and never reach the other', async () => {
  const device = new DeviceServer({ name: ONE });
  const store = new HeldStore();
  device.attach(0, new DeviceLogicalUnit(store, { serial: 'old' }));
  const i = new RawInitiator(new TargetNode({ targets: [{ name: ONE, device }] }));
  i.login({ targetName: ONE });
  i.command(TEST_UNIT_READY);
  i.takeAll();
  i.command(read10(0, 1), { edtl: 512 });
  const behind = i.command(write10(1, 1), { flags: 0xa2, edtl: 512, data: pattern(512) });
  const asking = i.command(write10(2, 1), { flags: WRITE, edtl: 512 });
  const r2t = i.take();

  const old = device.detach(0);
  const replacement = new MemoryStore({ size: 1024 * 1024 });
  device.attach(0, new DeviceLogicalUnit(replacement, { serial: 'new' }));
  assert.equal(told(i, '0'), '06/29/00', 'the new unit answers at once: it has an order of its own');
  await store.releaseNext();
  i.dataOut(asking, r2t.transferTag, 0, 0, pattern(512));
  const [read, ...refused] = i.collect().takeAll();
  assert.equal(read?.opcode, 0x25, 'what was going on went on');
  assert.deepEqual(
    refused.map(({ tag, sense }) => [tag, sense]),
    [
      [behind, '05/25/00'],
      [asking, '05/25/00'],
    ],
  );
  assert.equal(replacement.memoryUsed, 0, 'nothing was written');
  i.command(read10(0, 1), { edtl: 512, flags: ORDERED });
  assert.equal(i.takeOnly().opcode, 0x25);
  if (old !== undefined) device.attach(1, old);
  const lun = '0001000000000000';
  assert.equal(told(i, lun), '06/29/00');
  i.command(read10(3, 1), { edtl: 512, lun, flags: ORDERED });
  assert.equal(store.held.length, 1, 'and the old unit has an empty one');
});
