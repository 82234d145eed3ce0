import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench, filled, pattern } from './fake.ts';
import { FaultStore, HeldStore } from './stores.ts';

const MISCOMPARE = 'CHECK CONDITION 0e/1d/00';
const INVALID_FIELD = 'CHECK CONDITION 05/24/00';
const OUT_OF_RANGE = 'CHECK CONDITION 05/21/00';
const SIZE = 2 * 1024 * 1024;

/** A unit with 1000 blocks of known data from block 8 on. */
async function prepared() {
  const made = bench({ size: SIZE });
  const data = pattern(1000 * 512);
  await made.run('2a 00 00000008 00 03e8 00', data);
  return { ...made, data };
}

const FORMS = [
  (flags: string, blocks: number) => `2f ${flags} 00000008 00 ${blocks.toString(16).padStart(4, '0')} 00`,
  (flags: string, blocks: number) => `af ${flags} 00000008 ${blocks.toString(16).padStart(8, '0')} 00 00`,
  (flags: string, blocks: number) => `8f ${flags} 0000000000000008 ${blocks.toString(16).padStart(8, '0')} 00 00`,
];

test('each form of VERIFY with byte check compares all blocks, and names the first byte that differs', async () => {
  const { run, data } = await prepared();
  for (const form of FORMS) {
    assert.equal((await run(form('02', 1000), data)).outcome, 'GOOD');
    assert.equal((await run(form('12', 1000), data)).outcome, 'GOOD', 'with DPO');
    for (const offset of [0, 1, 511, 512, 262143, 262144, 262145, 511_999]) {
      const other = data.slice();
      other[offset] = (other[offset] ?? 0) ^ 0x58;
      if (offset < 511_999) other[511_999] = (other[511_999] ?? 0) ^ 1;
      const task = await run(form('02', 1000), other);
      assert.equal(task.outcome, MISCOMPARE);
      assert.equal(task.sense[0], 0xf0, 'VALID');
      assert.equal(toHex(task.sense.slice(3, 7)), offset.toString(16).padStart(8, '0'));
    }
  }
});

test('VERIFY with BYTCHK 3 compares one block with each', async () => {
  const { run } = bench();
  await run('2a 00 00000000 00 0400 00', filled(1024 * 512, 0x77));
  assert.equal((await run('2f 06 00000000 00 0400 00', filled(512, 0x77))).outcome, 'GOOD');
  const block = filled(512, 0x77);
  block[3] = 0;
  await run('2a 00 00000384 00 0001 00', block);
  const task = await run('2f 06 00000000 00 0400 00', filled(512, 0x77));
  assert.equal(task.outcome, MISCOMPARE);
  assert.equal(toHex(task.sense.slice(3, 7)), (900 * 512 + 3).toString(16).padStart(8, '0'));
});

test('VERIFY without byte check reads the blocks and compares nothing', async () => {
  const { run } = await prepared();
  for (const form of FORMS) assert.equal((await run(form('00', 1000))).outcome, 'GOOD');
  const store = new FaultStore('reject');
  const broken = bench({}, store);
  assert.equal((await broken.run('2f 00 00000000 00 0004 00')).outcome, 'GOOD');
  store.broken.add('read');
  assert.equal((await broken.run('2f 00 00000000 00 0004 00')).outcome, 'CHECK CONDITION 03/11/00');
  assert.equal((await broken.run('2f 02 00000000 00 0004 00', filled(2048, 0))).outcome, 'CHECK CONDITION 03/11/00');
});

test('VERIFY reads an asynchronous store piece by piece up to the difference', async () => {
  const store = new HeldStore(SIZE);
  store.open = true;
  const { run } = bench({}, store);
  const data = filled(SIZE, 0);
  assert.equal((await run('2f 02 00000000 00 1000 00', data)).outcome, 'GOOD');
  assert.equal(store.log.length, 8);
  data[300_000] = 1;
  const task = await run('2f 02 00000000 00 1000 00', data);
  assert.equal(task.outcome, MISCOMPARE);
  assert.equal(toHex(task.sense.slice(3, 7)), '000493e0');
  assert.equal(store.log.length, 10);
});

