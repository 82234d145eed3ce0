import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import { type PduParser, pduParsers } from '../fuzz/pdu.ts';
import { type SeededRandom, seededRandom } from './random.ts';

const ROUNDS = 2000;
const BHS_LENGTH = 48;

/** Random bytes, a seed with a few bytes changed, or a header with random AHS whose TotalAHSLength is about right. */
function input(random: SeededRandom, seeds: readonly Uint8Array[]): Uint8Array {
  const kind = random.below(3);
  if (kind === 0) return random.bytes(random.below(200));
  const seed = seeds[random.below(seeds.length)] ?? new Uint8Array();
  if (kind === 1) {
    const bytes = seed.slice(0, random.below(4) === 0 ? random.below(seed.length + 1) : seed.length);
    for (let change = random.below(6); change > 0 && bytes.length > 0; change--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    return bytes;
  }
  const words = random.below(12);
  const bytes = random.bytes(BHS_LENGTH + 4 * words);
  bytes.set(seed.subarray(0, BHS_LENGTH));
  bytes[4] = Math.max(0, words + random.below(3) - 1);
  for (let at = BHS_LENGTH; at < bytes.length; at += 4) {
    if (random.below(2) === 0) bytes.set([0, random.below(24), random.below(4), 0], at); // a plausible AHS
  }
  return bytes;
}

function outcome(parser: PduParser, bytes: Uint8Array): 'value' | 'ProtocolError' | Error {
  try {
    parser.parse(bytes);
    return 'value';
  } catch (error) {
    if (error instanceof ProtocolError) return 'ProtocolError';
    return error instanceof Error ? error : new Error(String(error));
  }
}

for (const parser of pduParsers) {
  test(`${parser.name} gives a value or a ProtocolError for any bytes`, () => {
    const random = seededRandom();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = input(random, parser.seeds);
      const result = outcome(parser, bytes);
      assert.ok(typeof result === 'string', `${String(result)} for ${toHex(bytes)}, ${random.note}`);
    }
  });
}

test('the readers of headers take any 48 bytes', () => {
  const random = seededRandom();
  const readers = pduParsers.filter(({ name }) => name.startsWith('read ') || name === 'describePdu');
  assert.equal(readers.length, 19);
  for (const reader of readers) {
    for (let round = 0; round < 200; round++) {
      assert.equal(outcome(reader, random.bytes(BHS_LENGTH)), 'value', `${reader.name}, ${random.note}`);
    }
  }
});

test('the inputs reach both outcomes of every check and of every AHS parser', () => {
  const random = seededRandom();
  for (const parser of pduParsers.filter(({ name }) => name !== 'describePdu' && !name.startsWith('read '))) {
    const seen = new Set<unknown>();
    for (let round = 0; round < ROUNDS; round++) seen.add(outcome(parser, input(random, parser.seeds)));
    assert.deepEqual([...seen].sort(), ['ProtocolError', 'value'], `${parser.name}, ${random.note}`);
  }
});
