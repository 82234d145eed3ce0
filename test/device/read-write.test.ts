import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import type { BlockStore } from '../../src/device/store.ts';
import { bench, FakeTask, filled, pattern } from './fake.ts';
import { type Fault, FaultStore, HeldStore, settle } from './stores.ts';

const OUT_OF_RANGE = 'CHECK CONDITION 05/21/00';
const INVALID_FIELD = 'CHECK CONDITION 05/24/00';
const word = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
const read10 = (address: number, blocks: number, flags = 0) =>
  `28 ${word(flags, 2)} ${word(address, 8)} 00 ${word(blocks, 4)} 00`;
const write10 = (address: number, blocks: number, flags = 0) =>
  `2a ${word(flags, 2)} ${word(address, 8)} 00 ${word(blocks, 4)} 00`;

test('each form of WRITE stores what each form of READ gives back', async () => {
  const { run } = bench();
  const data = pattern(3 * 512);
  const forms = [
    ['0a 00 10 05 03 00', '08 00 10 05 03 00'], // 001005
    ['2a 00 00000010 00 0003 00', '28 00 00000010 00 0003 00'],
    ['aa 00 00000020 00000003 00 00', 'a8 00 00000020 00000003 00 00'],
    ['8a 00 0000000000000030 00000003 00 00', '88 00 0000000000000030 00000003 00 00'],
  ] as const;
  for (const [write, read] of forms.slice(1)) {
    assert.equal((await run(write, data)).outcome, 'GOOD');
    assert.deepEqual((await run(read)).data, data, read);
  }
  const { run: large } = bench({ size: 4 * 1024 * 1024 });
  assert.equal((await large(forms[0][0], data)).outcome, 'GOOD');
  assert.deepEqual((await large('28 00 00001005 00 0003 00')).data, data, 'the 21-bit address is that of READ(10)');
  assert.deepEqual((await large(forms[0][1])).data, data);
});

test('the length 0 of READ(6) and WRITE(6) is 256 blocks', async () => {
  const { run } = bench();
  const data = pattern(256 * 512);
  assert.equal((await run('0a 00 00 00 00 00', data)).outcome, 'GOOD');
  assert.deepEqual((await run('08 00 00 00 00 00')).data, data);
});

test('blocks beside a written range keep what they have', async () => {
  const { run } = bench();
  await run(write10(0, 8), pattern(4096, 1));
  await run(write10(3, 2), pattern(1024, 2));
  const { data } = await run(read10(0, 8));
  assert.deepEqual(data.slice(0, 1536), pattern(4096, 1).slice(0, 1536));
  assert.deepEqual(data.slice(1536, 2560), pattern(1024, 2));
  assert.deepEqual(data.slice(2560), pattern(4096, 1).slice(2560));
});

test('nothing is read or written where the length is 0, inside and right behind the last block', async () => {
  const { run } = bench();
  for (const address of [0, 2047, 2048]) {
    for (const cdb of [read10(address, 0), write10(address, 0)]) {
      const task = await run(cdb);
      assert.equal(task.outcome, 'GOOD', cdb);
      assert.equal(task.data.length, 0);
    }
  }
});

test('a range that leaves the unit by as little as one block is 21/00, and writes nothing of it', async () => {
  const { run } = bench(); // 2048 blocks
  const before = pattern(512);
  await run(write10(2047, 1), before);
  for (const [address, blocks] of [
    [2048, 1],
    [2047, 2],
    [2049, 0],
    [0x8000_0000, 0],
    [0x8000_0000, 1],
    [0xffff_ffff, 1],
    [0xffff_ffff, 256],
  ] as const) {
    assert.equal((await run(read10(address, blocks))).outcome, OUT_OF_RANGE, `read ${address} ${blocks}`);
    const write = await run(write10(address, blocks), filled(blocks * 512, 1));
    assert.equal(write.outcome, OUT_OF_RANGE, `write ${address} ${blocks}`);
  }
  for (const address of ['8000000000000000', 'ffffffffffffffff', '0020000000000000', '0080000000000000']) {
    for (const blocks of ['00000000', '00000001', 'ffffffff']) {
      assert.equal((await run(`88 00 ${address} ${blocks} 00 00`)).outcome, OUT_OF_RANGE, address);
      assert.equal((await run(`8a 00 ${address} ${blocks} 00 00`)).outcome, OUT_OF_RANGE, address);
    }
  }
  assert.deepEqual((await run(read10(2047, 1))).data, before);
});

test('READ(6) and WRITE(6) end at the last block, too', async () => {
  const { run } = bench();
  assert.equal((await run('08 00 07 ff 01 00')).outcome, 'GOOD');
  assert.equal((await run('08 00 07 ff 02 00')).outcome, OUT_OF_RANGE);
  assert.equal((await run('08 00 08 00 01 00')).outcome, OUT_OF_RANGE);
  assert.equal((await run('0a 1f ff ff 01 00', filled(512, 1))).outcome, OUT_OF_RANGE);
});

