import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { bench, filled, OTHER_NEXUS } from './fake.ts';
import { FaultStore, HeldStore } from './stores.ts';

const LENGTH_ERROR = 'CHECK CONDITION 05/1a/00';
const INVALID_PARAMETER = 'CHECK CONDITION 05/26/00';
const TEST_UNIT_READY = '00 00 00 00 00 00';
const HEADER_6 = '00 00 00 00';
const HEADER_10 = '0000 00 00 00 00 0000';
const control = (flags: string) => `0a 0a ${flags} 40 0000 0000 0000`; // bytes 2 to 4 of the page; TAS
const SWP = control('00 00 08');
const CLEAR = control('00 00 00');
const D_SENSE = control('04 00 00');
const caching = (flags: string) => `08 12 ${flags} 00 0000 0000 0000 0000 00 00 0000 00000000`;

const select6 = (list: string): readonly [string, Uint8Array] => [`15 10 00 00 ${length(list, 2)} 00`, hex(list)];
const select10 = (list: string): readonly [string, Uint8Array] => [
  `55 10 000000 0000 ${length(list, 4)} 00`,
  hex(list),
];
const length = (list: string, digits: number) => hex(list).length.toString(16).padStart(digits, '0');

test('SWP protects the unit, tells so, and can be taken back', async () => {
  for (const select of [(page: string) => select6(HEADER_6 + page), (page: string) => select10(HEADER_10 + page)]) {
    const { run } = bench();
    const write = () => run('2a 00 00000000 00 0001 00', filled(512, 1));
    assert.equal((await run(...select(SWP))).outcome, 'GOOD');
    assert.equal((await write()).outcome, 'CHECK CONDITION 07/27/02');
    assert.equal((await run('28 00 00000000 00 0001 00')).outcome, 'GOOD');
    assert.equal(toHex((await run('1a 08 0a 00 ff 00')).data), '0f0090000a0a000008400000' + '00000000');
    assert.equal((await run(...select(CLEAR))).outcome, 'GOOD');
    assert.equal((await write()).outcome, 'GOOD');
  }
});

test('the other sessions are told of a change, the own one is not; nobody is told when nothing changed', async () => {
  const { run } = bench();
  await run(...select6(HEADER_6 + CLEAR));
  assert.equal((await run(TEST_UNIT_READY, undefined, OTHER_NEXUS)).outcome, 'GOOD');
  await run(...select6(HEADER_6 + SWP));
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
  assert.equal((await run(TEST_UNIT_READY, undefined, OTHER_NEXUS)).outcome, 'CHECK CONDITION 06/2a/01');
});

test('D_SENSE changes the format of sense data', async () => {
  const { run } = bench();
  assert.equal((await run(...select6(HEADER_6 + D_SENSE))).outcome, 'GOOD');
  const range = await run('28 00 00000800 00 0001 00');
  assert.equal(toHex(range.sense), '7205210000000000');
  const field = await run('28 20 00000000 00 0001 00');
  assert.equal(toHex(field.sense), '7205240000000008' + '02060000cd000100'); // sense key specific: bit 5 of byte 1
  await run('2a 00 00000000 00 0001 00', filled(512, 1));
  const compare = await run('2f 02 00000000 00 0001 00', filled(512, 0));
  assert.equal(toHex(compare.sense), '720e1d000000000c' + '000a80000000000000000000');
});

test('switching the write cache off brings what it holds onto the medium first', async () => {
  const store = new HeldStore();
  const { start, run } = bench({}, store);
  const task = start(...select6(HEADER_6 + caching('00')));
  assert.equal(task.outcome, undefined);
  assert.deepEqual(store.log, ['flush']);
  await store.releaseNext();
  assert.equal(task.outcome, 'GOOD');
  store.open = true;
  await run('2a 00 00000000 00 0001 00', filled(512, 1));
  assert.deepEqual(store.log, ['flush', 'write', 'flush']);
  assert.equal((await run(...select6(HEADER_6 + caching('04')))).outcome, 'GOOD');
  await run('2a 00 00000000 00 0001 00', filled(512, 1));
  assert.deepEqual(store.log, ['flush', 'write', 'flush', 'write']);
});

test('when that flush fails, nothing is changed', async () => {
  const store = new FaultStore('reject');
  store.broken.add('flush');
  const { run, unit } = bench({}, store);
  assert.equal((await run(...select6(HEADER_6 + caching('00')))).outcome, 'CHECK CONDITION 03/0c/00');
  assert.equal((await run(...select6(HEADER_6 + SWP))).outcome, 'CHECK CONDITION 03/0c/00');
  assert.deepEqual([unit.writeCacheEnabled, unit.softwareWriteProtect], [true, false]);
});

