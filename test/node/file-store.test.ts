import assert from 'node:assert/strict';
import { type FileHandle, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openFileStore } from '../../src/node/file-store.ts';
import { endOf } from '../../src/node/store-file.ts';
import { filled, pattern } from '../device/fake.ts';
import { settle } from '../device/stores.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const MIB = 1024 * 1024;

/** A method of every file handle, replaced for the time of a test. */
async function replace<N extends 'datasync' | 'read' | 'write' | 'truncate'>(
  t: TestContext,
  name: N,
  replacement: (original: FileHandle[N]) => (this: FileHandle, ...args: never[]) => unknown,
): Promise<void> {
  const file = await open('/dev/null');
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  await file.close();
  const original = prototype[name];
  prototype[name] = replacement(original) as unknown as FileHandle[N];
  t.after(() => {
    prototype[name] = original;
  });
}

async function openFiles(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}

test('a missing file is made sparse, of the size that was asked for, and keeps what is written', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  const store = await openFileStore(path, { size: 1024 * MIB });
  assert.deepEqual([store.blocks, store.blockSize, store.readOnly], [2 * MIB, 512, false]);
  assert.deepEqual([store.synchronous, store.volatileWriteCache], [false, true]);
  const data = pattern(8192);
  await store.write(512 * MIB - 4096, data, 1024, 8192);
  const back = filled(8192, 0xee);
  await store.read(512 * MIB - 4096, back, 1024, 7168);
  assert.deepEqual(back.slice(1024), data.slice(1024));
  assert.deepEqual(back.slice(0, 1024), filled(1024, 0xee));
  await store.read(1024 * MIB - 512, back, 0, 512);
  assert.deepEqual(back.slice(0, 512), filled(512, 0));
  await store.close();
  const { size, blocks } = await stat(path);
  assert.equal(size, 1024 * MIB);
  assert.ok(blocks * 512 < 4 * MIB, `${blocks * 512} bytes in use`);

  const again = await openFileStore(path, { size: 1024 * MIB, blockSize: 4096 });
  assert.equal(again.blocks, 256 * 1024);
  await again.read(512 * MIB - 4096, back, 0, 4096);
  assert.deepEqual(back.slice(0, 4096), data.slice(1024, 5120));
  await again.close();
});

test('a file that a store writes to cannot be opened by another, under whatever name, until it is closed; readers share', async (t) => {
  const directory = await temporaryDirectory(t);
  const [path, link] = [join(directory, 'disk'), join(directory, 'link')];
  await writeFile(path, pattern(4096));
  await symlink(path, link);
  const before = await openFiles();
  const writer = await openFileStore(path);
  for (const readOnly of [false, true]) {
    await assert.rejects(openFileStore(link, { readOnly }), {
      code: 'ISCSI_USAGE',
      message: /link: it is open already as .*disk,/,
    });
  }
  await writer.close();
  const readers = [await openFileStore(path, { readOnly: true }), await openFileStore(link, { readOnly: true })];
  await assert.rejects(openFileStore(path), { code: 'ISCSI_USAGE' });
  for (const reader of readers) await reader.close();
  await assert.rejects(openFileStore(path, { size: 512 }), {
    code: 'ISCSI_USAGE',
    message: /with 512 bytes: it has 4096/,
  });
  await (await openFileStore(path)).close();
  assert.equal(await openFiles(), before);
});

test('an existing file is used as it is', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  await writeFile(path, pattern(4096));
  const store = await openFileStore(path);
  assert.equal(store.blocks, 8);
  const back = new Uint8Array(4096);
  await store.read(0, back, 0, 4096);
  assert.deepEqual(back, pattern(4096));
  await store.close();
});

test('discard() zeroes exactly the range', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  await writeFile(path, pattern(4 * MIB));
  const store = await openFileStore(path);
  await store.discard(512, 2 * MIB + 512);
  await store.close();
  const expected = pattern(4 * MIB).fill(0, 512, 2 * MIB + 1024);
  assert.ok((await readFile(path)).equals(expected));
});

test('what does not fit is refused with a hint, and nothing stays open or behind', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'disk');
  await writeFile(path, filled(1000, 1));
  const before = await openFiles();
  const cases = [
    [() => openFileStore(path), /1000 bytes into blocks: a positive multiple of 512 allowed/],
    [() => openFileStore(path, { size: 1024 }), /with 1024 bytes: it has 1000/],
    [() => openFileStore(path, { size: 1000 }), /multiple of 512/],
    [() => openFileStore(join(directory, 'missing')), /no such file/],
    [() => openFileStore(join(directory, 'missing'), { size: 512, blockSize: 4096 }), /multiple of 4096/],
    [() => openFileStore(path, { blockSize: 1000 }), /power of two/],
    [() => openFileStore('/dev/null'), /Cannot use \/dev\/null as a block store/],
  ] as const;
  for (const [opening, message] of cases) {
    await assert.rejects(opening, (error: Error & { code?: string; hint?: string }) => {
      assert.match(error.message, message);
      assert.equal(error.code, 'ISCSI_USAGE');
      assert.ok(error.hint, error.message);
      return true;
    });
  }
  await writeFile(join(directory, 'empty'), '');
  await assert.rejects(openFileStore(join(directory, 'empty')), { code: 'ISCSI_USAGE' });
  await assert.rejects(openFileStore(directory), { code: 'EISDIR' });
  await assert.rejects(openFileStore(join(directory, 'missing'), { readOnly: true }), { code: 'ENOENT' });
  await assert.rejects(openFileStore(join(directory, 'no', 'where'), { size: 512 }), { code: 'ENOENT' });
  await assert.rejects(stat(join(directory, 'missing')), { code: 'ENOENT' });
  assert.equal(await openFiles(), before);
});

