import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32c } from '../../src/bytes/crc32c.ts';
import { hex } from '../../src/bytes/hex.ts';

/**
 * Input, and the digest as it stands on the wire (RFC 7143 appendix A.4, RFC 3720 B.4; the check value of the CRC
 * catalogue).
 */
const VECTORS: readonly (readonly [string, Uint8Array, string])[] = [
  ['32 bytes of zeros', new Uint8Array(32), 'aa 36 91 8a'],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), '43 ab a8 62'],
  ['32 bytes counting up', Uint8Array.from({ length: 32 }, (_, at) => at), '4e 79 dd 46'],
  ['32 bytes counting down', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), '5c db 3f 11'],
  ['"123456789"', hex('31 32 33 34 35 36 37 38 39'), '83 92 06 e3'],
  ['"hello" without padding', hex('68 65 6c 6c 6f'), '4c bb 71 9a'],
  ['"hello" with its padding', hex('68 65 6c 6c 6f 00 00 00'), 'b3 ed 03 90'],
  [
    'the READ(10) command of the RFC',
    hex(`01 c0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 14 00 00 00 00 00 04 00
         00 00 00 14 00 00 00 18 28 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00`),
    '56 3a 96 d9',
  ],
];

for (const [name, bytes, wire] of VECTORS) {
  test(`crc32c() of ${name} is what the standard says`, () => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, crc32c(bytes, 0, bytes.length), true);
    assert.deepEqual(new Uint8Array(view.buffer), hex(wire));
  });

  test(`crc32c() of ${name} is the same in two pieces, wherever it is cut`, () => {
    const whole = crc32c(bytes, 0, bytes.length);
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.equal(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut)), whole, `cut at ${cut}`);
    }
  });
}
