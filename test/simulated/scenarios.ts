import assert from 'node:assert/strict';
import { MemoryStore } from '../../src/device/memory-store.ts';
import type { OperationalPolicy } from '../../src/login/policy.ts';
import { writeReadCdb, writeWriteCdb } from '../../src/scsi/fast.ts';
import { Random } from './random.ts';
import { World } from './world.ts';

const BLOCK = 512;
const BLOCKS = 4096;
const OPERATIONS = 120;

/**
 * What one seed negotiates: mostly small lengths, so that bursts, R2Ts and splits come in great number; for some long
 * ones.
 */
function policyOf(random: Random): Partial<OperationalPolicy> {
  const large = random.onceIn(4);
  const maxBurstLength = large ? 1_048_576 : 512 * (1 + random.below(40));
  return {
    immediateData: random.onceIn(2),
    initialR2T: random.onceIn(2),
    headerDigest: random.onceIn(2) ? ['CRC32C'] : ['None'],
    dataDigest: random.onceIn(2) ? ['CRC32C'] : ['None'],
    maxBurstLength,
    firstBurstLength: Math.min(maxBurstLength, 512 * (1 + random.below(20))),
    maxRecvDataSegmentLength: large ? 262_144 : 512 + random.below(6000),
    maxOutstandingR2T: 1 + random.below(4),
  };
}

/** Digests have to be allowed by both sides. */
function targetPolicyOf(random: Random): Partial<OperationalPolicy> {
  return { ...policyOf(random), headerDigest: ['None', 'CRC32C'], dataDigest: ['None', 'CRC32C'] };
}

async function logIn(random: Random): Promise<World> {
  const store = new MemoryStore({ size: BLOCK * BLOCKS, blockSize: BLOCK });
  const firstCmdSN = random.onceIn(3) ? 0xffff_fff0 : random.uint32(); // also over the wrap
  const world = new World({ random, store, initiator: policyOf(random), target: targetPolicyOf(random), firstCmdSN });
  await world.until(() => world.loggedIn || world.closed > 0);
  assert.equal(world.error, undefined);
  // A new nexus hears of the power-on first; the command that meets it is not carried out.
  const first = world.submit((task) => writeReadCdb(task.cdb, 0, 0, 0));
  let status = -1;
  void first.then((value) => {
    status = value;
  });
  await world.until(() => status >= 0);
  return world;
}

/** Writes, reads and verifies at random under random fragmentation, then logs out. */
export async function writeReadVerify(seed: number): Promise<void> {
  const random = new Random(seed);
  const world = await logIn(random);
  const model = new Uint8Array(BLOCK * BLOCKS);
  // a block in use by one command is left alone by others: their order is not defined
  const busy = new Uint8Array(BLOCKS);
  let running = 0;
  let started = 0;
  const failures: unknown[] = [];

  const start = (): void => {
    const blocks = 1 + random.below(random.onceIn(8) ? 400 : 60);
    const address = random.below(BLOCKS - blocks);
    if (busy.subarray(address, address + blocks).some((mark) => mark !== 0)) return;
    busy.fill(1, address, address + blocks);
    running++;
    started++;
    const counter = { settled: 0 };
    const end = (): void => {
      busy.fill(0, address, address + blocks);
      running--;
      assert.equal(counter.settled, 1);
    };
    const from = address * BLOCK;
    const length = blocks * BLOCK;
    const expected = model.slice(from, from + length);
    const buffer = random.onceIn(2) ? random.bytes(length) : undefined;
    const read = new Uint8Array(length);
    const done = world.submit((task) => {
      if (buffer === undefined) {
        writeReadCdb(task.cdb, 0, address, blocks);
        task.dataIn = read;
      } else {
        writeWriteCdb(task.cdb, 0, address, blocks);
        task.dataOut = buffer;
      }
    }, counter);
    done
      .then((status) => {
        assert.equal(status, 0);
        if (buffer === undefined) assert.deepEqual(read, expected);
        else model.set(buffer, from);
      })
      .catch((error: unknown) => failures.push(error))
      .finally(end);
  };

  await world.until(() => {
    if (started < OPERATIONS && running < 12) start();
    return (started === OPERATIONS && running === 0) || failures.length > 0 || world.closed > 0;
  });
  assert.deepEqual(failures, []);
  assert.equal(world.error, undefined);

  world.session.logout(world.time + 5000);
  await world.until(() => world.closed > 0);
  assert.equal(world.error, undefined);
}

/** Cuts the connection at a random byte: each task settles once, and what was reported written is there. */
export async function cutConnection(seed: number): Promise<void> {
  const random = new Random(seed + 0x1000);
  const store = new MemoryStore({ size: BLOCK * BLOCKS, blockSize: BLOCK });
  const world = new World({ random, store, initiator: policyOf(random), target: targetPolicyOf(random) });
  await world.until(() => world.loggedIn || world.closed > 0);
  assert.equal(world.error, undefined);
  const stop = world.toTarget.carried + random.below(120_000);
  const counters: { settled: number }[] = [];
  const reported: { readonly address: number; readonly data: Uint8Array }[] = [];
  let next = 0;
  await world.until(() => {
    if (next < 400 && counters.filter(({ settled }) => settled === 0).length < 8) {
      const address = next * 8;
      const data = random.bytes(8 * BLOCK);
      const counter = { settled: 0 };
      counters.push(counter);
      next++;
      world
        .submit((task) => {
          writeWriteCdb(task.cdb, 0, address, 8);
          task.dataOut = data;
        }, counter)
        .then(
          (status) => status === 0 && reported.push({ address, data }),
          () => {}, // its error says that the outcome is not known
        );
    }
    return world.toTarget.carried >= stop || next === 400;
  });
  world.cut();
  await new Promise(setImmediate);
  assert.ok(
    counters.every(({ settled }) => settled === 1),
    'each task settles exactly once',
  );
  assert.equal(world.closed, 1);
  for (const { address, data } of reported) {
    const found = new Uint8Array(data.length);
    store.read(address * BLOCK, found, 0, found.length);
    assert.deepEqual(found, data, `blocks from ${address} were reported written`);
  }
}
