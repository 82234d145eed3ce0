/** A short run of the fuzzers on every test run; a long one is `npm run fuzz`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { loginParsers } from '../fuzz/login.ts';
import { Random } from '../simulated/random.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 2000);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));

for (const { name, parse, seeds } of loginParsers) {
  test(`${name} gives a value or an IscsiError on every prefix and on random changes`, () => {
    const random = new Random(seed);
    const outcomes = new Set<string>();
    for (const start of seeds) {
      for (let length = 0; length <= start.length; length++) outcomes.add(run(parse, start.subarray(0, length), name));
    }
    for (let round = 0; round < ROUNDS; round++) {
      const start = seeds[random.below(seeds.length)] ?? new Uint8Array(0);
      outcomes.add(run(parse, changed(start, random), `${name}, SEED=${seed}, round ${round}`));
    }
    assert.ok(outcomes.has('value'), `${name}: no input was accepted`);
  });
}

function run(parse: (bytes: Uint8Array) => void, bytes: Uint8Array, where: string): 'value' | 'error' {
  const before = Uint8Array.from(bytes);
  try {
    parse(bytes);
    return 'value';
  } catch (cause) {
    if (cause instanceof IscsiError) return 'error';
    throw new Error(`${where}: ${String(cause)} on ${Buffer.from(bytes).toString('hex')}`, { cause });
  } finally {
    assert.deepEqual(bytes, before, `${where}: the input was changed`);
  }
}

/** `start` with some bytes replaced, removed, inserted or repeated. */
function changed(start: Uint8Array, random: Random): Uint8Array {
  const INTERESTING = [0x00, 0x3d, 0x2c, 0x25, 0x40, 0x3a, 0x5b, 0x5d, 0x2f, 0x3f, 0x30, 0x7f, 0x80, 0xff];
  const bytes = [...start];
  for (let change = random.below(6); change >= 0; change--) {
    const at = random.below(bytes.length + 1);
    const byte = random.onceIn(2) ? (INTERESTING[random.below(INTERESTING.length)] ?? 0) : random.below(256);
    switch (random.below(4)) {
      case 0:
        bytes[Math.min(at, Math.max(0, bytes.length - 1))] = byte;
        break;
      case 1:
        bytes.splice(at, random.below(8));
        break;
      case 2:
        bytes.splice(at, 0, byte);
        break;
      default:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.below(60)));
    }
  }
  return Uint8Array.from(bytes);
}
