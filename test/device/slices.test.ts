import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import type { Pace } from '../../src/device/pace.ts';
import { bench, filled, pattern } from './fake.ts';
import { HeldStore, settle } from './stores.ts';

const MIB = 1024 * 1024;
const BLOCKS_8_MIB = '00004000';

/** Nobody works before the test says so. */
class StepPace implements Pace {
  readonly waiting: (() => void)[] = [];
  /** How many bytes were worked through. */
  bytes = 0;

  turn(bytes: number): Promise<void> {
    return new Promise((resolve) =>
      this.waiting.push(() => {
        this.bytes += bytes;
        resolve();
      }),
    );
  }

  /** Lets one slice go. False when none waits. */
  async step(): Promise<boolean> {
    const go = this.waiting.shift();
    go?.();
    await settle();
    return go !== undefined;
  }
}

/** Long work on RAM: the CDB, the data that goes with it, and how many turns it takes at least. */
const LONG_WORK: Readonly<Record<string, readonly [cdb: string, dataOut: Uint8Array, turns: number]>> = {
  'VERIFY with byte check 1': [`8f 02 0000000000000000 ${BLOCKS_8_MIB} 00 00`, filled(8 * MIB, 7), 32],
  'VERIFY with byte check 3': [`8f 06 0000000000000000 ${BLOCKS_8_MIB} 00 00`, filled(512, 7), 32],
  'WRITE AND VERIFY': [`8e 02 0000000000000000 ${BLOCKS_8_MIB} 00 00`, filled(8 * MIB, 7), 32],
  'WRITE SAME': [`93 00 0000000000000000 00008000 00 00`, filled(512, 7), 64],
  'WRITE SAME without data': [`93 01 0000000000000000 00008000 00 00`, new Uint8Array(), 64],
  'UNMAP of many ranges': [
    '42 00 00000000 00 0808 00',
    hex(`0806 0800 00000000 ${'0000000000000001 00000100 00000000'.repeat(128)}`),
    128,
  ],
};

for (const [name, [cdb, dataOut, turns]] of Object.entries(LONG_WORK)) {
  test(`${name} leaves others their turns between its slices, none of which is long`, async () => {
    const pace = new StepPace();
    const { start, run, unit } = bench({ size: 32 * MIB, pace });
    await unit.store.write(0, filled(8 * MIB, 7), 0, 8 * MIB);
    const task = start(cdb, dataOut);
    let steps = 0;
    for (; task.outcome === undefined; steps++) {
      assert.equal((await run('28 00 0000f000 00 0008 00')).outcome, 'GOOD', 'of another range, meanwhile');
      const before = pace.bytes;
      await pace.step();
      assert.ok(pace.bytes - before <= 256 * 1024);
    }
    assert.equal(task.outcome, 'GOOD');
    assert.ok(steps >= turns, `${steps} turns`);
  });

  test(`${name} ends early when it is aborted`, async () => {
    const pace = new StepPace();
    const { start, unit } = bench({ size: 32 * MIB, pace });
    await unit.store.write(0, filled(8 * MIB, 7), 0, 8 * MIB);
    const task = start(cdb, dataOut);
    await pace.step();
    await pace.step();
    task.aborted = true;
    await pace.step();
    assert.equal(task.outcome, 'status 40');
    assert.equal(unit.order.idle, true);
    assert.equal(pace.waiting.length, 0);
  });
}

test('a read that overlaps long work waits for all of it', async () => {
  const pace = new StepPace();
  const { start } = bench({ size: 32 * MIB, pace });
  const same = start('93 00 0000000000000000 00000800 00 00', pattern(512));
  const read = start('28 00 000007ff 00 0001 00');
  while (same.outcome === undefined) {
    assert.equal(read.outcome, undefined);
    await pace.step();
  }
  assert.deepEqual((await read.ended).data, pattern(512));
});

test('GET LBA STATUS of a store with many small pieces leaves others their turns', async () => {
  const pace = new StepPace();
  const { start, unit } = bench({ size: 256 * MIB, pace });
  for (let at = 0; at < 256; at += 2) await unit.store.write(at * MIB, filled(512, 1), 0, 512);
  const task = start('9e 12 0000000000000000 00000808 00 00');
  let steps = 0;
  for (; await pace.step(); steps++);
  assert.equal(task.outcome, 'GOOD');
  assert.equal(task.data.length, 8 + 128 * 16);
  assert.ok(steps >= 128, `${steps} turns`);
});

test('work on a store that takes its time stops between two pieces when it is aborted', async () => {
  const store = new HeldStore(32 * MIB);
  const { start } = bench({}, store);
  const same = start('93 00 0000000000000000 00008000 00 00', filled(512, 7));
  await store.releaseNext();
  same.aborted = true;
  await store.releaseNext();
  assert.equal(same.outcome, 'status 40');
  assert.deepEqual(store.log, ['write', 'write']);
  const verify = start('8f 00 0000000000000000 00004000 00 00');
  await store.releaseNext();
  verify.aborted = true;
  await store.releaseNext();
  assert.equal(verify.outcome, 'status 40');
  assert.deepEqual(store.log, ['write', 'write', 'read', 'read']);
});
