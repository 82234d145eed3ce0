import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import type { UnitFunction } from '../../src/device/task.ts';
import { bench, FakeNexus, FakeTask, resetUnit } from './fake.ts';
import { HeldStore } from './stores.ts';

const READ_10 = '28 00 00000000 00 0001 00';
const TEST_UNIT_READY = '00 00 00000000 00 0000 00';

/** Three nexuses: two of the device, one of another device that has the same unit; each has a command under way. */
function threeNexuses() {
  const store = new HeldStore();
  const { device, unit } = bench({}, store);
  const elsewhere = new DeviceServer();
  elsewhere.attach(7, unit);
  const names = ['issuer', 'same-device', 'other-device'];
  const nexuses = names.map((name) => new FakeNexus(`iqn.2003-01.org.example:${name},i,0x800000000001`));
  const [issuer, sameDevice, otherDevice] = nexuses as [FakeNexus, FakeNexus, FakeNexus];
  const submit = (nexus: FakeNexus, cdb = READ_10): FakeTask => {
    const task = new FakeTask(hex(cdb), undefined, nexus);
    nexus.tasks.push(task);
    if (nexus === otherDevice) task.submit(elsewhere, 0x0007_0000, 0);
    else task.submit(device, 0, 0);
    return task;
  };
  for (const nexus of nexuses) {
    (nexus === otherDevice ? elsewhere : device).nexusStarted(nexus);
    unit.attentions.take(nexus);
  }
  const tasks = nexuses.map((nexus) => submit(nexus));
  return { store, device, unit, issuer, sameDevice, otherDevice, tasks, submit };
}

test('a function of a logical unit finds the tasks that it ends, over whichever device they came', () => {
  const expected: Record<UnitFunction, readonly string[]> = {
    abortTaskSet: ['issuer'],
    clearTaskSet: ['issuer', 'other-device', 'same-device'],
    logicalUnitReset: ['issuer', 'other-device', 'same-device'],
  };
  for (const [name, whose] of Object.entries(expected) as [UnitFunction, readonly string[]][]) {
    const { device, issuer } = threeNexuses();
    const found = device.beginFunction(name, 0, 0, issuer)?.tasks.map(({ nexus }) => nexus.initiatorPortName);
    assert.deepEqual(found?.map((port) => /:(.*),i,/.exec(port)?.[1]).sort(), whose, name);
  }
});

test('a LUN without unit has nothing to end', () => {
  const { device, issuer } = threeNexuses();
  assert.equal(device.beginFunction('logicalUnitReset', 0x0009_0000, 0, issuer), undefined);
});

test('ABORT TASK SET and CLEAR TASK SET tell nobody (TAS 1), LOGICAL UNIT RESET everybody', () => {
  for (const [name, code] of [
    ['abortTaskSet', undefined],
    ['clearTaskSet', undefined],
    ['logicalUnitReset', 0x29],
  ] as const) {
    const { device, unit, issuer, sameDevice, otherDevice } = threeNexuses();
    device.beginFunction(name, 0, 0, issuer)?.complete();
    const told = [issuer, sameDevice, otherDevice].map((nexus) => unit.attentions.take(nexus)?.asc);
    assert.deepEqual(told, [code, code, code], name);
  }
});

test('a TARGET RESET ends the tasks of all logical units once each, and tells everybody of each', () => {
  const { device, unit, issuer, sameDevice, otherDevice, tasks } = threeNexuses();
  const second = new DeviceLogicalUnit(new HeldStore(), { serial: 'second' });
  device.attach(1, second);
  device.attach(2, unit); // it has two numbers
  const waiting = new FakeTask(hex(READ_10), undefined, sameDevice);
  for (const one of [unit, second]) while (one.attentions.take(sameDevice));
  sameDevice.tasks.push(waiting);
  waiting.submit(device, 0x0001_0000, 0);
  const run = device.beginTargetReset(issuer);
  assert.deepEqual(new Set(run.tasks), new Set([...tasks, waiting]));
  assert.equal(run.tasks.length, 4);
  for (const one of [unit, second]) for (const nexus of [issuer, otherDevice]) while (one.attentions.take(nexus));
  run.complete();
  const told = [issuer, sameDevice, otherDevice].map((nexus) => unit.attentions.take(nexus)?.asc);
  assert.deepEqual(told, [0x29, 0x29, 0x29]);
  assert.deepEqual(
    [issuer, sameDevice].map((nexus) => second.attentions.take(nexus)?.ascq),
    [3, 3],
  );
});

test('a unit that a device has under two numbers keeps its nexuses when one of them goes', async () => {
  const { device, unit, submit, sameDevice } = threeNexuses();
  device.attach(5, unit);
  for (const nexus of unit.attentions.nexuses()) unit.attentions.take(nexus);
  device.detach(5);
  for (const nexus of unit.attentions.nexuses()) unit.attentions.take(nexus);
  resetUnit(device, 0, 0);
  assert.equal(submit(sameDevice, TEST_UNIT_READY).outcome, 'CHECK CONDITION 06/29/03');
});
