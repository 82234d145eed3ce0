import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CopyPlan, Destination, Source } from '../../src/cli/copy-engine.ts';
import { Copy } from '../../src/cli/copy-engine.ts';
import { PATIENCE } from '../support/loop-time.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** Numbers 0 ≤ n < 1 that depend on the seed only (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + (at >>> 8)) & 0xff);
}

/** A source that takes a random time for each read, and that checks the order where it says that it needs one. */
function memorySource(data: Uint8Array, sequential: boolean, next: () => number): Source {
  let at = -1;
  return {
    sequential,
    length: sequential ? undefined : data.length,
    async read(buffer, position) {
      if (sequential) {
        assert.ok(at < 0 || position === at, `read at ${position} after ${at}`);
        at = position + buffer.length;
      }
      if (next() < 0.3) await sleep(next() * 3);
      const bytes = data.subarray(position, position + buffer.length);
      buffer.set(bytes);
      return bytes.length;
    },
  };
}

/** A destination that takes a random time for each write, and forbids two writes to one block at a time. */
function memoryDestination(
  length: number,
  { sequential, blockSize, next }: { sequential: boolean; blockSize: number; next: () => number },
): Destination & { readonly data: Uint8Array } {
  const data = new Uint8Array(length);
  const busy = new Set<number>();
  let at = -1;
  return {
    data,
    sequential,
    blockSize,
    async write(buffer, position) {
      if (sequential) {
        assert.ok(at < 0 || position === at, `write at ${position} after ${at}`);
        at = position + buffer.length;
      }
      const first = Math.floor(position / blockSize);
      const last = Math.floor((position + buffer.length - 1) / blockSize);
      for (let block = first; block <= last; block++) {
        assert.ok(!busy.has(block), `two writes to block ${block} at a time`);
        busy.add(block);
      }
      if (next() < 0.3) await sleep(next() * 3);
      data.set(buffer, position);
      for (let block = first; block <= last; block++) busy.delete(block);
    },
  };
}

function plan(parts: Pick<CopyPlan, 'source' | 'destination'> & Partial<CopyPlan>): CopyPlan {
  const signal = new AbortController().signal;
  return { skip: 0, seek: 0, length: undefined, chunkSize: 64, queueDepth: 4, signal, ...parts };
}

for (const [from, to] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const) {
  test(`run() copies every byte, source ${from ? 'in order' : 'in any order'}, destination ${to ? 'in order' : 'in any order'} (SEED=${SEED})`, async () => {
    const next = random(SEED);
    for (let round = 0; round < 30; round++) {
      const data = bytesOf(Math.floor(next() * 2000));
      const skip = Math.floor(next() * Math.min(100, data.length));
      const seek = Math.floor(next() * 100);
      const count = next() < 0.5 ? undefined : Math.floor(next() * 1500);
      const expected = data.subarray(skip, count === undefined ? undefined : skip + count);
      const destination = memoryDestination(4000, { sequential: to, blockSize: 16, next });
      const hash = createHash('sha256');
      const copy = new Copy(
        plan({
          source: memorySource(data, from, next),
          destination,
          skip,
          seek,
          length: from ? count : expected.length,
          chunkSize: 16 * Math.ceil(next() * 8),
          queueDepth: Math.ceil(next() * 8),
          hash,
        }),
      );
      const state = await copy.run();
      assert.deepEqual(state, { bytes: expected.length, contiguous: expected.length });
      assert.deepEqual(destination.data.subarray(seek, seek + expected.length), expected);
      assert.ok(
        destination.data.subarray(seek + expected.length).every((byte) => byte === 0),
        'nothing behind the end',
      );
      assert.equal(hash.digest('hex'), createHash('sha256').update(expected).digest('hex'));
    }
  });
}

test('run() rejects with the first failure, when nothing is in flight any more', async () => {
  const next = random(SEED);
  let flying = 0;
  const source: Source = {
    sequential: false,
    length: 1000,
    async read(buffer, position) {
      if (position === 256) throw new Error('no block 4');
      flying += 1;
      await sleep(2);
      flying -= 1;
      return buffer.length;
    },
  };
  const copy = new Copy(
    plan({
      source,
      destination: memoryDestination(1000, { sequential: false, blockSize: 16, next }),
      length: 1000,
      queueDepth: 8,
    }),
  );
  await assert.rejects(copy.run(), { message: 'no block 4' });
  assert.equal(flying, 0);
  assert.ok(copy.contiguous <= 256, `${copy.contiguous} bytes are said to be complete`);
});

test('run() ends when a destination in order fails while reads are still on their way', {
  timeout: PATIENCE,
}, async () => {
  const source: Source = {
    sequential: false,
    length: 640,
    async read(buffer, position) {
      await sleep(position / 32);
      return buffer.length;
    },
  };
  const destination: Destination = {
    sequential: true,
    blockSize: 1,
    async write() {
      throw new Error('reader gone');
    },
  };
  const copy = new Copy(plan({ source, destination, length: 640, queueDepth: 8 }));
  await assert.rejects(copy.run(), { message: 'reader gone' });
});

test('run() counts as contiguous only what has no gap before it', async () => {
  const source: Source = { sequential: false, length: 640, read: async (buffer) => buffer.length };
  const destination: Destination = {
    sequential: false,
    blockSize: 1,
    async write(_, position) {
      if (position === 128) {
        await sleep(20);
        throw new Error('medium full');
      }
    },
  };
  const copy = new Copy(plan({ source, destination, length: 640, queueDepth: 3 }));
  await assert.rejects(copy.run(), { message: 'medium full' });
  assert.equal(copy.contiguous, 128);
  assert.equal(copy.bytes, 576);
});

test('run() rejects with the reason of its signal, also while a source in order waits', async () => {
  const controller = new AbortController();
  const source: Source = {
    sequential: true,
    length: undefined,
    read: (_buffer, _position, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped reading')))),
  };
  const destination: Destination = { sequential: true, blockSize: 1, write: async () => undefined };
  const running = new Copy(plan({ source, destination, signal: controller.signal })).run();
  const reason = new Error('Ctrl-C');
  setTimeout(() => controller.abort(reason), 5);
  await assert.rejects(running, reason);
});

test('run() rejects when a file becomes shorter while it is read', async () => {
  const source: Source = {
    sequential: false,
    length: 1000,
    read: async (buffer, position) => Math.max(0, Math.min(buffer.length, 300 - position)),
  };
  const destination: Destination = { sequential: false, blockSize: 1, write: async () => undefined };
  await assert.rejects(new Copy(plan({ source, destination, length: 1000 })).run(), {
    code: 'BECAME_SHORTER',
    message: 'The source became shorter while it was read: 1000 bytes before, 300 now',
  });
});