test('a file that could not be given its size is not left behind', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  await replace(t, 'truncate', () => () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })));
  await assert.rejects(openFileStore(path, { size: MIB }), { code: 'ENOSPC' });
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('a dangling link is not followed to make a file elsewhere', async (t) => {
  const directory = await temporaryDirectory(t);
  await symlink(join(directory, 'elsewhere'), join(directory, 'disk'));
  await assert.rejects(openFileStore(join(directory, 'disk'), { size: MIB }), { code: 'EEXIST' });
});

test('a read-only store has no write cache, and refuses to write', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  await writeFile(path, filled(4096, 1));
  const store = await openFileStore(path, { readOnly: true });
  assert.deepEqual([store.readOnly, store.volatileWriteCache], [true, false]);
  await assert.rejects(async () => store.write(0, filled(512, 2), 0, 512), { code: 'EBADF' });
  await store.flush();
  await store.close();
  assert.ok((await readFile(path)).equals(filled(4096, 1)));
});

test('without write cache each write is followed by fdatasync, with it only a flush is', async (t) => {
  let synced = 0;
  await replace(
    t,
    'datasync',
    (original) =>
      function (this: FileHandle) {
        synced++;
        return original.call(this);
      },
  );
  const directory = await temporaryDirectory(t);
  const through = await openFileStore(join(directory, 'through'), { size: MIB, writeCache: false });
  assert.equal(through.volatileWriteCache, false);
  await through.write(0, filled(512, 1), 0, 512);
  assert.equal(synced, 1);
  await through.discard(0, 512);
  assert.equal(synced, 2);
  await through.close();
  synced = 0;
  const cached = await openFileStore(join(directory, 'cached'), { size: MIB });
  await cached.write(0, filled(512, 1), 0, 512);
  await cached.discard(0, 512);
  assert.equal(synced, 0);
  await cached.flush();
  assert.equal(synced, 1);
  await cached.write(0, filled(512, 1), 0, 512);
  await cached.close();
  assert.equal(synced, 2, 'close() flushes');
});

test('a flush that comes while another runs gets one of its own, shared with all that wait', async (t) => {
  const ends: (() => void)[] = [];
  await replace(t, 'datasync', () => () => new Promise<void>((resolve) => ends.push(resolve)));
  const store = await openFileStore(join(await temporaryDirectory(t), 'disk'), { size: MIB });
  const done: string[] = [];
  const flush = (name: string) => Promise.resolve(store.flush()).then(() => done.push(name));
  const all = [flush('first'), flush('second'), flush('third')];
  assert.equal(ends.length, 1);
  ends[0]?.();
  await settle();
  assert.deepEqual(done, ['first']);
  assert.equal(ends.length, 2);
  ends[1]?.();
  await Promise.all(all);
  assert.equal(ends.length, 2);
  const closing = store.close();
  await settle();
  ends[2]?.();
  await closing;
});

test('after a flush that failed no flush succeeds any more: what was written may be gone', async (t) => {
  let fail = true;
  await replace(
    t,
    'datasync',
    () => () => (fail ? Promise.reject(Object.assign(new Error('lost'), { code: 'EIO' })) : Promise.resolve()),
  );
  const before = await openFiles();
  const store = await openFileStore(join(await temporaryDirectory(t), 'disk'), { size: MIB });
  const waiting = [store.flush(), store.flush(), store.flush()];
  for (const flush of waiting) await assert.rejects(async () => flush, { code: 'EIO' });
  fail = false;
  await assert.rejects(async () => store.flush(), { code: 'EIO' });
  await store.write(0, filled(512, 1), 0, 512);
  await assert.rejects(async () => store.close(), { code: 'EIO' });
  assert.equal(await openFiles(), before, 'closed all the same');
  await store.close(); // once is enough
});

