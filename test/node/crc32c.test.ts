import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/bytes/crc32c.ts';
import { hasNativeCrc32c, payloadCrc32c } from '../../src/node/crc32c.ts';
import { randomBytes } from '../../src/node/random.ts';

test('payloadCrc32c() knows the vectors of RFC 7143 appendix A.4 and RFC 3720 B.4', () => {
  assert.equal(payloadCrc32c(new Uint8Array(32), 0, 32, 0), 0x8a91_36aa);
  assert.equal(payloadCrc32c(new Uint8Array(32).fill(0xff), 0, 32, 0), 0x62a8_ab43);
});

test('payloadCrc32c() agrees with the JavaScript one on both sides of the break-even, at odd offsets', (t) => {
  if (!hasNativeCrc32c) t.diagnostic('no native CRC32C on this machine');
  const bytes = randomBytes(9000);
  for (const length of [0, 1, 47, 223, 224, 225, 1000, 8997]) {
    assert.equal(payloadCrc32c(bytes, 3, 3 + length, 0), crc32c(bytes, 3, 3 + length), `${length} bytes`);
  }
});

test('payloadCrc32c() continues from what came before, wherever the cut is', () => {
  const bytes = randomBytes(2000);
  const whole = crc32c(bytes, 0, 2000);
  for (const cut of [0, 1, 100, 223, 224, 1000, 1999, 2000]) {
    assert.equal(payloadCrc32c(bytes, cut, 2000, payloadCrc32c(bytes, 0, cut, 0)), whole, `cut at ${cut}`);
  }
});
