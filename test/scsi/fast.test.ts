import assert from 'node:assert/strict';
import test from 'node:test';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import {
  extentAddress,
  extentBlocks,
  extentFua,
  extentProtect,
  isRead,
  isWrite,
  writeReadCdb,
  writeWriteCdb,
} from '../../src/scsi/fast.ts';
import { seeded } from './random.ts';

const EDGES = [0, 1, 0xff, 0xffff, 0x1_0000, 0x1f_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const ADDRESSES = [...EDGES, 0x1_0000_0000, 0x1_2345_6789_abcd, Number.MAX_SAFE_INTEGER];

/** Writes with the fast writer into dirty bytes, and says what it left there. */
function fast(
  write: typeof writeReadCdb,
  address: number,
  blocks: number,
  fua?: boolean,
): { text: string; length: number } {
  const bytes = new Uint8Array(20).fill(0xee);
  const length = write(viewOf(bytes), 2, address, blocks, fua);
  assert.equal(
    toHex(bytes.subarray(0, 2)) + toHex(bytes.subarray(18)),
    'eeeeeeee',
    'bytes around the CDB are left alone',
  );
  return { text: toHex(bytes.subarray(2, 18)), length };
}

function check(address: number, blocks: number, fua: boolean): void {
  const values = { logicalBlockAddress: address, transferLength: blocks, fua };
  const short = address <= 0xffff_ffff && blocks <= 0xffff;
  const read = short ? cdb('READ_10', values) : cdb('READ_16', values);
  const write = short ? cdb('WRITE_10', values) : cdb('WRITE_16', values);
  const at = `${address} + ${blocks}`;
  assert.deepEqual(
    fast(writeReadCdb, address, blocks, fua),
    { text: toHex(read).padEnd(32, '0'), length: read.length },
    at,
  );
  assert.deepEqual(
    fast(writeWriteCdb, address, blocks, fua),
    { text: toHex(write).padEnd(32, '0'), length: write.length },
    at,
  );
  assert.equal(extentAddress(viewOf(read), 0), address, at);
  assert.equal(extentBlocks(viewOf(read), 0), blocks, at);
  assert.equal(extentFua(viewOf(write), 0), fua, at);
}

test('writeReadCdb() and writeWriteCdb() write what the table writes, at the edges', () => {
  for (const address of ADDRESSES)
    for (const blocks of EDGES) for (const fua of [false, true]) check(address, blocks, fua);
});

test('writeReadCdb() and writeWriteCdb() write what the table writes, for many values', () => {
  seeded((below) => {
    for (let run = 0; run < 2000; run++) {
      const address = below(2 ** (1 + below(21))) * 2 ** 32 + below(2 ** 32);
      check(below(2) ? address : below(2 ** 32), below(2) ? below(0x1_0000) : below(2 ** 32), below(2) === 1);
    }
  });
});

test('writeReadCdb() writes these very bytes', () => {
  assert.deepEqual(fast(writeReadCdb, 8, 1), {
    text: toHex(hex('28 00 00 00 00 08 00 00 01 00 000000000000')),
    length: 10,
  });
  assert.deepEqual(fast(writeReadCdb, 8, 65_536, true), {
    text: toHex(hex('88 08 00 00 00 00 00 00 00 08 00 01 00 00 00 00')),
    length: 16,
  });
});

test('writeReadCdb() and writeWriteCdb() refuse what no CDB can say', () => {
  const view = new DataView(new ArrayBuffer(16));
  for (const write of [writeReadCdb, writeWriteCdb]) {
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) {
      assert.throws(() => write(view, 0, bad, 1), RangeError);
      assert.throws(() => write(view, 0, 1, bad), RangeError);
    }
    assert.throws(() => write(view, 0, 0, 2 ** 32), { message: /4294967296 blocks: 0\.\.4294967295 allowed/ });
  }
});

test('the extent readers read each form where it keeps its fields', () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ['08 e1 02 03 04 00', 0x01_0203, 4], // READ(6): the bits above the address are not of it
    ['0a 00 00 01 00 00', 1, 256], // WRITE(6): 0 is 256
    ['28 00 01 02 03 04 1f 05 06 00', 0x0102_0304, 0x0506],
    ['28 00 ff ff ff ff 00 00 00 00', 0xffff_ffff, 0],
    ['a8 00 01 02 03 04 05 06 07 08 1f 00', 0x0102_0304, 0x0506_0708],
    ['8a 00 00 00 01 02 03 04 05 06 07 08 09 0a 1f 00', 0x0102_0304_0506, 0x0708_090a],
    ['88 00 ff ff ff ff ff ff ff ff ff ff ff ff 00 00', Number.MAX_SAFE_INTEGER, 0xffff_ffff],
    ['41 00 01 02 03 04 00 05 06 00', 0x0102_0304, 0x0506], // WRITE SAME(10)
    ['91 00 00 00 00 00 00 00 00 07 00 00 00 08 00 00', 7, 8], // SYNCHRONIZE CACHE(16)
  ];
  for (const [text, address, blocks] of rows) {
    const bytes = hex(`ff ff ${text} ff`);
    assert.equal(extentAddress(viewOf(bytes), 2), address, text);
    assert.equal(extentBlocks(viewOf(bytes), 2), blocks, text);
  }
});

test('extentFua() and extentProtect() see nothing in the 6-byte forms', () => {
  const six = viewOf(hex('08 ff ff ff 01 00'));
  assert.deepEqual([extentFua(six, 0), extentProtect(six, 0)], [false, 0]);
  const ten = viewOf(hex('2a a8 00 00 00 00 00 00 01 00'));
  assert.deepEqual([extentFua(ten, 0), extentProtect(ten, 0)], [true, 5]);
});

test('isRead() and isWrite() know the four forms of each and nothing else', () => {
  const all = Array.from({ length: 256 }, (_, opcode) => opcode);
  assert.deepEqual(all.filter(isRead), [0x08, 0x28, 0x88, 0xa8]);
  assert.deepEqual(all.filter(isWrite), [0x0a, 0x2a, 0x8a, 0xaa]);
});
