import assert from 'node:assert/strict';
import test from 'node:test';
import { hex, viewOf } from '../../src/bytes/hex.ts';
import { readUint64, readUint64Clamped, writeUint64 } from '../../src/bytes/uint64.ts';

const VALUES: readonly (readonly [number, string])[] = [
  [0, '00 00 00 00 00 00 00 00'],
  [1, '00 00 00 00 00 00 00 01'],
  [0xffff_ffff, '00 00 00 00 ff ff ff ff'],
  [0x1_0000_0000, '00 00 00 01 00 00 00 00'],
  [Number.MAX_SAFE_INTEGER, '00 1f ff ff ff ff ff ff'],
];

test('readUint64() and writeUint64() agree with bytes written by hand', () => {
  for (const [value, bytes] of VALUES) {
    assert.equal(readUint64(viewOf(hex(bytes)), 0), value);
    const written = new Uint8Array(8);
    writeUint64(viewOf(written), 0, value);
    assert.deepEqual(written, hex(bytes));
  }
});

test('readUint64() refuses what a number cannot hold, readUint64Clamped() takes it for as much as possible', () => {
  const large = viewOf(hex('00 20 00 00 00 00 00 00'));
  assert.throws(() => readUint64(large, 0), RangeError);
  assert.equal(readUint64Clamped(large, 0), Number.MAX_SAFE_INTEGER);
  assert.equal(readUint64Clamped(viewOf(hex('ff ff ff ff ff ff ff ff')), 0), Number.MAX_SAFE_INTEGER);
});

test('writeUint64() refuses what is no count', () => {
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => writeUint64(new DataView(new ArrayBuffer(8)), 0, value), RangeError, `${value}`);
  }
});
