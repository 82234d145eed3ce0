import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex, toHex } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import { Deframer } from '../../src/wire/deframer.ts';
import { type Digests, type Distortion, frame, NO_DIGESTS } from '../../src/wire/draft.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';

const BOTH = { header: true, data: true };

function pdu(opcode: number, data = new Uint8Array(0), digests: Digests = NO_DIGESTS, distortion?: Distortion) {
  return frame({ header: Uint8Array.of(opcode, ...new Uint8Array(47)), data }, digests, distortion);
}

function deframer(digests: Digests = NO_DIGESTS, limit?: number) {
  const pdus: WirePdu[] = [];
  const taker = new Deframer(
    (arrived) => pdus.push(arrived),
    () => 1234,
    limit,
  );
  taker.digests = digests;
  return { pdus, taker };
}

test('PDUs are found whatever the fragmentation', () => {
  const parts = [pdu(0x20, hex('a1'), BOTH), pdu(0x21, new Uint8Array(0), BOTH), pdu(0x25, hex('b1 b2 b3 b4'), BOTH)];
  const stream = concat(...parts);
  for (const pieceLength of [1, 2, 3, 47, 48, 49, 53, stream.length]) {
    const { pdus, taker } = deframer(BOTH);
    for (let at = 0; at < stream.length; at += pieceLength) taker.push(stream.subarray(at, at + pieceLength));
    assert.deepEqual(
      pdus.map(({ opcode, data, padding }) => `${opcode} ${toHex(data)} ${toHex(padding)}`),
      ['32 a1 000000', '33  ', '37 b1b2b3b4 '],
      `in pieces of ${pieceLength}`,
    );
    assert.ok(pdus.every(({ headerDigest, arrivedAt }) => headerDigest === 'right' && arrivedAt === 1234));
    assert.deepEqual(
      pdus.map(({ dataDigest }) => dataDigest),
      ['right', 'absent', 'right'],
    );
    assert.equal(taker.pending, 0);
  }
});

test('what a PDU shows is its own: the next bytes do not change it', () => {
  const { pdus, taker } = deframer();
  const bytes = pdu(0x20, hex('a1 a2 a3 a4'));
  taker.push(bytes);
  bytes.fill(0xee);
  taker.push(bytes.subarray(0, 8));
  assert.equal(toHex(pdus[0]?.data ?? bytes), 'a1a2a3a4');
});

test('wrong digests are seen, and what follows is read on', () => {
  const { pdus, taker } = deframer(BOTH);
  taker.push(pdu(0x25, hex('01'), BOTH, { headerDigest: 'wrong' }));
  taker.push(pdu(0x25, hex('01'), BOTH, { dataDigest: 'wrong' }));
  taker.push(pdu(0x20, new Uint8Array(0), BOTH));
  assert.deepEqual(
    pdus.map(({ headerDigest, dataDigest }) => [headerDigest, dataDigest]),
    [
      ['wrong', 'right'],
      ['right', 'wrong'],
      ['right', 'absent'],
    ],
  );
});

test('pad bytes that are no zeros, and AHS, are shown', () => {
  const { pdus, taker } = deframer();
  const header = new Uint8Array(48);
  taker.push(
    frame({ header, ahs: hex('00050200 00000008'), data: hex('01') }, NO_DIGESTS, { padding: hex('aa bb cc') }),
  );
  assert.equal(toHex(pdus[0]?.padding ?? header), 'aabbcc');
  assert.equal(toHex(pdus[0]?.ahs ?? header), '0005020000000008');
});

test('digests that change with a PDU hold for the next one in the same piece', () => {
  const pdus: WirePdu[] = [];
  const taker = new Deframer(
    (arrived) => {
      pdus.push(arrived);
      taker.digests = BOTH;
    },
    () => 0,
  );
  taker.push(concat(pdu(0x23, hex('01')), pdu(0x20, hex('02'), BOTH)));
  assert.deepEqual(
    pdus.map(({ headerDigest }) => headerDigest),
    ['absent', 'right'],
  );
  assert.equal(taker.pending, 0);
});

test('a data segment beyond the limit ends the reading as soon as its header is here', () => {
  const { pdus, taker } = deframer(NO_DIGESTS, 1000);
  taker.push(pdu(0x20, new Uint8Array(1000)));
  assert.throws(
    () => taker.push(pdu(0x20, new Uint8Array(0), NO_DIGESTS, { dataSegmentLength: 1001 })),
    (error) =>
      error instanceof ProtocolError && error.message === 'Cannot take a data segment of 1001 bytes: 1000 allowed',
  );
  taker.push(pdu(0x20));
  assert.deepEqual([pdus.length, taker.pending], [1, 0]);
});

test('the bytes of a PDU that has not ended are counted', () => {
  const { taker } = deframer();
  taker.push(pdu(0x20, new Uint8Array(0), NO_DIGESTS, { dataSegmentLength: 0xf_ffff }));
  assert.equal(taker.pending, 48);
});
