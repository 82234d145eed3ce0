import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench, filled } from './fake.ts';
import { FaultStore, HeldStore } from './stores.ts';

const NOT_READY = 'CHECK CONDITION 02/04/02';
const INVALID_FIELD = 'CHECK CONDITION 05/24/00';
const TEST_UNIT_READY = '00 00 00 00 00 00';
const STOP = '1b 00 00 00 00 00';
const START = '1b 00 00 00 01 00';

test('a stopped unit is not ready for what needs the medium, until it is started', async () => {
  const { run } = bench();
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
  assert.equal((await run(STOP)).outcome, 'GOOD');
  for (const cdb of [
    TEST_UNIT_READY,
    '28 00 00000000 00 0001 00',
    '08 00 00 00 01 00',
    '2a 00 00000000 00 0001 00',
    '2f 00 00000000 00 0001 00',
    '2e 00 00000000 00 0001 00',
    '35 00 00000000 00 0000 00',
    '41 00 00000000 00 0001 00',
    '42 00 00000000 00 0000 00',
    '25 00 00000000 0000 00 00',
    '9e 10 0000000000000000 00000020 00 00',
    '9e 12 0000000000000000 00000020 00 00',
  ]) {
    assert.equal((await run(cdb, filled(512, 1))).outcome, NOT_READY, cdb);
  }
  for (const cdb of [
    '12 00 00 0024 00',
    'a0 00 00 000000 00000010 00 00',
    '1a 00 3f 00 ff 00',
    '1e 00 00 00 00 00',
    'a3 0c 00 00 0000 00000010 00 00',
  ]) {
    assert.equal((await run(cdb)).outcome, 'GOOD', cdb);
  }
  assert.equal(toHex((await run('03 00 00 00 ff 00')).data), '700002000000000a000000000402' + '00000000');
  assert.equal((await run(START)).outcome, 'GOOD');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
});

test('STOP brings the cache onto the medium before it is answered, unless NO_FLUSH', async () => {
  const store = new HeldStore();
  const { start, unit } = bench({}, store);
  const stop = start(STOP);
  assert.equal(stop.outcome, undefined);
  await store.releaseNext();
  assert.equal(stop.outcome, 'GOOD');
  assert.equal(start('1b 00 00 00 04 00').outcome, 'GOOD');
  assert.equal(start(START).outcome, 'GOOD');
  const immediate = start('1b 01 00 00 00 00');
  assert.equal(immediate.outcome, 'GOOD');
  assert.equal(unit.stopped, true);
  assert.deepEqual(store.log, ['flush', 'flush']);
});

test('a STOP whose flush fails leaves the unit started', async () => {
  const store = new FaultStore('throw');
  store.broken.add('flush');
  const { run } = bench({}, store);
  assert.equal((await run(STOP)).outcome, 'CHECK CONDITION 03/0c/00');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
  assert.equal((await run('1b 01 00 00 00 00')).outcome, 'GOOD');
  assert.equal((await run('12 00 00 0024 00')).outcome, 'GOOD');
  assert.equal((await run(START)).outcome, 'CHECK CONDITION 03/0c/00', 'the deferred error');
});

test('there are no power conditions, and nothing to load or eject', async () => {
  const { run } = bench();
  for (const [cdb, specific] of [
    ['1b 00 00 00 10 00', 'cc0004'],
    ['1b 00 00 00 b1 00', 'cf0004'],
    ['1b 00 00 01 00 00', 'c80003'],
    ['1b 00 00 00 02 00', 'c90004'], // LOEJ
    ['1b 00 00 00 03 00', 'c90004'],
  ] as const) {
    const task = await run(cdb);
    assert.equal(task.outcome, INVALID_FIELD, cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), specific, cdb);
  }
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
});

test('REQUEST SENSE without anything to tell is NO SENSE, in the format that it asks for', async () => {
  const { run } = bench();
  assert.equal(toHex((await run('03 00 00 00 ff 00')).data), `7000000000000 00a${'00'.repeat(10)}`.replace(' ', ''));
  assert.equal(toHex((await run('03 01 00 00 ff 00')).data), '7200000000000000');
  assert.equal((await run('03 00 00 00 04 00')).data.length, 4);
  assert.equal((await run('03 00 00 00 00 00')).outcome, 'GOOD');
});

test('PREVENT ALLOW MEDIUM REMOVAL is taken; the obsolete values are refused', async () => {
  const { run } = bench();
  for (const prevent of ['00', '01']) assert.equal((await run(`1e 00 00 00 ${prevent} 00`)).outcome, 'GOOD');
  for (const prevent of ['02', '03']) {
    const task = await run(`1e 00 00 00 ${prevent} 00`);
    assert.equal(task.outcome, INVALID_FIELD);
    assert.equal(toHex(task.sense.slice(15, 18)), 'c90004');
  }
});

test('SEND DIAGNOSTIC runs the default self-test and nothing else', async () => {
  const { run } = bench();
  assert.equal((await run('1d 04 00 0000 00')).outcome, 'GOOD');
  for (const cdb of [
    '1d 00 00 0000 00',
    '1d 20 00 0000 00',
    '1d 14 00 0000 00',
    '1d 04 00 0001 00',
    '1d 06 00 0000 00',
  ]) {
    assert.equal((await run(cdb)).outcome, INVALID_FIELD, cdb);
  }
});

test('a store that fails for good is a logical unit that has failed, and is not asked any more', async () => {
  const failed = 'CHECK CONDITION 04/3e/01';
  for (const fault of ['throw', 'reject'] as const) {
    const store = new FaultStore(fault);
    const { run } = bench({}, store);
    store.error = Object.assign(new Error('cut'), { code: 'EIO', permanent: true });
    store.broken.add('read');
    assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
    assert.equal((await run('28 00 00000000 00 0001 00')).outcome, failed);
    store.broken.clear();
    for (const cdb of [
      TEST_UNIT_READY,
      '28 00 00000000 00 0001 00',
      '2a 00 00000000 00 0001 00',
      '35 00 00000000 00 0000 00',
    ]) {
      assert.equal((await run(cdb, filled(512, 1))).outcome, failed, cdb);
    }
    assert.equal(toHex((await run('03 00 00 00 ff 00')).data.subarray(0, 14)), '700004000000000a000000003e01');
    assert.equal((await run('12 00 00 0024 00')).outcome, 'GOOD');
  }
});
