import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import { appendText, formatText, parseText, splitText, TextAssembler, type TextPair } from '../../src/pdu/text.ts';

const TWO_PAIRS = hex(`
  48 65 61 64 65 72 44 69 67 65 73 74  3d       // HeaderDigest =
  43 52 43 33 32 43 2c 4e 6f 6e 65  00          // CRC32C,None NUL
  49 6e 69 74 69 61 74 6f 72 41 6c 69 61 73 3d  // InitiatorAlias=
  61 3d c3 a9 20 62  00                         // a=é b NUL
`);
const TWO_PAIRS_READ: TextPair[] = [
  ['HeaderDigest', 'CRC32C,None'],
  ['InitiatorAlias', 'a=é b'],
];

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function isBroken(error: unknown): boolean {
  return error instanceof ProtocolError && error.clause === '6.1';
}

test('parseText() splits at the first "=" and at each NUL', () => {
  assert.deepEqual(parseText(TWO_PAIRS), TWO_PAIRS_READ);
  assert.deepEqual(parseText(new Uint8Array(0)), []);
});

test('formatText() writes each pair with its NUL, the last one included', () => {
  assert.deepEqual(formatText(TWO_PAIRS_READ), TWO_PAIRS);
  assert.deepEqual(formatText([]), new Uint8Array(0));
});

test('parseText() keeps repeated keys and empty values', () => {
  assert.deepEqual(parseText(bytes('SendTargets=\0A=1\0A=2\0')), [
    ['SendTargets', ''],
    ['A', '1'],
    ['A', '2'],
  ]);
});

test('parseText() knows the registered names that are no standard labels', () => {
  for (const key of ['X#NodeArchitecture', 'iSCSIProtocolLevel', 'iSERHelloRequired', 'X-org.example.a@b_c+d']) {
    assert.deepEqual(parseText(bytes(`${key}=1\0`)), [[key, '1']]);
  }
});

for (const [fault, text, why] of [
  ['without the final NUL', 'A=1\0B=2', /no NUL/],
  ['without the final NUL, in a key', 'A=1\0B', /no NUL/],
  ['with a pair without "="', 'A=1\0B\0', /no "=" in the pair at byte 4/],
  ['with a pair without "=" before one that has it', 'A\0B=1\0', /no "=" in the pair at byte 0/],
  ['of a single NUL', '\0', /no "=" in the pair at byte 0/],
  ['with an empty pair', 'A=1\0\0B=2\0', /no "=" in the pair at byte 4/],
  ['whose NUL stands before its "="', 'A\0=1\0', /no "=" in the pair at byte 0/],
  ['with an empty key', '=1\0', /0 bytes at byte 0 are no key name/],
  ['with a key that begins with a small letter', 'key=1\0', /no key name/],
  ['with a key that begins with a digit', '1A=1\0', /no key name/],
  ['with a blank in a key', 'A b=1\0', /no key name/],
  ['with a "#" elsewhere than in X#', 'A#=1\0', /no key name/],
  ['with a key of 64 characters', `${'K'.repeat(64)}=1\0`, /64 bytes at byte 0 are no key name/],
  ['with a key that is not ASCII', 'Aé=1\0', /no key name/],
] as const) {
  test(`parseText() refuses a text ${fault}`, () => {
    assert.throws(
      () => parseText(bytes(text)),
      (error) => isBroken(error) && error instanceof Error && why.test(error.message),
    );
  });
}

test('parseText() takes a key of 63 characters', () => {
  assert.equal(parseText(bytes(`${'K'.repeat(63)}=1\0`)).length, 1);
});

test('parseText() skips up to three NULs that were counted with the text, and no more', () => {
  for (const padding of ['\0', '\0\0', '\0\0\0']) assert.deepEqual(parseText(bytes(`A=1\0${padding}`)), [['A', '1']]);
  assert.throws(() => parseText(bytes('A=1\0\0\0\0\0')), isBroken);
});

