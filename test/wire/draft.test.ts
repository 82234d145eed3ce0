import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { type Distortion, frame, NO_DIGESTS, type PduDraft } from '../../src/wire/draft.ts';

const HEADER = Uint8Array.from({ length: 48 }, (_, at) => (at < 4 || at > 7 ? at : 0xff));
/** RFC 7143 appendix A.4: the digest of 32 bytes of zeros, as it stands on the wire. */
const DIGEST_OF_ZEROS = 'aa36918a';

function framed(draft: Partial<PduDraft>, distortion?: Distortion, digests = NO_DIGESTS): Uint8Array {
  return frame({ header: HEADER, ...draft }, digests, distortion);
}

test('a PDU is header, AHS, data and zero padding, and its lengths are those of what there is', () => {
  const bytes = framed({ ahs: hex('0001 0000 0000 0000'), data: hex('a1 a2 a3 a4 a5') });
  assert.equal(toHex(bytes.subarray(0, 8)), '0001020302000005');
  assert.equal(toHex(bytes.subarray(8, 48)), toHex(HEADER.subarray(8)));
  assert.equal(toHex(bytes.subarray(48)), `0001000000000000${'a1a2a3a4a5'}000000`);
});

test('a data digest covers data and padding, and stands little-endian behind them', () => {
  const digests = { header: false, data: true };
  assert.equal(toHex(framed({ data: new Uint8Array(32) }, {}, digests).subarray(80)), DIGEST_OF_ZEROS);
  assert.equal(toHex(framed({ data: new Uint8Array(30) }, {}, digests).subarray(80)), DIGEST_OF_ZEROS);
  assert.equal(framed({}, {}, digests).length, 48, 'no digest of no data');
});

test('a header digest covers what was changed, unless it shall be wrong', () => {
  const digests = { header: true, data: false };
  const right = framed({}, { words: { 24: 7 } }, digests);
  const wrong = framed({}, { words: { 24: 7 }, headerDigest: 'wrong' }, digests);
  assert.equal(toHex(right.subarray(24, 28)), '00000007');
  assert.deepEqual(right.subarray(0, 48), wrong.subarray(0, 48));
  const flipped = wrong.subarray(48).map((byte) => byte ^ 0xff);
  assert.equal(toHex(right.subarray(48)), toHex(flipped));
  assert.notEqual(toHex(right.subarray(48)), toHex(framed({}, {}, digests).subarray(48)));
});

test('a digest can be left out, put in where none is agreed, or be any number', () => {
  assert.equal(framed({}, { headerDigest: 'absent' }, { header: true, data: true }).length, 48);
  assert.equal(framed({ data: new Uint8Array(32) }, { dataDigest: 'right' }).length, 84);
  assert.equal(toHex(framed({}, { headerDigest: 0x0102_0304 }).subarray(48)), '04030201');
});

test('lengths can lie, and padding can be missing or be something else', () => {
  const data = hex('a1');
  assert.equal(
    toHex(framed({ data }, { dataSegmentLength: 0xff_ffff, totalAhsLength: 0xff }).subarray(4, 8)),
    'ffffffff',
  );
  assert.equal(toHex(framed({ data }, { padding: new Uint8Array(0) }).subarray(48)), 'a1');
  assert.equal(toHex(framed({ data }, { padding: hex('ee ee ee') }).subarray(48)), 'a1eeeeee');
});

test('any byte and word of the header can be set, and a PDU can be cut off anywhere', () => {
  const bytes = framed({}, { bytes: { 0: 0x7f, 47: 0xaa }, words: { 44: 0x0102_0304 } });
  assert.deepEqual([bytes[0], toHex(bytes.subarray(44))], [0x7f, '01020304'], 'words win');
  for (const length of [0, 1, 47]) assert.equal(framed({}, { length }).length, length);
});

test('the header of a draft stays as it is', () => {
  framed({}, { bytes: { 0: 0x7f } });
  assert.equal(HEADER[0], 0);
});

test('what is not in a header cannot be set in it', () => {
  assert.throws(
    () => framed({}, { bytes: { 48: 1 } }),
    /^RangeError: Cannot set 1 bytes of a header at 48: 0..47 allowed$/,
  );
  assert.throws(() => framed({}, { words: { 45: 1 } }), RangeError);
  assert.throws(() => framed({}, { bytes: { [-1]: 1 } }), RangeError);
  assert.throws(
    () => frame({ header: new Uint8Array(47) }),
    /^RangeError: Cannot send a header of 47 bytes: 48 allowed$/,
  );
});
