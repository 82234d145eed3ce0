/** The port to the device server in this process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DevicePort, type DevicePortOptions } from '../../src/device/device-port.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import type { BlockStore } from '../../src/device/store.ts';
import type { ScsiDevice } from '../../src/device/task.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import type { Clock } from '../../src/scsi/port.ts';
import { execute } from '../../src/unit/execute.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { resetUnit } from './fake.ts';
import { HeldStore } from './stores.ts';

const BLOCK = 512;
const TEST_UNIT_READY = cdb('TEST_UNIT_READY', {});

/** A clock that stands still until it is moved on. */
class StillClock implements Clock {
  time = 0;
  readonly waiting = new Map<() => void, number>();

  now(): number {
    return this.time;
  }

  after(milliseconds: number, then: () => void): () => void {
    const once = (): void => then();
    this.waiting.set(once, this.time + milliseconds);
    return () => this.waiting.delete(once);
  }

  /** What is due is called in its order. */
  moveTo(time: number): void {
    for (;;) {
      const [next] = [...this.waiting].filter(([, due]) => due <= time).sort(([, a], [, b]) => a - b);
      if (next === undefined) break;
      this.waiting.delete(next[0]);
      this.time = next[1];
      next[0]();
    }
    this.time = time;
  }
}

/** Lets everything that the store holds end. */
async function release(store: BlockStore): Promise<void> {
  if (store instanceof HeldStore) for (const held of [...store.held]) await held.release();
}

/** A store of 64 blocks full of fives, which holds what it is asked for. */
async function heldStore(): Promise<HeldStore> {
  const store = new HeldStore(64 * BLOCK);
  store.open = true;
  await store.write(0, new Uint8Array(64 * BLOCK).fill(5), 0, 64 * BLOCK);
  store.open = false;
  return store;
}

/** A port that has been told of the power on. */
async function ready(store: BlockStore, options: Partial<DevicePortOptions> = {}) {
  const device = new DeviceServer();
  const unit = new DeviceLogicalUnit(store, { serial: 'port-0' });
  device.attach(0, unit);
  const clock = new StillClock();
  const port = new DevicePort(device, { clock, ...options });
  const { status, sense } = await execute(port, { cdb: TEST_UNIT_READY });
  assert.deepEqual([status, sense?.asc], [2, 0x29], 'POWER ON OCCURRED');
  return { device, unit, clock, port };
}

function read(blocks: number, length: number) {
  const dataIn = new Uint8Array(length);
  return { cdb: cdb('READ_10', { logicalBlockAddress: 1, transferLength: blocks }), dataIn };
}

function write(blocks: number, length: number, value = 7) {
  const dataOut = new Uint8Array(length).fill(value);
  return { cdb: cdb('WRITE_10', { logicalBlockAddress: 1, transferLength: blocks }), dataOut };
}