test('short reads and writes are continued', async (t) => {
  await replace(
    t,
    'write',
    (original) =>
      function (this: FileHandle, ...args: never[]) {
        const [data, at, length, position] = args as unknown as [Uint8Array, number, number, number];
        return (original as (...all: unknown[]) => unknown).call(this, data, at, Math.min(length, 1000), position);
      },
  );
  await replace(
    t,
    'read',
    (original) =>
      function (this: FileHandle, ...args: never[]) {
        const [into, at, length, position] = args as unknown as [Uint8Array, number, number, number];
        return (original as (...all: unknown[]) => unknown).call(this, into, at, Math.min(length, 700), position);
      },
  );
  const store = await openFileStore(join(await temporaryDirectory(t), 'disk'), { size: MIB });
  await store.write(512, pattern(8192), 512, 8192);
  const back = filled(9000, 0xee);
  await store.read(512, back, 100, 7680);
  assert.deepEqual(back.slice(100, 7780), pattern(8192).slice(512));
  assert.deepEqual(back.slice(7780), filled(1220, 0xee));
  await store.close();
});

test('a file that became shorter is an error, not zeros', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  const store = await openFileStore(path, { size: MIB });
  await truncate(path, 1024);
  const back = new Uint8Array(4096);
  await store.read(0, back, 0, 1024);
  await assert.rejects(async () => store.read(0, back, 0, 4096), {
    code: 'EIO',
    message: /at byte 1024: the file ends/,
  });
  await store.close();
});

test('a cut that a write hides is noticed by that write: nothing of what was cut off is read as zeros', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  for (const position of [MIB - 4096, MIB / 2]) {
    await rm(path, { force: true });
    const store = await openFileStore(path, { size: MIB });
    await store.write(0, pattern(MIB), 0, MIB);
    await truncate(path, 4096);
    const cut = { code: 'EIO', permanent: true, message: /disk any more: it has \d+ bytes, and had 1048576$/ };
    await assert.rejects(async () => store.write(position, filled(4096, 1), 0, 4096), cut, `a write at ${position}`);
    await truncate(path, MIB);
    for (const later of [
      () => store.read(0, new Uint8Array(512), 0, 512),
      () => store.write(0, filled(512, 1), 0, 512),
      () => store.discard(0, 512),
      () => store.flush(),
      () => store.close(),
    ]) {
      await assert.rejects(async () => later(), cut, 'for good');
    }
  }
});

test('a read that a write under way may deceive looks at the size', async (t) => {
  const writes: (() => void)[] = [];
  await replace(
    t,
    'write',
    (original) =>
      async function (this: FileHandle, ...args: never[]) {
        const result = await (original as (...all: unknown[]) => Promise<unknown>).apply(this, args);
        await new Promise<void>((resolve) => writes.push(resolve));
        return result;
      },
  );
  const path = join(await temporaryDirectory(t), 'disk');
  await writeFile(path, pattern(MIB));
  const store = await openFileStore(path);
  await truncate(path, 4096);
  const writing = store.write(MIB / 2, filled(4096, 1), 0, 4096);
  while (writes.length === 0) await settle(); // it has reached the file, which is long again
  const into = new Uint8Array(4096);
  await assert.rejects(async () => store.read(8192, into, 0, 4096), { permanent: true });
  writes[0]?.();
  await assert.rejects(async () => writing, { permanent: true });
  await assert.rejects(async () => store.close(), { permanent: true });
});

test('a flush that fails at the end is told with the name of the file', async (t) => {
  const path = join(await temporaryDirectory(t), 'disk');
  await replace(t, 'datasync', () => () => Promise.reject(Object.assign(new Error('lost'), { code: 'EIO' })));
  const store = await openFileStore(path, { size: MIB });
  await store.write(0, filled(512, 1), 0, 512);
  const told = { code: 'EIO', message: `Cannot flush ${path}, and what was written to it may be lost: lost` };
  await assert.rejects(async () => store.close(), told);
  await (await openFileStore(path)).close(); // it is free again
});

test('abandon() takes away a file that opening has made, and no other', async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'disk');
  const before = await openFiles();
  const made = await openFileStore(path, { size: MIB });
  await made.abandon?.();
  await assert.rejects(stat(path), { code: 'ENOENT' });

  const found = await (async () => {
    await writeFile(path, filled(4096, 1));
    return openFileStore(path, { size: 4096 });
  })();
  await found.abandon?.();
  assert.equal((await stat(path)).size, 4096, 'it was there before');
  await rm(path);

  const written = await openFileStore(path, { size: MIB });
  await written.write(0, filled(512, 1), 0, 512);
  await written.abandon?.();
  assert.equal((await stat(path)).size, MIB, 'it holds something');
  await rm(path);

  const replaced = await openFileStore(path, { size: MIB });
  await rm(path);
  await writeFile(path, 'of somebody else');
  await replaced.abandon?.();
  assert.equal((await stat(path)).size, 16);
  assert.equal(await openFiles(), before);
});

test('endOf() finds the size of what can only be read', async (t) => {
  const path = join(await temporaryDirectory(t), 'device');
  await writeFile(path, '');
  for (const units of [0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 123_456_789]) {
    await truncate(path, units * 512);
    const file = await open(path);
    assert.equal(await endOf(file), units * 512);
    await file.close();
  }
});
