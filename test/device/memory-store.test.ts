import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { randomBelow, SEED } from '../scsi/random.ts';
import { filled, pattern } from './fake.ts';

const MIB = 1024 * 1024;

function readOf(store: MemoryStore, position: number, length: number): Uint8Array {
  const bytes = filled(length + 2, 0xee);
  store.read(position, bytes, 1, length);
  assert.deepEqual([bytes[0], bytes[length + 1]], [0xee, 0xee], 'nothing beside the range is touched');
  return bytes.slice(1, length + 1);
}

test('a terabyte takes no room before the first write, and reads as zeros', () => {
  const store = new MemoryStore({ size: 1024 * 1024 * MIB });
  assert.equal(store.blocks, 2 ** 31);
  assert.equal(store.memoryUsed, 0);
  assert.deepEqual(readOf(store, 1024 * 1024 * MIB - 4096, 4096), filled(4096, 0));
  assert.equal(store.memoryUsed, 0);
});

test('what was written is read back, across the borders of extents and at the very end', () => {
  const store = new MemoryStore({ size: 4 * MIB });
  const data = pattern(MIB + 1024);
  store.write(MIB / 2 - 512, data, 0, data.length);
  assert.deepEqual(readOf(store, MIB / 2 - 512, data.length), data);
  assert.deepEqual(readOf(store, MIB / 2 - 1024, 512), filled(512, 0));
  assert.deepEqual(readOf(store, MIB / 2 - 512 + data.length, 512), filled(512, 0));
  store.write(4 * MIB - 512, data, 512, 1024);
  assert.deepEqual(readOf(store, 4 * MIB - 512, 512), data.slice(512, 1024));
});

test('discard() gives whole extents back, zeroes parts of others, and leaves the neighbours', () => {
  const store = new MemoryStore({ size: 2 * MIB });
  const data = pattern(2 * MIB);
  store.write(0, data, 0, data.length);
  assert.equal(store.memoryUsed, 2 * MIB);
  store.discard(512, MIB);
  assert.ok(store.memoryUsed < 2 * MIB && store.memoryUsed >= MIB, `${store.memoryUsed} bytes in use`);
  assert.deepEqual(readOf(store, 0, 512), data.slice(0, 512));
  assert.deepEqual(readOf(store, 512, MIB), filled(MIB, 0));
  assert.deepEqual(readOf(store, 512 + MIB, 4096), data.slice(512 + MIB, 512 + MIB + 4096));
  store.discard(0, 2 * MIB);
  assert.equal(store.memoryUsed, 0);
});

test('a size that is no multiple of an extent gives its last piece back, too', () => {
  const store = new MemoryStore({ size: MIB + 1024 });
  store.write(MIB, filled(1024, 1), 0, 1024);
  store.discard(MIB, 1024);
  assert.equal(store.memoryUsed, 0);
});

test('provisioning() tells runs of blocks that take room from runs that do not', () => {
  const store = new MemoryStore({ size: 1024 * 1024 * MIB });
  store.write(512 * 1024 * MIB, filled(512, 1), 0, 512);
  const whole = 1024 * 1024 * MIB;
  assert.deepEqual(store.provisioning(0, whole), { allocated: false, length: whole / 2 });
  const used = store.provisioning(whole / 2 + 512, whole / 2 - 512);
  assert.equal(used.allocated, true);
  const behind = whole / 2 + 512 + used.length;
  assert.deepEqual(store.provisioning(behind, whole - behind), { allocated: false, length: whole - behind });
  assert.deepEqual(store.provisioning(0, 512), { allocated: false, length: 512 });
});

test('a write beyond the memory limit fails with ENOSPC', () => {
  const store = new MemoryStore({ size: 4 * MIB, memoryLimit: MIB });
  store.write(0, filled(MIB, 1), 0, MIB);
  assert.throws(() => store.write(2 * MIB, filled(512, 1), 0, 512), { code: 'ENOSPC' });
  store.write(0, filled(MIB, 2), 0, MIB); // what has room can be written again
  store.discard(0, MIB);
  store.write(2 * MIB, filled(512, 3), 0, 512);
  assert.deepEqual(readOf(store, 2 * MIB, 512), filled(512, 3));
});

/** What `lend` gives for a range, piece by piece. */
function lentBy(store: MemoryStore, position: number, length: number): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < length; at += pieces.at(-1)?.length ?? length) {
    pieces.push(store.lend(position + at, length - at));
  }
  return pieces;
}

/** Shorter pieces are lent as copies. */
const LEAST_LOAN = 64 * 1024;

