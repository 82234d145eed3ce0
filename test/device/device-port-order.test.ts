/** Commands of ports in this process among those of other nexuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DevicePort } from '../../src/device/device-port.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { CLOCK } from '../../src/node/clock.ts';
import { TASK_ATTRIBUTES } from '../../src/scsi/scsi-task.ts';
import { FakeNexus } from './fake.ts';
import { HeldStore } from './stores.ts';

const { simple, ordered } = TASK_ATTRIBUTES;

test('a port keeps the order of the unit, and a reset that another nexus asks for ends its commands', async () => {
  const store = new HeldStore();
  const device = new DeviceServer();
  const unit = new DeviceLogicalUnit(store, { serial: 'shared' });
  device.attach(0, unit);
  const [one, two] = [new DevicePort(device, { clock: CLOCK }), new DevicePort(device, { clock: CLOCK })];
  for (const nexus of unit.attentions.nexuses()) unit.attentions.take(nexus);
  const outcomes: string[] = [];
  const read = (port: DevicePort, lba: number, attribute: number): void => {
    const task = port.newTask();
    task.cdb.setUint8(0, 0x28);
    task.cdb.setUint32(2, lba);
    task.cdb.setUint16(7, 1);
    task.dataIn = new Uint8Array(512);
    task.attribute = attribute;
    task.settle = ({ status }, error) => outcomes.push(`LBA ${lba}: ${error?.code ?? status}`);
    port.submit(task);
  };
  const running = (): number[] => store.held.map(({ position }) => position / 512);

  read(one, 1, simple);
  read(two, 2, ordered);
  read(one, 3, simple);
  assert.deepEqual(running(), [1]);
  await store.releaseNext();
  assert.deepEqual(running(), [2]);

  const issuer = new FakeNexus('iqn.2003-01.org.example:issuer,i,0x800000000001');
  const reset = device.beginFunction('logicalUnitReset', 0, 0, issuer);
  const tasks = reset?.tasks ?? [];
  assert.equal(tasks.length, 2);
  for (const task of tasks) task.aborted = true;
  const gone: unknown[] = [];
  const late = tasks.filter((task) => !task.terminate(issuer, { taskGone: (other) => gone.push(other) }));
  assert.deepEqual(outcomes, ['LBA 1: 0', 'LBA 3: 64'], 'what waited is told at once: TASK ABORTED');
  await store.releaseNext();
  assert.deepEqual(outcomes.slice(2), ['LBA 2: 64'], 'what the device had when it is done with it');
  assert.deepEqual(gone, late);
  await Promise.all([one.close(), two.close()]);
});

test('a command that the store never ends does not keep a reset waiting, and its object serves no other', async () => {
  const store = new HeldStore();
  const device = new DeviceServer();
  const unit = new DeviceLogicalUnit(store, { serial: 'stuck' });
  device.attach(0, unit);
  const port = new DevicePort(device, { clock: CLOCK });
  for (const nexus of unit.attentions.nexuses()) unit.attentions.take(nexus);
  const outcomes: string[] = [];
  const submit = (opcode: number, data: Partial<{ dataIn: Uint8Array; dataOut: Uint8Array }>): void => {
    const task = port.newTask();
    task.cdb.setUint8(0, opcode);
    task.cdb.setUint16(7, 1);
    Object.assign(task, data);
    task.settle = ({ status }, error) => outcomes.push(`${opcode.toString(16)}: ${error?.code ?? status}`);
    port.submit(task);
  };
  submit(0x28, { dataIn: new Uint8Array(512) });
  const issuer = new FakeNexus('iqn.2003-01.org.example:issuer,i,0x800000000001');
  const end = () => {
    const tasks = device.beginFunction('logicalUnitReset', 0, 0, issuer)?.tasks ?? [];
    for (const task of tasks) task.aborted = true;
    const gone: unknown[] = [];
    const watcher = { taskGone: (task: unknown) => gone.push(task) };
    for (const task of tasks) assert.equal(task.terminate(issuer, watcher), false);
    for (const task of tasks) task.letGo();
    return { tasks, gone, watcher };
  };
  const read = end();
  assert.deepEqual([outcomes, read.gone], [['28: 64'], read.tasks]);
  submit(0x2a, { dataOut: new Uint8Array(512) });
  submit(0x28, { dataIn: new Uint8Array(512) });
  while (store.held.length > 0) await store.releaseNext();
  assert.deepEqual(outcomes, ['28: 64', '2a: 0', '28: 0'], 'the late answer has reached neither');

  submit(0x2a, { dataOut: new Uint8Array(512) });
  const write = end();
  assert.deepEqual([outcomes.length, write.gone], [3, []], 'a write is waited for');
  for (const task of write.tasks) task.spare(write.watcher);
  await store.releaseNext();
  assert.deepEqual([outcomes.at(-1), write.gone], ['2a: 0', []], 'and goes on when the reset is given up');
  await port.close();
});
