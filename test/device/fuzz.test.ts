import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { deviceFuzz } from '../fuzz/device.ts';
import { randomBelow, SEED } from '../scsi/random.ts';
import { FakeTask, NEXUS, OTHER_NEXUS, resetUnit } from './fake.ts';
import { HeldStore, settle } from './stores.ts';

/** A seed with some bytes changed, cut or lengthened. */
function mutated(seed: Uint8Array, below: (limit: number) => number): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, seed.length + (below(4) === 0 ? below(64) - 32 : 0)));
  bytes.set(seed.subarray(0, bytes.length));
  for (let change = below(5); change > 0 && bytes.length > 0; change--) {
    // Mostly the CDB; the operation code seldom, or most would be unknown.
    const at = below(3) === 0 ? below(bytes.length) : Math.min(1 + below(15), bytes.length - 1);
    bytes[at] = below(3) === 0 ? below(256) : (bytes[at] ?? 0) ^ (1 << below(8));
  }
  if (below(20) === 0) bytes[0] = below(256);
  return bytes;
}

for (const { name, parse, seeds } of deviceFuzz) {
  test(`${name}: each command gets exactly one answer, whatever its bytes`, () => {
    const below = randomBelow(SEED);
    for (const seed of seeds) parse(seed);
    for (let step = 0; step < 6000; step++) {
      const bytes = mutated(seeds[below(seeds.length)] ?? new Uint8Array(), below);
      try {
        parse(bytes);
      } catch (cause) {
        throw new Error(
          `failed with SEED=${SEED} at step ${step}: ${Buffer.from(bytes.slice(0, 64)).toString('hex')}`,
          { cause },
        );
      }
    }
  });
}

test('with many commands in flight on a slow store, some of them aborted or failing, each gets exactly one answer', async () => {
  const below = randomBelow(SEED);
  const store = new HeldStore(1024 * 1024, 512, true);
  const device = new DeviceServer();
  const unit = new DeviceLogicalUnit(store, { serial: 'slow' });
  device.attach(0, unit);
  device.nexusStarted(NEXUS);
  device.nexusStarted(OTHER_NEXUS);
  const seeds = deviceFuzz[0]?.seeds ?? [];
  const tasks: FakeTask[] = [];
  for (let step = 0; step < 1500; step++) {
    const bytes = mutated(seeds[below(seeds.length)] ?? new Uint8Array(), below);
    const cdb = bytes.subarray(0, 16);
    const probe = new FakeTask(cdb);
    const wanted = device.dataOutLength(0, 0, probe.cdb, probe.cdbLength);
    const task = new FakeTask(cdb, bytes.slice(16, 16 + wanted), below(2) === 0 ? NEXUS : OTHER_NEXUS);
    tasks.push(task);
    task.submit(device, 0, 0);
    if (below(10) === 0) {
      const victim = tasks[below(tasks.length)];
      if (victim) victim.aborted = true;
    }
    if (below(200) === 0) resetUnit(device, 0, 0);
    if (below(2) === 0) {
      const held = store.held[below(store.held.length)];
      if (below(8) === 0) await held?.reject(new Error('broken on purpose'));
      else await held?.release();
    }
  }
  while (store.held.length > 0) await store.releaseNext();
  await unit.order.whenIdle();
  await settle();
  for (const [index, task] of tasks.entries()) {
    assert.notEqual(task.outcome, undefined, `SEED=${SEED}: task ${index} was never answered`);
  }
  await unit.close();
  assert.equal(store.closed, true);
});