test('lend() gives the blocks without a copy, up to where an extent ends; what was never written is zeros', () => {
  const store = new MemoryStore({ size: 2 * MIB });
  const data = pattern(MIB);
  store.write(0, data, 0, MIB);
  const pieces = lentBy(store, MIB / 2 - 512, MIB);
  assert.deepEqual(Buffer.concat(pieces), Buffer.concat([data.subarray(MIB / 2 - 512), filled(MIB / 2 - 512, 0)]));
  assert.equal(store.lend(0, LEAST_LOAN).buffer, store.lend(512, LEAST_LOAN).buffer);
  assert.notEqual(store.lend(0, LEAST_LOAN - 512).buffer, store.lend(0, LEAST_LOAN).buffer);
  assert.equal(store.memoryUsed, MIB);
});

test('what is lent stays as it is, whatever is written and discarded meanwhile, and the store has what is new', () => {
  const store = new MemoryStore({ size: MIB });
  const data = pattern(MIB);
  store.write(0, data, 0, MIB / 2); // the other half stays empty
  const before = readOf(store, 0, MIB);
  const pieces = lentBy(store, 0, MIB);
  store.write(512, filled(512, 0x77), 0, 512);
  store.discard(MIB / 4 + 512, 512);
  store.write(MIB - 512, filled(512, 0x88), 0, 512);
  assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), before);
  assert.deepEqual(
    readOf(store, 0, 1536),
    Uint8Array.of(...before.subarray(0, 512), ...filled(512, 0x77), ...before.subarray(1024, 1536)),
  );
  assert.deepEqual(readOf(store, MIB / 4 + 512, 512), filled(512, 0));
  assert.deepEqual(readOf(store, MIB - 512, 512), filled(512, 0x88));
  store.discard(0, MIB);
  store.close();
  assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), before);
});

test('an extent is written in place again once all of its loans were taken back', () => {
  const store = new MemoryStore({ size: MIB });
  store.write(0, pattern(MIB), 0, MIB);
  const [first, second] = [store.lend(0, LEAST_LOAN), store.lend(512, LEAST_LOAN)];
  store.takeBack(first);
  store.write(0, filled(512, 1), 0, 512);
  assert.notEqual(store.lend(0, LEAST_LOAN).buffer, second.buffer, 'still lent: the write went to a copy');
  store.takeBack(second);
  const other = store.lend(MIB / 2, LEAST_LOAN);
  store.takeBack(other);
  store.write(MIB / 2, filled(512, 2), 0, 512);
  assert.equal(store.lend(MIB / 2, LEAST_LOAN).buffer, other.buffer);
  store.takeBack(new MemoryStore({ size: MIB }).lend(0, LEAST_LOAN)); // zeros belong to nobody
  store.takeBack(store.lend(0, 512)); // nor do copies
});

test('close() gives all room back', () => {
  const store = new MemoryStore({ size: MIB });
  store.write(0, filled(MIB, 1), 0, MIB);
  store.close();
  assert.equal(store.memoryUsed, 0);
});

test('sizes and block lengths that cannot be are refused with what is allowed', () => {
  for (const blockSize of [0, 256, 513, 1000, 131072, 512.5]) {
    assert.throws(() => new MemoryStore({ size: MIB, blockSize }), /power of two from 512 to 65536 allowed/);
  }
  for (const size of [0, -512, 513, 2 ** 53, Number.NaN]) {
    assert.throws(() => new MemoryStore({ size }), /positive multiple of 512 allowed/);
  }
  assert.equal(new MemoryStore({ size: 65536 * 3, blockSize: 65536 }).blocks, 3);
});

test('random writes, discards and reads give what a plain array gives', () => {
  const below = randomBelow(SEED);
  const size = 3 * MIB;
  const store = new MemoryStore({ size });
  const model = new Uint8Array(size);
  for (let step = 0; step < 300; step++) {
    const position = below(size / 512) * 512;
    const length = Math.min(size - position, (1 + below(1 << below(12))) * 512);
    const action = below(3);
    if (action === 0) {
      const data = pattern(length, step + 1);
      store.write(position, data, 0, length);
      model.set(data, position);
    } else if (action === 1) {
      store.discard(position, length);
      model.fill(0, position, position + length);
    }
    assert.deepEqual(
      readOf(store, position, length),
      model.slice(position, position + length),
      `SEED=${SEED} step ${step}`,
    );
  }
  assert.deepEqual(readOf(store, 0, size), model, `SEED=${SEED}`);
});
