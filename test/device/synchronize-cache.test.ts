import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench, filled, NEXUS, OTHER_NEXUS, resetUnit } from './fake.ts';
import { FaultStore, HeldStore, settle } from './stores.ts';

const SYNCHRONIZE_10 = '35 00 00000000 00 0000 00';
const TEST_UNIT_READY = '00 00 00 00 00 00';

test('SYNCHRONIZE CACHE is answered when the flush has ended', async () => {
  for (const cdb of [
    SYNCHRONIZE_10,
    '91 00 0000000000000000 00000000 00 00',
    '35 04 00000005 00 0010 00', // SYNC_NV is obsolete and does no harm
  ]) {
    const store = new HeldStore();
    const { start } = bench({}, store);
    const task = start(cdb);
    assert.deepEqual(store.log, ['flush']);
    assert.equal(task.outcome, undefined);
    await store.releaseNext();
    assert.equal(task.outcome, 'GOOD');
  }
});

test('it covers every write that came before it, also one that is not answered yet', async () => {
  const store = new HeldStore();
  const { start } = bench({}, store);
  start('2a 00 00000000 00 0001 00', filled(512, 1));
  start(SYNCHRONIZE_10);
  assert.deepEqual(store.log, ['write']);
  await store.releaseNext();
  assert.deepEqual(store.log, ['write', 'flush']);
});

test('a range that leaves the unit is 21/00; 0 blocks mean up to the last one', async () => {
  const { run } = bench();
  for (const [cdb, outcome] of [
    ['35 00 00000000 00 0800 00', 'GOOD'],
    ['35 00 000007ff 00 0000 00', 'GOOD'],
    ['35 00 00000000 00 0801 00', 'CHECK CONDITION 05/21/00'],
    ['35 00 00000801 00 0000 00', 'CHECK CONDITION 05/21/00'],
    ['91 00 ffffffffffffffff 00000001 00 00', 'CHECK CONDITION 05/21/00'],
  ] as const) {
    assert.equal((await run(cdb)).outcome, outcome, cdb);
  }
});

test('a flush that fails is a write error', async () => {
  for (const fault of ['throw', 'reject'] as const) {
    const store = new FaultStore(fault);
    store.broken.add('flush');
    assert.equal((await bench({}, store).run(SYNCHRONIZE_10)).outcome, 'CHECK CONDITION 03/0c/00');
  }
});

test('with IMMED it is answered at once; a failure is told with the next command of this session, once', async () => {
  const store = new HeldStore();
  const { start, run } = bench({}, store);
  const task = start('35 02 00000000 00 0000 00');
  assert.equal(task.outcome, 'GOOD');
  await store.held[0]?.reject(new Error('broken on purpose'));
  assert.equal((await run(TEST_UNIT_READY, undefined, OTHER_NEXUS)).outcome, 'GOOD');
  const next = await run(TEST_UNIT_READY, undefined, NEXUS);
  assert.equal(next.outcome, 'CHECK CONDITION 03/0c/00');
  assert.equal(next.sense[0], 0x71, 'a deferred error');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
});

test('a deferred error survives a reset, behind its unit attention', async () => {
  const store = new HeldStore();
  const { device, start, run } = bench({}, store);
  start('35 02 00000000 00 0000 00');
  await store.held[0]?.reject(new Error('broken on purpose'));
  await settle();
  resetUnit(device, 0, 0);
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'CHECK CONDITION 06/29/03');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'CHECK CONDITION 03/0c/00');
});

test('a write-protected unit can be flushed', async () => {
  const { run, unit } = bench();
  unit.softwareWriteProtect = true;
  assert.equal((await run(SYNCHRONIZE_10)).outcome, 'GOOD');
  assert.equal(toHex((await run('5a 08 0a 00 00 00 00 00ff 00')).data.slice(0, 8)), '0012009000000000');
});
