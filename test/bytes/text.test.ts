import assert from 'node:assert/strict';
import test from 'node:test';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { fromAscii, fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { Random, seeds } from '../simulated/random.ts';

const TEXTS = ['', 'InitiatorName', 'größe', '日本', '𝄞', 'a\0b'];

test('utf8() and fromUtf8() agree with the platform', () => {
  for (const text of TEXTS) {
    assert.deepEqual(utf8(text), new Uint8Array(new TextEncoder().encode(text)));
    assert.equal(fromUtf8(utf8(text)), text);
  }
});

for (const seed of seeds(20)) {
  test(`fromUtf8() takes any bytes, and reads what is UTF-8 as the platform does (SEED=${seed})`, () => {
    const random = new Random(seed);
    for (let round = 0; round < 200; round++) {
      const bytes = random.bytes(random.below(12));
      const text = fromUtf8(bytes);
      const platform = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      if (!platform.includes('\ufffd')) assert.equal(text, platform, toHex(bytes));
      else assert.ok(text.includes('\ufffd'), toHex(bytes));
    }
  });
}

test('fromAscii() shows what is not printable as a dot', () => {
  assert.equal(fromAscii(hex('41 00 7f 80 20 7e')), 'A... ~');
});

test('hex() reads annotated text and refuses half bytes', () => {
  assert.deepEqual(hex('01 ff // a comment: ab\n 2a'), Uint8Array.of(1, 255, 42));
  assert.throws(() => hex('123'), RangeError);
  assert.throws(() => hex('zz'), RangeError);
});

test('viewOf() sees a slice of a pooled buffer, not its beginning', () => {
  const pool = Uint8Array.of(9, 9, 1, 2, 9);
  const view = viewOf(pool.subarray(2, 4));
  assert.deepEqual([view.byteLength, view.getUint16(0)], [2, 0x0102]);
});