test('more than the MAXIMUM TRANSFER LENGTH is 24/00 at the length, as much as that is not', async () => {
  const { run } = bench({ size: 32 * 1024 * 1024 });
  for (const [opcode, at] of [
    ['88', '10'],
    ['8a', '10'],
  ] as const) {
    const task = await run(`${opcode} 00 0000000000000000 00004001 00 00`);
    assert.equal(task.outcome, INVALID_FIELD);
    assert.equal(toHex(task.sense.slice(15, 18)), `c000${word(Number(at), 2)}`);
  }
  assert.equal((await run('a8 00 00000000 00004001 00 00')).outcome, INVALID_FIELD);
  assert.equal((await run('88 00 0000000000000000 00004000 00 00')).data.length, 8 * 1024 * 1024);
});

test('DPO, FUA and the obsolete FUA_NV are accepted', async () => {
  const { run } = bench();
  for (const flags of [0x10, 0x08, 0x18, 0x02, 0x1a]) {
    assert.equal((await run(write10(0, 1, flags), filled(512, flags))).outcome, 'GOOD');
    assert.deepEqual((await run(read10(0, 1, flags))).data, filled(512, flags));
  }
});

test('FUA of a write waits for the flush, and its failure is the failure of the write', async () => {
  for (const flags of [0x08, 0x02]) {
    const store = new HeldStore();
    const { start } = bench({}, store);
    const task = start(write10(0, 1, flags), filled(512, 1));
    await store.releaseNext();
    assert.equal(task.outcome, undefined, 'written, but not flushed');
    await store.releaseNext();
    assert.equal(task.outcome, 'GOOD');
    assert.deepEqual(store.log, ['write', 'flush']);
  }
  const broken = new FaultStore('reject');
  broken.broken.add('flush');
  const { run } = bench({}, broken);
  assert.equal((await run(write10(0, 1, 0x08), filled(512, 1))).outcome, 'CHECK CONDITION 03/0c/00');
  assert.equal((await run(write10(0, 1), filled(512, 1))).outcome, 'GOOD');
});

test('FUA of a read brings newer blocks of the cache onto the medium first, once', async () => {
  const store = new HeldStore();
  store.open = true;
  const { run } = bench({}, store);
  await run(read10(0, 1, 0x08));
  await run(write10(0, 1), filled(512, 1));
  await run(read10(0, 1, 0x08));
  await run(read10(0, 1, 0x08));
  await run(read10(0, 1));
  assert.deepEqual(store.log, ['read', 'write', 'flush', 'read', 'read', 'read']);
});

test('a write cache that was switched off makes every write wait for a flush', async () => {
  const store = new HeldStore();
  store.open = true;
  const { run, unit } = bench({}, store);
  unit.writeCacheEnabled = false;
  await run(write10(0, 1), filled(512, 1));
  assert.deepEqual(store.log, ['write', 'flush']);
});

test('whole blocks of a write that announced too little are written; part of a block writes nothing', async () => {
  const { run } = bench();
  await run(write10(0, 2), filled(1024, 0x61));
  assert.equal((await run(write10(0, 2), filled(512, 0x62))).outcome, 'GOOD');
  const { data } = await run(read10(0, 2));
  assert.deepEqual([data.slice(0, 512), data.slice(512)], [filled(512, 0x62), filled(512, 0x61)]);
  assert.equal((await run(write10(0, 1), new Uint8Array())).outcome, 'GOOD');
  assert.equal((await run(write10(0, 2), filled(712, 0x63))).outcome, 'CHECK CONDITION 05/0e/03');
  assert.deepEqual((await run(read10(0, 2))).data, data);
});

test('data behind the length of the CDB is not written', async () => {
  const { device, run } = bench();
  const task = new FakeTask(hex(write10(0, 1)), filled(1024, 5));
  task.submit(device, 0, 0);
  assert.equal(task.outcome, 'GOOD');
  assert.deepEqual((await run(read10(1, 1))).data, filled(512, 0));
});

test('a read-only store and a write-protected unit refuse writes, and read', async () => {
  const { run } = bench({ readOnly: true });
  for (const blocks of [0, 1]) {
    assert.equal((await run(write10(0, blocks), filled(512, 1))).outcome, 'CHECK CONDITION 07/27/00');
  }
  assert.equal((await run(read10(0, 1))).outcome, 'GOOD');
  const { run: protectedRun, unit } = bench();
  unit.softwareWriteProtect = true;
  assert.equal((await protectedRun(write10(0, 1), filled(512, 1))).outcome, 'CHECK CONDITION 07/27/02');
  assert.deepEqual((await protectedRun(read10(0, 1))).data, filled(512, 0));
});