test('what VERIFY cannot do is refused', async () => {
  const { run } = bench();
  for (const [cdb, outcome] of [
    ['2f 04 00000000 00 0001 00', INVALID_FIELD], // BYTCHK 2
    ['2f 20 00000000 00 0001 00', INVALID_FIELD], // VRPROTECT
    ['2f 02 00000800 00 0001 00', OUT_OF_RANGE],
    ['2f 00 00000801 00 0000 00', OUT_OF_RANGE],
    ['2f 02 000007ff 00 0002 00', OUT_OF_RANGE],
    ['8f 02 ffffffffffffffff 00000001 00 00', OUT_OF_RANGE],
    ['2f 02 00000000 00 0000 00', 'GOOD'],
    ['2f 06 00000000 00 0000 00', 'GOOD'],
  ] as const) {
    assert.equal((await run(cdb, filled(4096, 0))).outcome, outcome, cdb);
  }
  const large = bench({ size: 32 * 1024 * 1024 });
  assert.equal((await large.run('8f 00 0000000000000000 00004001 00 00')).outcome, INVALID_FIELD);
  assert.equal((await run('2f 02 00000000 00 0002 00', filled(512, 0))).outcome, 'CHECK CONDITION 05/0e/03');
  assert.equal((await run('2f 06 00000000 00 0002 00', filled(511, 0))).outcome, 'CHECK CONDITION 05/0e/03');
});

const WRITE_FORMS = [
  '2e FF 00000008 00 0003 00',
  'ae FF 00000008 00000003 00 00',
  '8e FF 0000000000000008 00000003 00 00',
];

test('each form of WRITE AND VERIFY writes the blocks, with and without byte check', async () => {
  for (const form of WRITE_FORMS) {
    for (const flags of ['00', '02', '12']) {
      const { run } = bench();
      assert.equal((await run(form.replace('FF', flags), pattern(1536))).outcome, 'GOOD', `${form} ${flags}`);
      assert.deepEqual((await run('28 00 00000008 00 0003 00')).data, pattern(1536));
    }
  }
});

test('WRITE AND VERIFY flushes between writing and reading back', async () => {
  const store = new HeldStore();
  store.open = true;
  const { run } = bench({}, store);
  assert.equal((await run('2e 02 00000000 00 0001 00', filled(512, 1))).outcome, 'GOOD');
  assert.deepEqual(store.log, ['write', 'flush', 'read']);
});

test('WRITE AND VERIFY finds a store that kept something else', async () => {
  class Lossy extends HeldStore {
    override write(position: number, data: Uint8Array, from: number, to: number): Promise<void> {
      const copy = data.slice(from, to);
      copy[700] = (copy[700] ?? 0) ^ 1;
      return super.write(position, copy, 0, copy.length);
    }
  }
  const store = new Lossy();
  store.open = true;
  const task = await bench({}, store).run('2e 02 00000000 00 0002 00', filled(1024, 1));
  assert.equal(task.outcome, MISCOMPARE);
  assert.equal(toHex(task.sense.slice(3, 7)), '000002bc');
});

test('what WRITE AND VERIFY cannot do is refused', async () => {
  const { run, unit } = bench();
  for (const [cdb, outcome] of [
    ['2e 04 00000000 00 0001 00', INVALID_FIELD],
    ['2e 06 00000000 00 0001 00', INVALID_FIELD],
    ['2e 08 00000000 00 0001 00', INVALID_FIELD], // there is no FUA here
    ['2e 20 00000000 00 0001 00', INVALID_FIELD],
    ['2e 02 00000800 00 0001 00', OUT_OF_RANGE],
    ['2e 00 00000801 00 0000 00', OUT_OF_RANGE],
    ['2e 00 00000000 00 0000 00', 'GOOD'],
  ] as const) {
    assert.equal((await run(cdb, filled(4096, 0))).outcome, outcome, cdb);
  }
  // Too little data: whole blocks are written, part of one is not (as with WRITE).
  await run('2a 00 00000000 00 0002 00', filled(1024, 0x61));
  assert.equal((await run('2e 02 00000000 00 0002 00', filled(512, 0x62))).outcome, 'GOOD');
  assert.equal((await run('2e 02 00000000 00 0001 00', filled(200, 0x63))).outcome, 'CHECK CONDITION 05/0e/03');
  const { data } = await run('28 00 00000000 00 0002 00');
  assert.deepEqual([data[0], data[511], data[512]], [0x62, 0x62, 0x61]);
  unit.softwareWriteProtect = true;
  assert.equal((await run('2e 02 00000000 00 0001 00', filled(512, 0))).outcome, 'CHECK CONDITION 07/27/02');
});
