import assert from 'node:assert/strict';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { writeReadCdb, writeWriteCdb } from '../../src/scsi/fast.ts';
import { Random } from '../simulated/random.ts';
import type { Wire } from '../simulated/wire.ts';
import { World } from '../simulated/world.ts';

const BLOCK = 512;
const STEPS = 3000;

/**
 * A session whose target goes mad at some point, before the login or after: nothing may be thrown, every task settles
 * once, and the session either lives or is over with one error.
 */
export function hostileTarget(seed: number): Promise<void> {
  return hostile(seed, (world) => world.toInitiator);
}

/** The same with a mad initiator. */
export function hostileInitiator(seed: number): Promise<void> {
  return hostile(seed, (world) => world.toTarget);
}

async function hostile(seed: number, wireOf: (world: World) => Wire): Promise<void> {
  const random = new Random(seed);
  const digests = random.onceIn(2);
  const world = new World({
    random,
    store: new MemoryStore({ size: BLOCK * 256, blockSize: BLOCK }),
    initiator: { headerDigest: digests ? ['CRC32C'] : ['None'], dataDigest: digests ? ['CRC32C'] : ['None'] },
  });
  const from = random.below(3000);
  const wire = wireOf(world);
  wire.tamper = (piece) => (wire.carried < from || random.onceIn(3) ? piece : damaged(piece, random));

  const counters: { settled: number }[] = [];
  for (let steps = 0; steps < STEPS && world.closed === 0; steps++) {
    world.step();
    if (world.loggedIn && counters.length < 60 && random.onceIn(8)) counters.push(submit(world, random));
    if (steps % 64 === 0) await Promise.resolve();
  }
  world.cut();
  await new Promise(setImmediate);
  assert.equal(world.closed, 1, `the session ends once (seed ${seed})`);
  assert.ok(
    counters.every(({ settled }) => settled === 1),
    `every task settles once (seed ${seed})`,
  );
}

function submit(world: World, random: Random): { settled: number } {
  const counter = { settled: 0 };
  const blocks = 1 + random.below(40);
  const address = random.below(256 - blocks);
  const write = random.onceIn(2);
  world
    .submit((task) => {
      if (write) writeWriteCdb(task.cdb, 0, address, blocks);
      else writeReadCdb(task.cdb, 0, address, blocks);
      if (write) task.dataOut = new Uint8Array(blocks * BLOCK);
      else task.dataIn = new Uint8Array(blocks * BLOCK);
      task.timeout = 50 + random.below(400);
    }, counter)
    .catch(() => {}); // an error is what is to be expected
  return counter;
}

/** Flips bits, puts bytes in, leaves bytes out, repeats, or sends rubbish. */
function damaged(piece: Uint8Array, random: Random): Uint8Array {
  const at = random.below(piece.length);
  switch (random.below(6)) {
    case 0:
      return join(piece.subarray(0, at), random.bytes(1 + random.below(60)), piece.subarray(at));
    case 1:
      return join(piece.subarray(0, at), piece.subarray(Math.min(piece.length, at + 1 + random.below(8))));
    case 2:
      return join(piece, piece);
    case 3:
      return random.bytes(1 + random.below(200));
    default: {
      const copy = piece.slice();
      for (let flips = 1 + random.below(4); flips > 0; flips--) copy[random.below(copy.length)] = random.uint32();
      return copy;
    }
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
