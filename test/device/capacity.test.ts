import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench, filled } from './fake.ts';
import { FaultStore, HeldStore } from './stores.ts';

const TEN = '25 00 00000000 0000 00 00';
const SIXTEEN = '9e 10 0000000000000000 00000020 00 00';
const lbaStatus = (address: string, length: string) => `9e 12 ${address} ${length} 00 00`;

test('READ CAPACITY tells the last block and the block length', async () => {
  const { run } = bench();
  assert.equal(toHex((await run(TEN)).data), '000007ff00000200');
  assert.equal(
    toHex((await run(SIXTEEN)).data),
    `00000000000007ff 00000200 00 00 c000${'00'.repeat(16)}`.replaceAll(' ', ''),
  );
});

test('READ CAPACITY(10) of more than 2^32 blocks is FFFFFFFF', async () => {
  const exact = bench({ size: 2 ** 41 }); // 2^32 blocks: the last one is FFFFFFFF by itself
  assert.equal(toHex((await exact.run(TEN)).data.slice(0, 4)), 'ffffffff');
  const { run } = bench({ size: 2 ** 42 });
  assert.equal(toHex((await run(TEN)).data.slice(0, 4)), 'ffffffff');
  assert.equal(toHex((await run(SIXTEEN)).data.slice(0, 8)), '00000001ffffffff');
});

test('READ CAPACITY(16) tells physical blocks, and a thick store by LBPME 0', async () => {
  const { run } = bench({ physicalBlockLength: 4096 }, new HeldStore());
  assert.equal(toHex((await run(SIXTEEN)).data.slice(12, 16)), '00030000');
  for (const physicalBlockLength of [256, 768, 512 * 65536]) {
    assert.throws(() => bench({ physicalBlockLength }), /512 times a power of two from 1 to 32768 allowed/);
  }
});

test('an allocation length cuts READ CAPACITY(16)', async () => {
  const { run } = bench();
  for (const length of [0, 1, 12, 15, 32, 33]) {
    const task = await run(`9e 10 0000000000000000 ${length.toString(16).padStart(8, '0')} 00 00`);
    assert.equal(task.outcome, 'GOOD');
    assert.equal(task.data.length, Math.min(length, 32));
  }
});

test('GET LBA STATUS tells which blocks take room', async () => {
  const { run } = bench({ size: 2 ** 30 });
  await run('2a 00 00100000 00 0001 00', filled(512, 1)); // in the middle: one extent of 256 KiB
  const expected = `
    00000034 00000000
    0000000000000010 000ffff0 01 00 0000
    0000000000100000 00000200 00 00 0000
    0000000000100200 000ffe00 01 00 0000`;
  const task = await run(lbaStatus('0000000000000010', '00000100'));
  assert.equal(toHex(task.data), expected.replace(/\s/g, ''));
  const one = await run(lbaStatus('0000000000100000', '00000018'));
  assert.equal(toHex(one.data), '0000001400000000' + '0000000000100000' + '0000020000000000');
  await run(
    '42 00 00000000 00 0018 00',
    new Uint8Array([0, 0x16, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]),
  );
  const after = await run(lbaStatus('0000000000000000', '00000100'));
  assert.equal(toHex(after.data), '0000001400000000' + '0000000000000000' + '0020000001000000');
});

test('GET LBA STATUS of a store that does not know has all blocks mapped, and counts in 32 bits', async () => {
  const { run } = bench({}, new FaultStore('reject'));
  assert.equal(
    toHex((await run(lbaStatus('0000000000000001', '00000100'))).data),
    '0000001400000000' + '0000000000000001' + '000007ff00000000',
  );
  const huge = bench({ size: 2 ** 43 }); // 2^34 blocks
  const { data } = await huge.run(lbaStatus('0000000000000000', '00000018'));
  assert.equal(toHex(data.slice(16, 21)), 'ffffffff01');
});

test('GET LBA STATUS is cut by the allocation length, and ends at the last block', async () => {
  const { run } = bench();
  for (const length of [0, 4, 8, 23, 24]) {
    const task = await run(lbaStatus('00000000000007ff', length.toString(16).padStart(8, '0')));
    assert.equal(task.outcome, 'GOOD');
    assert.equal(task.data.length, length);
  }
  for (const address of ['0000000000000800', '0000000000000801', '8000000000000000', 'ffffffffffffffff']) {
    assert.equal((await run(lbaStatus(address, '00000018'))).outcome, 'CHECK CONDITION 05/21/00', address);
  }
});

test('a thick unit has no GET LBA STATUS', async () => {
  const task = await bench({}, new HeldStore()).run(lbaStatus('0000000000000000', '00000018'));
  assert.equal(task.outcome, 'CHECK CONDITION 05/24/00');
  assert.equal(toHex(task.sense.slice(15, 18)), 'cc0001');
});
