import assert from 'node:assert/strict';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileHoles } from '../../src/node/file-holes.ts';
import { openFileStore } from '../../src/node/file-store.ts';
import { filled } from '../device/fake.ts';
import { randomBelow, SEED } from '../scsi/random.ts';
import { requirePeer } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const MIB = 1024 * 1024;

test('what is known of holes is never more than there is, whatever is filled and punched', () => {
  const below = randomBelow(SEED);
  const holes = new FileHoles();
  const empty = new Array<boolean>(100).fill(false);
  for (let round = 0; round < 5000; round++) {
    const from = below(100);
    const to = Math.min(100, from + 1 + below(20));
    const punch = below(2) === 0;
    if (punch) holes.add(from, to);
    else holes.fill(from, to);
    empty.fill(punch, from, to);
    const at = below(100);
    const { allocated, length } = holes.at(at, 100 - at);
    assert.equal(allocated, !empty[at], `SEED=${SEED}, round ${round}, ${at}`);
    const end = empty.findIndex((one, index) => index > at && one === allocated);
    assert.equal(length, (end < 0 ? 100 : end) - at, `SEED=${SEED}, round ${round}, ${at}`);
    assert.equal(holes.covers(from, to), empty.slice(from, to).every(Boolean), `SEED=${SEED}, round ${round}`);
  }
});

test('the number of holes that are remembered is bounded, and what is forgotten counts as allocated', () => {
  const holes = new FileHoles();
  holes.add(0, 1_000_000);
  for (let at = 0; at < 20_000; at += 2) holes.fill(at, at + 1);
  let known = 0;
  for (let at = 0; at < 1_000_000; ) {
    const { allocated, length } = holes.at(at, 1_000_000 - at);
    assert.ok(allocated || at >= 20_000 || at % 2 === 1, `${at}`);
    if (!allocated) known++;
    at += length;
  }
  assert.ok(known > 1000 && known <= 4096, `${known} holes`);
});

test('a file that opening has made is a hole until it is written, and after it was discarded again', async (t) => {
  if (!requirePeer(t, 'fallocate', 'util-linux')) return;
  const path = join(await temporaryDirectory(t), 'disk');
  const store = await openFileStore(path, { size: 64 * MIB });
  const states = () => {
    const found: [boolean, number][] = [];
    for (let at = 0; at < 64 * MIB; ) {
      const { allocated, length } = store.provisioning?.(at, 64 * MIB - at) ?? { allocated: true, length: 64 * MIB };
      found.push([allocated, length / MIB]);
      at += length;
    }
    return found;
  };
  assert.equal(store.thin, true);
  assert.deepEqual(states(), [[false, 64]]);
  await store.write(8 * MIB, filled(16 * MIB, 7), 0, 16 * MIB);
  const used = (await stat(path)).blocks;
  assert.deepEqual(states(), [
    [false, 8],
    [true, 16],
    [false, 40],
  ]);
  await store.discard(10 * MIB, 8 * MIB);
  await store.discard(20 * MIB + 512, 512); // too little for a hole
  assert.deepEqual(states(), [
    [false, 8],
    [true, 2],
    [false, 8],
    [true, 6],
    [false, 40],
  ]);
  await store.flush();
  assert.ok((await stat(path)).blocks <= used - (7 * MIB) / 512, 'the room was given back');
  const back = filled(16 * MIB, 1);
  await store.read(8 * MIB, back, 0, 16 * MIB);
  const expected = filled(16 * MIB, 7)
    .fill(0, 2 * MIB, 10 * MIB)
    .fill(0, 12 * MIB + 512, 12 * MIB + 1024);
  assert.ok(Buffer.compare(back, expected) === 0);
  await store.close();
});

test('of a file that was there only what takes no room at all is called a hole', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  await (await openFileStore(path, { size: 64 * MIB })).close();
  const sparse = await openFileStore(path);
  assert.deepEqual(sparse.provisioning?.(0, 64 * MIB), { allocated: false, length: 64 * MIB });
  await sparse.write(MIB, filled(512, 1), 0, 512);
  await sparse.close();
  const used = await openFileStore(path);
  assert.deepEqual(used.provisioning?.(0, 64 * MIB), { allocated: true, length: 64 * MIB });
  await used.close();
});

test('where no holes can be punched the store is not thin, and what is discarded reads as zeros all the same', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  const before = process.env['PATH'];
  process.env['PATH'] = '/nowhere';
  t.after(() => {
    process.env['PATH'] = before;
  });
  const [size, from, length] = [4 * MIB, MIB, 2 * MIB];
  await writeFile(path, filled(size, 7));
  const without = await openFileStore(path);
  assert.equal(without.thin, false);
  await without.discard(from, length);
  const back = filled(size, 1);
  await without.read(0, back, 0, size);
  assert.ok(Buffer.compare(back, filled(size, 7).fill(0, from, from + length)) === 0);
  await without.close();
  await rm(path);

  process.env['PATH'] = before;
  if (!requirePeer(t, 'fallocate', 'util-linux')) return;
  await writeFile(path, filled(size, 7));
  const store = await openFileStore(path);
  process.env['PATH'] = '/nowhere'; // the program goes away while the store is open
  await store.discard(from, length);
  assert.deepEqual(store.provisioning?.(0, size), { allocated: true, length: size }, 'it was overwritten, and says so');
  await store.read(0, back, 0, size);
  assert.ok(Buffer.compare(back, filled(size, 7).fill(0, from, from + length)) === 0);
  await store.close();
});
