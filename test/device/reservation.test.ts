import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench, filled, NEXUS, OTHER_NEXUS, resetUnit } from './fake.ts';

const CONFLICT = 'status 18';
const RESERVE_6 = '16 00 00 00 00 00';
const RELEASE_6 = '17 00 00 00 00 00';
const RESERVE_10 = '56 00 00 00 00 00 00 0000 00';
const RELEASE_10 = RESERVE_10.replace('56', '57');
const TEST_UNIT_READY = '00 00 00 00 00 00';

test('what one nexus has reserved is refused to others until it is released', async () => {
  for (const [reserve, release] of [
    [RESERVE_6, RELEASE_6],
    [RESERVE_10, RELEASE_10],
    [RESERVE_6, RELEASE_10],
    [RESERVE_10, RELEASE_6],
  ] as const) {
    const { run } = bench();
    const outcome = async (cdb: string, nexus = NEXUS) => (await run(cdb, filled(512, 1), nexus)).outcome;
    assert.equal(await outcome(reserve), 'GOOD');
    assert.equal(await outcome(reserve), 'GOOD', 'again by the holder');
    assert.equal(await outcome(TEST_UNIT_READY), 'GOOD');
    assert.equal(await outcome(TEST_UNIT_READY, OTHER_NEXUS), CONFLICT);
    for (const other of [RESERVE_6, RESERVE_10]) assert.equal(await outcome(other, OTHER_NEXUS), CONFLICT);
    for (const other of [RELEASE_6, RELEASE_10]) assert.equal(await outcome(other, OTHER_NEXUS), 'GOOD');
    assert.equal(await outcome(TEST_UNIT_READY, OTHER_NEXUS), CONFLICT, 'it was not theirs to release');
    assert.equal(await outcome(release), 'GOOD');
    assert.equal(await outcome(reserve, OTHER_NEXUS), 'GOOD');
    assert.equal(await outcome(TEST_UNIT_READY), CONFLICT);
  }
});

test('SPC-2 and SBC tell which commands others may use meanwhile', async () => {
  const { run } = bench();
  await run(RESERVE_6, undefined, OTHER_NEXUS);
  const allowed = [
    '12 00 00 0024 00',
    'a0 00 00 000000 00000010 00 00',
    '03 00 00 00 ff 00',
    '1e 00 00 00 00 00', // ALLOW
    '1b 00 00 00 01 00', // START
    '25 00 00000000 0000 00 00',
    '9e 10 0000000000000000 00000020 00 00',
    RELEASE_6,
    RELEASE_10,
  ];
  for (const cdb of allowed) assert.equal((await run(cdb)).outcome, 'GOOD', cdb);
  const refused = [
    TEST_UNIT_READY,
    '1e 00 00 00 01 00', // PREVENT
    '1b 00 00 00 00 00', // STOP
    '1a 00 3f 00 ff 00',
    '5a 00 3f 00 00 00 00 00ff 00',
    '15 10 00 00 04 00',
    '08 00 00 00 01 00',
    '28 00 00000000 00 0001 00',
    '2a 00 00000000 00 0001 00',
    '2e 00 00000000 00 0001 00',
    '2f 00 00000000 00 0001 00',
    '35 00 00000000 00 0000 00',
    '41 00 00000000 00 0001 00',
    '42 00 00000000 00 0000 00',
    '9e 12 0000000000000000 00000020 00 00',
    '1d 04 00 00 00 00',
    'a3 0c 00 00 0000 00000010 00 00',
  ];
  for (const cdb of refused) assert.equal((await run(cdb, filled(512, 1))).outcome, CONFLICT, cdb);
  assert.equal((await run('28 00 00000000 00 0001 00', undefined, OTHER_NEXUS)).data[0], 0, 'nothing was written');
});

test('a reservation ends with its nexus, and with a reset', async () => {
  const { run, device } = bench();
  await run(RESERVE_6, undefined, OTHER_NEXUS);
  assert.equal((await run(TEST_UNIT_READY)).outcome, CONFLICT);
  device.nexusEnded(OTHER_NEXUS);
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');

  device.nexusStarted(OTHER_NEXUS);
  await run(TEST_UNIT_READY, undefined, OTHER_NEXUS); // power on
  await run(RESERVE_6, undefined, OTHER_NEXUS);
  assert.equal((await run(TEST_UNIT_READY)).outcome, CONFLICT);
  resetUnit(device, 0, 0);
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'CHECK CONDITION 06/29/03');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');

  await run(TEST_UNIT_READY, undefined, OTHER_NEXUS); // the reset
  await run(RESERVE_6, undefined, OTHER_NEXUS);
  device.beginTargetReset(NEXUS).complete();
  await run(TEST_UNIT_READY);
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
});

test('a unit attention is told before a conflict, and a conflict before a stopped or failed unit', async () => {
  const { run, unit, device } = bench();
  await run(RESERVE_6, undefined, OTHER_NEXUS);
  device.capacityChanged(0);
  unit.failed = true;
  assert.equal((await run('28 00 00000000 00 0001 00')).outcome, 'CHECK CONDITION 06/2a/09');
  assert.equal((await run('28 00 00000000 00 0001 00')).outcome, CONFLICT);
});

test('third parties and extents are refused', async () => {
  const { run } = bench();
  for (const cdb of [
    '16 10 00 00 00 00',
    '16 01 00 00 08 00',
    '56 10 00 07 00 00 00 0000 00',
    '57 02 00 00 00 00 00 0008 00',
  ]) {
    assert.equal((await run(cdb)).outcome, 'CHECK CONDITION 05/24/00', cdb);
  }
});

test('REPORT SUPPORTED OPERATION CODES tells all four', async () => {
  const { run } = bench();
  for (const [opcode, usage] of [
    ['16', '160000000000'],
    ['17', '170000000000'],
    ['56', '56000000000000000000'],
    ['57', '57000000000000000000'],
  ] as const) {
    const { data } = await run(`a3 0c 01 ${opcode} 0000 00000100 00 00`);
    assert.equal(toHex(data.slice(1)), `03${(usage.length / 2).toString(16).padStart(4, '0')}${usage}`);
  }
});
