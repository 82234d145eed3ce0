import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench, filled, pattern } from './fake.ts';
import { FaultStore, HeldStore } from './stores.ts';

const INVALID_FIELD = 'CHECK CONDITION 05/24/00';
const OUT_OF_RANGE = 'CHECK CONDITION 05/21/00';
const SIZE = 32 * 1024 * 1024;

test('WRITE SAME writes one block onto each of the range, and nowhere else', async () => {
  for (const cdb of ['41 00 00000010 00 0640 00', '93 00 0000000000000010 00000640 00 00']) {
    const { run, unit } = bench({ size: SIZE });
    await run('2a 00 0000000f 00 0001 00', filled(512, 0xaa));
    await run('2a 00 00000650 00 0001 00', filled(512, 0xbb));
    const block = pattern(512);
    assert.equal((await run(cdb, block)).outcome, 'GOOD');
    const bytes = new Uint8Array(0x642 * 512);
    await unit.store.read(0xf * 512, bytes, 0, bytes.length);
    assert.deepEqual(bytes.slice(0, 512), filled(512, 0xaa));
    for (let at = 1; at <= 0x640; at++) assert.deepEqual(bytes.slice(at * 512, at * 512 + 512), block, `block ${at}`);
    assert.deepEqual(bytes.slice(0x641 * 512), filled(512, 0xbb));
  }
});

test('WRITE SAME(16) with NDOB writes zeros and takes no data', async () => {
  const { run } = bench();
  await run('2a 00 00000000 00 0003 00', filled(1536, 1));
  assert.equal((await run('93 01 0000000000000000 00000002 00 00')).outcome, 'GOOD');
  const { data } = await run('28 00 00000000 00 0003 00');
  assert.deepEqual([data.slice(0, 1024), data.slice(1024)], [filled(1024, 0), filled(512, 1)]);
});

test('UNMAP discards where the block is zeros, and writes it where it is not', async () => {
  const store = new HeldStore(SIZE, 512, true);
  store.open = true;
  const { run } = bench({}, store);
  assert.equal((await run('41 08 00000000 00 0800 00', filled(512, 0))).outcome, 'GOOD');
  assert.equal((await run('93 08 0000000000000000 00000800 00 00', filled(512, 0))).outcome, 'GOOD');
  assert.equal((await run('93 09 0000000000000000 00000800 00 00')).outcome, 'GOOD');
  assert.deepEqual(store.log, ['discard', 'discard', 'discard']);
  assert.equal((await run('41 08 00000000 00 0001 00', filled(512, 0xff))).outcome, 'GOOD');
  assert.equal((await run('41 00 00000000 00 0001 00', filled(512, 0))).outcome, 'GOOD');
  assert.deepEqual(store.log.slice(3), ['write', 'write']);
});

test('a thick unit does not know the UNMAP bit', async () => {
  const { run } = bench({}, new HeldStore());
  for (const cdb of ['41 08 00000000 00 0001 00', '93 08 0000000000000000 00000001 00 00']) {
    const task = await run(cdb, filled(512, 0));
    assert.equal(task.outcome, INVALID_FIELD);
    assert.equal(toHex(task.sense.slice(15, 18)), 'cb0001');
  }
});

test('0 blocks (WSNZ), more than the limit, and ranges that leave the unit are refused', async () => {
  const { run } = bench({ size: SIZE }); // 65536 blocks
  for (const [cdb, outcome] of [
    ['41 00 00000000 00 0000 00', INVALID_FIELD],
    ['93 00 0000000000000000 00000000 00 00', INVALID_FIELD],
    ['93 09 0000000000000000 00000000 00 00', INVALID_FIELD],
    ['93 00 0000000000000000 00008001 00 00', INVALID_FIELD], // 16 MiB and one block
    ['93 08 0000000000000000 00008001 00 00', INVALID_FIELD],
    ['93 00 0000000000000000 00008000 00 00', 'GOOD'],
    ['93 00 000000000000ffff 00000002 00 00', OUT_OF_RANGE],
    ['41 00 00010000 00 0001 00', OUT_OF_RANGE],
    ['93 00 8000000000000000 00000001 00 00', OUT_OF_RANGE],
    ['93 00 ffffffffffffffff 000000ff 00 00', OUT_OF_RANGE],
  ] as const) {
    assert.equal((await run(cdb, filled(512, 0))).outcome, outcome, cdb);
  }
});

test('less than a block of data is refused', async () => {
  const { run } = bench();
  const task = await run('41 00 00000000 00 0001 00', filled(256, 1));
  assert.equal(task.outcome, 'CHECK CONDITION 05/0e/03');
  assert.deepEqual((await run('28 00 00000000 00 0001 00')).data, filled(512, 0));
});

test('a protected unit and a store that fails are told', async () => {
  const { run } = bench({ readOnly: true });
  assert.equal((await run('41 00 00000000 00 0001 00', filled(512, 1))).outcome, 'CHECK CONDITION 07/27/00');
  assert.equal((await run('93 08 0000000000000000 00000001 00 00')).outcome, 'CHECK CONDITION 07/27/00');
  for (const fault of ['throw', 'reject'] as const) {
    const store = new FaultStore(fault);
    store.broken.add('write').add('discard');
    const broken = bench({}, store);
    assert.equal((await broken.run('41 00 00000000 00 0001 00', filled(512, 1))).outcome, 'CHECK CONDITION 03/0c/00');
    assert.equal((await broken.run('41 08 00000000 00 0001 00', filled(512, 0))).outcome, 'CHECK CONDITION 03/0c/00');
  }
});