test('a store that fails is a medium error, in whichever way and turn it fails', async () => {
  for (const fault of ['throw', 'reject'] as Fault[]) {
    for (const synchronous of [true, false]) {
      const store = new FaultStore(fault, synchronous);
      const { run } = bench({}, store);
      store.broken.add('write');
      assert.equal((await run(write10(0, 1), filled(512, 1))).outcome, 'CHECK CONDITION 03/0c/00');
      if (fault === 'reject' && synchronous) continue; // a synchronous store has no promise to reject
      store.broken.add('read');
      assert.equal((await run(read10(0, 1))).outcome, 'CHECK CONDITION 03/11/00', `${fault} ${synchronous}`);
      store.broken.clear();
      assert.equal((await run(read10(0, 1))).outcome, 'GOOD');
    }
  }
});

test('a store without room is DATA PROTECT, one that became read-only is write protected', async () => {
  const full = bench({ memoryLimit: 0 });
  assert.equal((await full.run(write10(0, 1), filled(512, 1))).outcome, 'CHECK CONDITION 07/27/07');
  for (const [code, outcome] of [
    ['ENOSPC', 'CHECK CONDITION 07/27/07'],
    ['EDQUOT', 'CHECK CONDITION 07/27/07'],
    ['EROFS', 'CHECK CONDITION 07/27/00'],
    ['EIO', 'CHECK CONDITION 03/0c/00'],
  ] as const) {
    const store = new FaultStore('reject');
    store.broken.add('write');
    store.error = Object.assign(new Error(code), { code });
    assert.equal((await bench({}, store).run(write10(0, 1), filled(512, 1))).outcome, outcome);
  }
});

test('a read that overlaps a write in flight waits, and sees all of it or nothing', async () => {
  const store = new HeldStore();
  const { start } = bench({}, store);
  const write = start(write10(0, 8), filled(4096, 1));
  const read = start(read10(4, 8));
  const beside = start(read10(8, 8));
  assert.deepEqual(store.log, ['write', 'read'], 'only the read beside it has begun');
  assert.equal(store.held[1]?.position, 4096);
  await store.releaseNext();
  assert.equal(write.outcome, 'GOOD');
  while (store.held.length > 0) await store.releaseNext();
  assert.deepEqual(read.data.slice(0, 2048), filled(2048, 1));
  assert.equal(beside.outcome, 'GOOD');
});

test('of two writes to the same blocks the later one stays, whichever the store would end first', async () => {
  const store = new HeldStore();
  const { start, run } = bench({}, store);
  start(write10(0, 8), filled(4096, 1));
  start(write10(0, 8), filled(4096, 2));
  assert.deepEqual(store.log, ['write']);
  await store.held.at(-1)?.release();
  await store.held.at(-1)?.release();
  store.open = true;
  assert.deepEqual((await run(read10(0, 8))).data, filled(4096, 2));
});

test('a RAM store whose writes are promised keeps the order, too', async () => {
  const memory = new MemoryStore({ size: 1024 * 1024 });
  let release = () => {};
  const store: BlockStore = {
    blockSize: 512,
    blocks: memory.blocks,
    readOnly: false,
    volatileWriteCache: false,
    thin: false,
    synchronous: true,
    read: (position, into, at, length) => memory.read(position, into, at, length),
    write: async (position, data, from, to) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      memory.write(position, data, from, to);
    },
    flush: () => {},
    discard: () => {},
    close: () => {},
  };
  const { start } = bench({}, store);
  const write = start(write10(0, 1), filled(512, 9));
  const read = start(read10(0, 1));
  assert.equal(read.outcome, undefined);
  release();
  await settle();
  assert.equal(write.outcome, 'GOOD');
  assert.deepEqual(read.data, filled(512, 9));
});

test('a RAM store is read and written without a promise in between', () => {
  const { start } = bench();
  assert.equal(start(write10(0, 1), filled(512, 4)).outcome, 'GOOD');
  assert.deepEqual(start(read10(0, 1)).data, filled(512, 4));
});

test('blocks of 4096 and 65536 bytes are counted as such', async () => {
  for (const blockSize of [4096, 65536]) {
    const { run } = bench({ size: 4 * 65536, blockSize });
    const data = pattern(2 * blockSize);
    assert.equal((await run(write10(1, 2), data)).outcome, 'GOOD');
    assert.deepEqual((await run(read10(2, 1))).data, data.slice(blockSize));
    assert.equal((await run(read10((4 * 65536) / blockSize, 1))).outcome, OUT_OF_RANGE);
  }
});