test('several pages and the block descriptor of the unit are taken', async () => {
  const { run, unit } = bench({}, new FaultStore('reject'));
  for (const descriptor of ['00000800 00 000200', '00000000 00 000200', 'ffffffff 00 000200']) {
    const list = `00 00 00 08 ${descriptor} ${caching('04')} ${D_SENSE} 1c 0a 08 00 00000000 00000000`;
    assert.equal((await run(...select6(list))).outcome, 'GOOD', descriptor);
    assert.equal(unit.descriptorSense, true);
  }
  const long = `0000 00 00 01 00 0010 0000000000000800 00000000 00000200 ${SWP}`;
  assert.equal((await run(...select10(long))).outcome, 'GOOD');
  assert.equal(unit.softwareWriteProtect, true);
});

test('an empty list changes nothing and is no error', async () => {
  const { run } = bench();
  for (const cdb of ['15 10 00 00 00 00', '55 10 000000 0000 0000 00']) assert.equal((await run(cdb)).outcome, 'GOOD');
  assert.equal((await run(...select6(HEADER_6))).outcome, 'GOOD');
});

test('a list that ends within header, descriptor or page is 1A/00, and so is less data than announced', async () => {
  const { run, unit } = bench();
  const six = HEADER_6 + SWP;
  for (let cut = 1; cut < 16; cut++) {
    if (cut === 4) continue; // the header alone is a whole list
    const cdb = `15 10 00 00 ${cut.toString(16).padStart(2, '0')} 00`;
    assert.equal((await run(cdb, hex(six))).outcome, LENGTH_ERROR, `cut at ${cut}`);
  }
  assert.equal((await run('15 10 00 00 10 00', hex(six).slice(0, 15))).outcome, LENGTH_ERROR);
  assert.equal((await run(...select6('00 00 00 08 00000000'))).outcome, LENGTH_ERROR);
  assert.equal((await run(...select10('0000 00 00 00 00 0008 00000000'))).outcome, LENGTH_ERROR);
  assert.equal(unit.softwareWriteProtect, false);
});

test('what cannot be changed, or is unknown, is 26/00 with its place, and nothing of the list is done', async () => {
  const { run, unit } = bench();
  for (const [list, specific] of [
    [`${HEADER_6} ${SWP.replace('0a 0a', '8a 0a')}`, '8f0004'], // PS
    [`${HEADER_6} 0b 0a 00 00 00 00 0000 0000 0000`, '8d0004'], // no such page
    [`${HEADER_6} 4a 01 0006 00 00 00 00 0000`, '8d0004'], // no such subpage
    [`${HEADER_6} 0a 06 00 00 08 00 0000`, '800005'], // PAGE LENGTH
    [`${HEADER_6} ${control('20 00 00')}`, '8d0006'], // TST
    [`${HEADER_6} ${control('00 10 08')}`, '8c0007'],
    [`${HEADER_6} ${SWP} ${caching('04')}`, '8a0012'], // WCE of a unit without cache, behind a good page
    [`${HEADER_6} ${SWP} 1c 0a 00 00 00000000 00000000`, '8b0012'], // DEXCPT
    [`00 00 00 10 ${'00'.repeat(16)} ${SWP}`, '800003'], // two block descriptors
    [`00 00 00 08 00000801 00 000200 ${SWP}`, '800004'], // another number of blocks
    [`00 00 00 08 00000800 00 001000 ${SWP}`, '800009'], // another block length
  ] as const) {
    const task = await run(...select6(list));
    assert.equal(task.outcome, INVALID_PARAMETER, list);
    assert.equal(toHex(task.sense.slice(15, 18)), specific, list);
  }
  const long = await run(...select10(`0000 00 00 01 00 0010 0000000000000800 00000000 00001000 ${SWP}`));
  assert.equal(long.outcome, INVALID_PARAMETER);
  assert.equal(toHex(long.sense.slice(15, 18)), '800014');
  assert.equal(unit.softwareWriteProtect, false);
});

test('a list without PF, and one that is to be saved, are refused', async () => {
  const { run } = bench();
  for (const [cdb, specific] of [
    ['15 00 00 00 10 00', 'cc0001'],
    ['15 11 00 00 10 00', 'c80001'],
    ['15 12 00 00 10 00', 'c90001'], // RTD
    ['55 00 000000 0000 0014 00', 'cc0001'],
  ] as const) {
    const task = await run(cdb, filled(20, 0));
    assert.equal(task.outcome, 'CHECK CONDITION 05/24/00', cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), specific, cdb);
  }
});
