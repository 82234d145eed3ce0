import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { bench, filled } from './fake.ts';
import { FaultStore, HeldStore } from './stores.ts';

const LENGTH_ERROR = 'CHECK CONDITION 05/1a/00';
const INVALID_PARAMETER = 'CHECK CONDITION 05/26/00';
const OUT_OF_RANGE = 'CHECK CONDITION 05/21/00';
const unmap = (length: number) => `42 00 00000000 00 ${length.toString(16).padStart(4, '0')} 00`;

const TWO_RANGES = hex(`
  0026 0020 00000000              // data length 38, descriptors 32
  0000000000000002 00000003 00000000   // blocks 2..4
  00000000000007ff 00000001 00000000   // the last block
`);

test('UNMAP makes each range read as zeros, and leaves the rest', async () => {
  const { run } = bench();
  await run('2a 00 00000000 00 0800 00', filled(2048 * 512, 9));
  assert.equal((await run(unmap(40), TWO_RANGES)).outcome, 'GOOD');
  const { data } = await run('28 00 00000000 00 0800 00');
  for (let block = 0; block < 2048; block++) {
    const expected = (block >= 2 && block <= 4) || block === 2047 ? 0 : 9;
    assert.equal(data[block * 512], expected, `block ${block}`);
    assert.equal(data[block * 512 + 511], expected, `block ${block}`);
  }
});

test('it gives the room of the store back', async () => {
  const store = new MemoryStore({ size: 1024 * 1024 });
  const { run } = bench({}, store);
  await run('2a 00 00000000 00 0800 00', filled(2048 * 512, 9));
  await run(unmap(24), hex('0016 0010 00000000  0000000000000000 00000800 00000000'));
  assert.equal(store.memoryUsed, 0);
});

test('nothing is an error that is empty: no list, no descriptors, ranges of no blocks', async () => {
  const { run } = bench();
  for (const [length, list] of [
    [0, ''],
    [8, '0006 0000 00000000'],
    [24, '0016 0010 00000000  0000000000000800 00000000 00000000'], // 0 blocks behind the last one
    [23, '0015 000f 00000000  0000000000000000 00000001 000000'], // an incomplete descriptor is left out
  ] as const) {
    assert.equal((await run(unmap(length), hex(list))).outcome, 'GOOD', list);
  }
});

test('a list that is shorter than it says is 1A/00', async () => {
  const { run } = bench();
  await run('2a 00 00000000 00 0001 00', filled(512, 9));
  const list = hex('0016 0010 00000000  0000000000000000 00000001 00000000');
  for (const length of [1, 7, 8, 23]) assert.equal((await run(unmap(length), list)).outcome, LENGTH_ERROR, `${length}`);
  assert.equal((await run(unmap(24), list.slice(0, 20))).outcome, LENGTH_ERROR, 'less data than announced');
  assert.deepEqual((await run('28 00 00000000 00 0001 00')).data, filled(512, 9));
});

test('a range that leaves the unit is 21/00, and nothing of the list is done', async () => {
  const { run } = bench();
  await run('2a 00 00000000 00 0800 00', filled(2048 * 512, 9));
  for (const second of [
    '00000000000007ff 00000002',
    '0000000000000801 00000000',
    'ffffffffffffffff 00000001',
    '8000000000000000 ffffffff',
  ]) {
    const list = hex(`0026 0020 00000000  0000000000000000 00000001 00000000  ${second} 00000000`);
    assert.equal((await run(unmap(40), list)).outcome, OUT_OF_RANGE, second);
  }
  assert.equal((await run('28 00 00000000 00 0001 00')).data[0], 9);
});

test('more descriptors or blocks than reported are 26/00, with their place', async () => {
  const { run } = bench({ size: 2 * 512 * 1024 * 1024 });
  const descriptors = (count: number) =>
    hex(`${(count * 16 + 6).toString(16).padStart(4, '0')} ${(count * 16).toString(16).padStart(4, '0')} 00000000
      ${'0000000000000000 00000001 00000000'.repeat(count)}`);
  assert.equal((await run(unmap(8 + 256 * 16), descriptors(256))).outcome, 'GOOD');
  const many = await run(unmap(8 + 257 * 16), descriptors(257));
  assert.equal(many.outcome, INVALID_PARAMETER);
  assert.equal(toHex(many.sense.slice(15, 18)), '800002');
  const list = (blocks: string) =>
    hex(`0026 0020 00000000  0000000000000000 00000001 00000000  0000000000000001 ${blocks} 00000000`);
  assert.equal((await run(unmap(40), list('000fffff'))).outcome, 'GOOD');
  const long = await run(unmap(40), list('00100000'));
  assert.equal(long.outcome, INVALID_PARAMETER);
  assert.equal(toHex(long.sense.slice(15, 18)), '800020'); // NUMBER OF LOGICAL BLOCKS of the second
  const covered = list('00000001').fill(0x16, 1, 2);
  const short = await run(unmap(40), covered);
  assert.equal(short.outcome, INVALID_PARAMETER, 'UNMAP DATA LENGTH does not cover the descriptors');
});

test('a thick unit has no UNMAP; a protected one refuses it', async () => {
  assert.equal((await bench({}, new HeldStore()).run(unmap(0))).outcome, 'CHECK CONDITION 05/20/00');
  assert.equal((await bench({ readOnly: true }).run(unmap(40), TWO_RANGES)).outcome, 'CHECK CONDITION 07/27/00');
});

test('a discard that fails is told, whichever of the ranges it was', async () => {
  for (const fault of ['throw', 'reject'] as const) {
    const store = new FaultStore(fault);
    store.broken.add('discard');
    assert.equal((await bench({}, store).run(unmap(40), TWO_RANGES)).outcome, 'CHECK CONDITION 03/0c/00');
  }
});

test('the ranges of an asynchronous store are discarded one after the other, and reads of them wait', async () => {
  const store = new HeldStore(1024 * 1024, 512, true);
  const { start } = bench({}, store);
  const task = start(unmap(40), TWO_RANGES);
  const read = start('28 00 00000003 00 0001 00');
  assert.deepEqual(store.log, ['discard']);
  await store.releaseNext();
  assert.deepEqual(store.log, ['discard', 'discard']);
  await store.releaseNext();
  assert.equal(task.outcome, 'GOOD');
  await store.releaseNext();
  assert.equal(read.outcome, 'GOOD');
});
