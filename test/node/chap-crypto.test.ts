import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chapResponse } from '../../src/login/chap-algorithms.ts';
import { INITIATOR_CHAP, NodeChapCrypto, TARGET_CHAP } from '../../src/node/chap-crypto.ts';
import { generateChapSecret } from '../../src/node/chap-secret.ts';
import { ALGORITHMS, CHALLENGE, SECRET, VECTORS } from '../login/help-chap.ts';

test('the responses of all four hashes are those of the vectors', () => {
  const crypto = new NodeChapCrypto();
  assert.deepEqual(crypto.algorithms, ['sha3-256', 'sha-256', 'sha1', 'md5']);
  for (const algorithm of ALGORITHMS) {
    const response = chapResponse(crypto, algorithm, new TextEncoder().encode(SECRET), CHALLENGE);
    assert.equal(Buffer.from(response).toString('hex'), VECTORS[algorithm]);
  }
});

test('a long challenge and a large identifier make the response of the vector', () => {
  // hashlib.md5(bytes([255]) + b'secret-of-alice-1' + bytes(range(256)) * 4).hexdigest()
  const bytes = Uint8Array.from({ length: 1024 }, (_, at) => at & 0xff);
  const secret = new TextEncoder().encode('secret-of-alice-1');
  const response = chapResponse(new NodeChapCrypto(), 'md5', secret, { identifier: 255, bytes });
  assert.equal(Buffer.from(response).toString('hex'), 'e501a7d044aafa047a846845b6c1648c');
});

test('equal() compares bytes, and values of different length are not equal', () => {
  const crypto = new NodeChapCrypto();
  assert.equal(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2)), true);
  assert.equal(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false);
  assert.equal(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1)), false);
});

test('a challenge is remembered by the role that made it, and in the end forgotten', () => {
  const crypto = new NodeChapCrypto();
  const { bytes } = crypto.challenge(16);
  assert.equal(crypto.gave(bytes), true);
  assert.equal(crypto.gave(bytes.slice(1)), false);
  assert.equal(new NodeChapCrypto().gave(bytes), false);
  for (let count = 0; count < 16_384; count++) crypto.challenge(16);
  assert.equal(crypto.gave(bytes), false);
  const ours = INITIATOR_CHAP.challenge(16).bytes;
  assert.deepEqual([INITIATOR_CHAP.gave(ours), TARGET_CHAP.gave(ours)], [true, false]);
});

test('generateChapSecret() makes a random text of the strength that is asked for (RFC 7143 §9.2.1)', () => {
  assert.match(generateChapSecret(), /^[\w-]{22}$/);
  assert.match(generateChapSecret(96), /^[\w-]{16}$/);
  assert.notEqual(generateChapSecret(), generateChapSecret());
  for (const bits of [95, 0, Number.NaN, 2000]) assert.throws(() => generateChapSecret(bits), RangeError);
});