/** Whether a promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let has = false;
  const note = (): void => {
    has = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return has;
}

test('a RAM store is answered before submit returns, without a timer', async () => {
  const { port, clock } = await ready(new MemoryStore({ size: 64 * BLOCK }));
  const task = port.newTask();
  task.cdb.setUint32(0, 0x2800_0000);
  task.cdb.setUint16(7, 1);
  task.dataIn = new Uint8Array(BLOCK);
  task.timeout = 1000;
  let outcome: unknown;
  task.settle = ({ status, received, residual, deadline }, error) => {
    outcome = { status, received, residual, deadline, error };
  };
  port.submit(task);
  assert.deepEqual(outcome, { status: 0, received: BLOCK, residual: 'none', deadline: 1000, error: undefined });
  assert.equal(clock.waiting.size, 0);
  assert.equal(port.newTask(), task, 'it is in the pool again');
});

for (const store of [new MemoryStore({ size: 64 * BLOCK }), new HeldStore(64 * BLOCK)]) {
  test(`residuals tell what did not fit, over a ${store.constructor.name}`, async () => {
    const { port } = await ready(store);
    const run = async (request: Parameters<typeof execute>[1]) => {
      const result = execute(port, request);
      await release(store);
      const { status, dataInLength, residual } = await result;
      return [status, dataInLength, residual.kind, residual.count];
    };
    assert.deepEqual(await run(write(2, 2 * BLOCK)), [0, 0, 'none', 0]);
    assert.deepEqual(await run(write(1, 2 * BLOCK, 9)), [0, 0, 'underflow', BLOCK]);
    assert.deepEqual(await run(write(3, 2 * BLOCK)), [0, 0, 'overflow', BLOCK]);
    assert.deepEqual(await run(read(2, 2 * BLOCK)), [0, 2 * BLOCK, 'none', 0]);
    assert.deepEqual(await run(read(1, 2 * BLOCK)), [0, BLOCK, 'underflow', BLOCK]);
    assert.deepEqual(await run(read(3, 700)), [0, 700, 'overflow', 3 * BLOCK - 700]);
    assert.deepEqual(await run(write(1, 0)), [0, 0, 'overflow', BLOCK]);
    assert.deepEqual(await run({ cdb: TEST_UNIT_READY }), [0, 0, 'none', 0]);
  });
}

test('a status other than GOOD comes with its sense, and an unknown long CDB is a CHECK CONDITION', async () => {
  const { port } = await ready(new MemoryStore({ size: 64 * BLOCK }));
  const beyond = await execute(port, {
    ...read(1, BLOCK),
    cdb: cdb('READ_10', { logicalBlockAddress: 64, transferLength: 1 }),
  });
  assert.deepEqual([beyond.status, beyond.sense?.senseKey, beyond.sense?.asc], [2, 5, 0x21]);
  const long = await execute(port, { cdb: Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0x7f : 0)) });
  assert.deepEqual([long.status, long.sense?.asc], [2, 0x20]);
});

test('an abort settles when the device has answered; data of a read that comes then is dropped', async () => {
  const store = await heldStore();
  const { port } = await ready(store);
  const stop = new AbortController();
  const request = { ...read(1, BLOCK), signal: stop.signal };
  const command = execute(port, request);
  const other = execute(port, read(2, 2 * BLOCK));
  stop.abort();
  assert.equal(await settled(command), false, 'the device still works on it');
  await release(store);
  await assert.rejects(command, { code: 'ISCSI_ABORTED' });
  assert.ok(request.dataIn.every((byte) => byte === 0));
  assert.equal((await other).dataInLength, 2 * BLOCK);
});

test('a read that takes too long settles in time; what comes later touches neither its buffer nor a later command', async () => {
  const store = await heldStore();
  const { port, clock } = await ready(store, { timeout: 1000 });
  const request = read(1, BLOCK);
  const command = execute(port, request);
  clock.moveTo(999);
  assert.equal(await settled(command), false);
  clock.moveTo(1000);
  await assert.rejects(command, { code: 'ISCSI_TIMEOUT', message: 'No answer within 1000 ms' });
  const next = read(1, BLOCK);
  const later = execute(port, next);
  await release(store);
  assert.equal((await later).dataInLength, BLOCK);
  assert.ok(next.dataIn.every((byte) => byte === 5));
  assert.ok(request.dataIn.every((byte) => byte === 0));
  assert.equal(clock.waiting.size, 0);
});

test('a write that takes too long keeps its buffer until the device has answered', async () => {
  const store = await heldStore();
  const { port, clock } = await ready(store, { timeout: 1000 });
  const command = execute(port, write(1, BLOCK));
  clock.moveTo(5000);
  assert.equal(await settled(command), false);
  await release(store);
  await assert.rejects(command, { code: 'ISCSI_TIMEOUT' });
  const inTime = execute(port, write(1, BLOCK));
  clock.moveTo(5749);
  await release(store);
  assert.equal((await inTime).status, 0, 'an answer before the abort counts');
});

test('close() waits for commands under way, takes no new ones and ends the nexus', async () => {
  const store = await heldStore();
  const { port, unit } = await ready(store);
  const command = execute(port, write(1, BLOCK));
  const closing = port.close();
  await assert.rejects(execute(port, { cdb: TEST_UNIT_READY }), { code: 'ISCSI_CLOSED', commandSent: false });
  assert.equal(await settled(closing), false);
  await release(store);
  assert.equal((await command).status, 0);
  await Promise.all([closing, port.close()]);
  unit.reset();
  assert.equal(unit.attentions.any, false, 'nobody is there to be told');
});

test('each port is a nexus of its own', async () => {
  const { device, port } = await ready(new MemoryStore({ size: 64 * BLOCK }));
  const other = new DevicePort(device, { clock: new StillClock() });
  resetUnit(device, 0, 0);
  for (const one of [port, other]) {
    assert.deepEqual((await execute(one, { cdb: TEST_UNIT_READY })).status, 2);
    assert.deepEqual((await execute(one, { cdb: TEST_UNIT_READY })).status, 0);
  }
  await other.close();
  assert.equal((await execute(port, { cdb: TEST_UNIT_READY })).status, 0);
});

test('a LUN that does not exist is told with those that do', async () => {
  const { device, port } = await ready(new MemoryStore({ size: 64 * BLOCK }));
  const absent = new DevicePort(device, { lun: 300, clock: new StillClock(), deviceName: 'a device' });
  await assert.rejects(LogicalUnit.open(absent, { inventory: port }), {
    code: 'ISCSI_LUN_NOT_FOUND',
    message: 'Cannot open LUN 300 of a device: there is no such logical unit',
    hint: 'it has LUN 0',
  });
});

test('a device that throws fails the command, and the next one is carried out', async () => {
  const store = new MemoryStore({ size: 64 * BLOCK });
  const { device } = await ready(store);
  let broken = false;
  const faulty: ScsiDevice = {
    dataOutLength: (...parameters) => device.dataOutLength(...parameters),
    hasLogicalUnit: (...parameters) => device.hasLogicalUnit(...parameters),
    execute(...parameters) {
      if (broken) throw new Error('it broke');
      device.execute(...parameters);
    },
    taskSetOf: (...parameters) => device.taskSetOf(...parameters),
    beginFunction: (...parameters) => device.beginFunction(...parameters),
    beginTargetReset: (issuer) => device.beginTargetReset(issuer),
    nexusStarted: (nexus) => device.nexusStarted(nexus),
    nexusEnded: (nexus) => device.nexusEnded(nexus),
  };
  const port = new DevicePort(faulty, { clock: new StillClock() });
  const lun = await LogicalUnit.open(port);
  broken = true;
  await assert.rejects(lun.read(new Uint8Array(BLOCK), { position: 0 }), {
    code: 'ISCSI_TARGET_FAILURE',
    cause: new Error('it broke'),
  });
  broken = false;
  await lun.read(new Uint8Array(BLOCK), { position: 0 });
  await port.close();
});

test('commands from within settle get their own tasks', async () => {
  const { port } = await ready(new MemoryStore({ size: 64 * BLOCK }));
  const outcomes: number[] = [];
  const send = (left: number): void => {
    const task = port.newTask();
    task.settle = ({ status }, error) => {
      assert.equal(error, undefined);
      outcomes.push(status);
      if (left > 0) send(left - 1);
    };
    task.timeout = 1000;
    port.submit(task); // TEST UNIT READY
  };
  send(20);
  assert.deepEqual(outcomes, new Array(21).fill(0));
});

test('a command whose time is over while it waits for others leaves nothing behind that ends a later command', async () => {
  const store = await heldStore();
  const { port, clock } = await ready(store);
  const ordered = execute(port, { ...write(1, BLOCK), attribute: 'ordered', timeout: 60_000 });
  const waiting = execute(port, { ...read(1, BLOCK), timeout: 1000 });
  clock.moveTo(750);
  await assert.rejects(waiting, { code: 'ISCSI_TIMEOUT', commandSent: false });
  const later = execute(port, { ...write(1, BLOCK), timeout: 60_000 }); // in the same task object
  clock.moveTo(2000);
  assert.equal(await settled(later), false, 'the device has not begun with it');
  await release(store);
  await release(store);
  assert.deepEqual([(await ordered).status, (await later).status], [0, 0]);
  assert.equal(clock.waiting.size, 0);
  await port.close();
});

test('a device that throws when it is asked how much data a command takes fails that command only', async () => {
  const device = new DeviceServer();
  device.attach(0, new DeviceLogicalUnit(new MemoryStore({ size: 64 * BLOCK }), { serial: 'port-0' }));
  const dataOutLength = device.dataOutLength.bind(device);
  const port = new DevicePort(device, { clock: new StillClock() });
  device.dataOutLength = () => {
    throw new Error('it broke');
  };
  await assert.rejects(execute(port, { cdb: TEST_UNIT_READY }), { code: 'ISCSI_TARGET_FAILURE' });
  device.dataOutLength = dataOutLength;
  assert.equal((await execute(port, { cdb: TEST_UNIT_READY })).status, 2, 'POWER ON OCCURRED');
  await port.close();
});
