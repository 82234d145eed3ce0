import assert from 'node:assert/strict';
import test from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import type { FuzzTarget } from '../fuzz/scsi.ts';
import { scsiParsers } from '../fuzz/scsi.ts';
import { seeded } from './random.ts';

const MUTATIONS = 3000; // for each parser
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

type Outcome = { readonly value: unknown } | { readonly thrown: string };

/** What the parser does with the bytes; anything else than a value, ProtocolError or RangeError fails. */
function outcome(target: FuzzTarget, bytes: Uint8Array): Outcome {
  try {
    return { value: target.parse(bytes) };
  } catch (error) {
    const allowed = error instanceof ProtocolError || error instanceof RangeError;
    // Reading past a view is a RangeError, too, but of the engine: its message is not ours.
    if (allowed && error.message.startsWith('Cannot ')) return { thrown: error.message };
    throw new Error(`${target.name} of ${toHex(bytes)}`, { cause: error });
  }
}

/** Parses the bytes alone, and the same bytes amid others: the result may not depend on what lies around them. */
function check(target: FuzzTarget, bytes: Uint8Array): Outcome {
  const alone = outcome(target, bytes.slice());
  for (const filler of [0x00, 0xff, 0x5a]) {
    const around = new Uint8Array(bytes.length + 96).fill(filler);
    around.set(bytes, 32);
    const amid = around.subarray(32, 32 + bytes.length);
    assert.deepEqual(outcome(target, amid), alone, `${target.name} of ${toHex(bytes)} amid ${filler}`);
    assert.deepEqual(amid.slice(), bytes.slice(), `${target.name} changed its input ${toHex(bytes)}`);
  }
  return alone;
}

function mutate(bytes: Uint8Array, below: (limit: number) => number): Uint8Array {
  const mutated = Array.from(bytes);
  for (let change = 1 + below(4); change > 0; change--) {
    const at = below(mutated.length + 1);
    switch (below(5)) {
      case 0:
        if (at < mutated.length) mutated[at] = (mutated[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        if (at < mutated.length) mutated[at] = EDGES[below(EDGES.length)] ?? 0;
        break;
      case 2:
        mutated.splice(at, below(4));
        break;
      case 3:
        mutated.splice(at, 0, ...Array.from({ length: below(5) }, () => below(256)));
        break;
      default:
        if (below(4) === 0) mutated.length = at;
    }
  }
  return Uint8Array.from(mutated);
}

for (const target of scsiParsers) {
  test(`${target.name}() takes its samples, and whatever is left of them when they are cut`, () => {
    for (const seed of target.seeds) {
      assert.ok('value' in check(target, seed), toHex(seed));
      for (let length = 0; length < seed.length; length++) check(target, seed.subarray(0, length));
    }
  });

  test(`${target.name}() gives a value or refuses, for any bytes`, () => {
    seeded((below) => {
      let values = 0;
      for (let run = 0; run < MUTATIONS; run++) {
        const seed = target.seeds[below(target.seeds.length)] ?? new Uint8Array();
        if ('value' in check(target, mutate(seed, below))) values++;
      }
      assert.ok(
        values > MUTATIONS / 50,
        `only ${values} of ${MUTATIONS} mutations got through: the samples are too far from real ones`,
      );
    });
  });
}