test('parseText() refuses text beyond the limit, which is 64 KiB unless given (I-047, T-044)', () => {
  const fits = bytes(`A=${'x'.repeat(65_533)}\0`);
  assert.equal(parseText(fits)[0]?.[1].length, 65_533);
  assert.throws(() => parseText(bytes(`A=${'x'.repeat(65_534)}\0`)), isBroken);
  assert.throws(() => parseText(bytes('A=12\0'), 4), isBroken);
});

test('parseText() turns broken UTF-8 in a value into U+FFFD', () => {
  assert.deepEqual(parseText(hex('41 3d ff 00')), [['A', '\ufffd']]);
});

test('formatText() refuses what could not be read back', () => {
  assert.throws(() => formatText([['a b', '1']]), RangeError);
  assert.throws(() => formatText([['A=', '1']]), RangeError);
  assert.throws(() => formatText([['', '1']]), RangeError);
  assert.throws(() => formatText([['A', '1\0B=2']]), RangeError);
});

test('TextAssembler joins a text wherever it is cut (I-030, T-029)', () => {
  for (let cut = 0; cut <= TWO_PAIRS.length; cut++) {
    const assembler = new TextAssembler();
    assembler.add(TWO_PAIRS.slice(0, cut));
    assembler.add(TWO_PAIRS.slice(cut));
    assert.deepEqual(assembler.take(), TWO_PAIRS_READ, `cut at byte ${cut}`);
    assert.equal(assembler.length, 0);
  }
});

test('TextAssembler takes pieces of a larger array, byte by byte, and copies them', () => {
  const padded = concat(hex('ff ff'), TWO_PAIRS, hex('ff ff'));
  const assembler = new TextAssembler();
  for (let at = 2; at < padded.length - 2; at++) assembler.add(padded, at, at + 1);
  padded.fill(0xff);
  assert.equal(assembler.length, TWO_PAIRS.length);
  assert.deepEqual(assembler.take(), TWO_PAIRS_READ);
});

test('TextAssembler refuses text beyond its limit and keeps nothing of it', () => {
  const assembler = new TextAssembler(8);
  assembler.add(bytes('A=12345\0'));
  assert.throws(() => assembler.add(bytes('B')), isBroken);
  assert.equal(assembler.length, 0);
  assembler.add(bytes('B=1\0'));
  assert.deepEqual(assembler.take(), [['B', '1']]);
});

test('TextAssembler takes text up to its limit in pieces', () => {
  const assembler = new TextAssembler(8);
  assembler.add(bytes('A=12'));
  assembler.add(bytes('345\0'));
  assert.deepEqual(assembler.take(), [['A', '12345']]);
});

test('TextAssembler starts afresh after a text that cannot be read', () => {
  const assembler = new TextAssembler();
  assembler.add(bytes('A'));
  assert.throws(() => assembler.take(), isBroken);
  assembler.add(bytes('B=1\0'));
  assert.deepEqual(assembler.take(), [['B', '1']]);
});

test('appendText() joins two pieces up to the limit', () => {
  assert.deepEqual(appendText(bytes('A='), bytes('1\0'), 4), bytes('A=1\0'));
  assert.throws(() => appendText(bytes('A='), bytes('12\0'), 4), isBroken);
});

test('splitText() cuts into pieces of at most the limit, without loss', () => {
  assert.deepEqual(splitText(bytes('abcdefg'), 3), [bytes('abc'), bytes('def'), bytes('g')]);
  assert.deepEqual(splitText(bytes('abc'), 3), [bytes('abc')]);
  assert.deepEqual(splitText(bytes('abc'), 1), [bytes('a'), bytes('b'), bytes('c')]);
  assert.deepEqual(splitText(new Uint8Array(0), 3), [new Uint8Array(0)]);
  assert.throws(() => splitText(bytes('abc'), 0), RangeError);
});
