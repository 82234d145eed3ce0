/** A block device as a file handle, held against a real one: `FileHandle` of Node on a file with the same bytes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type BlockFileHandle, openFileHandle } from '../../src/node/file-handle.ts';
import type { BlockDevice } from '../../src/unit/block-device.ts';
import type { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { type SeededRandom, seededRandom } from '../pdu/random.ts';
import { until } from '../support/loop-time.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { WAYS } from '../unit/ways.ts';

/** Either kind: that of Node is taken for one of ours, as a program does that was written for it. */
type Handle = BlockFileHandle;

interface Pair {
  readonly lun: LogicalUnit;
  readonly ours: BlockFileHandle;
  readonly theirs: Handle;
  readonly size: number;
}

/** A device and a file with the same random bytes. */
async function openBoth(t: TestContext, random: SeededRandom): Promise<Pair> {
  const way = WAYS.find(({ name }) => name.startsWith('the device server'));
  assert.ok(way);
  const { lun, fill } = await way.open(t);
  const bytes = random.bytes(lun.size);
  fill(bytes);
  const path = join(await temporaryDirectory(t), 'file');
  await writeFile(path, bytes);
  const theirs = (await open(path, 'r+')) as unknown as Handle;
  const ours = openFileHandle(lun);
  t.after(async () => {
    void theirs.close(); // after a stream that left it open, Node's never ends this
    await ours.close();
  });
  return { lun, ours, theirs, size: lun.size };
}

/** What came of a call: its result, or the class and the code of its error. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    const result = await call();
    return plain(result);
  } catch (error) {
    assert.ok(error instanceof Error);
    const { code } = error as NodeJS.ErrnoException;
    return { class: Object.getPrototypeOf(error).constructor.name.replace(/^NodeError$/, 'Error'), code };
  }
}

/** Node's results have no prototype. */
function plain(result: unknown): unknown {
  return typeof result === 'object' && !Array.isArray(result) ? { ...result } : result;
}

/** One operation, the same for both. */
type Operation = (handle: Handle) => Promise<unknown>;

interface Named {
  readonly name: string;
  readonly operation: Operation;
  /** By how much the current position moves. */
  readonly moves: (size: number, at: number) => number;
}

function readOperation(random: SeededRandom, size: number): Named {
  const room = random.below(3000);
  const offset = random.below(room + 1);
  const length = random.below(room - offset + 1);
  const position = random.below(3) === 0 ? null : random.below(size + 1000);
  const views = [() => new Uint8Array(room), () => Buffer.alloc(room, 7), () => new DataView(new ArrayBuffer(room))];
  const view = views[random.below(3)] ?? assert.fail();
  const forms: readonly (readonly [string, Operation])[] = [
    ['read(buffer, offset, length, position)', (handle) => handle.read(view(), offset, length, position)],
    ['read(buffer, { offset, length, position })', (handle) => handle.read(view(), { offset, length, position })],
    [
      'read({ buffer, offset, length, position })',
      (handle) => handle.read({ buffer: view(), offset, length, position }),
    ],
  ];
  const [name, operation] = forms[random.below(forms.length)] ?? forms[0] ?? assert.fail();
  return {
    name: `${name} of ${room}, ${offset}, ${length}, ${position}`,
    operation,
    moves: (end, at) => (position === null ? Math.max(0, Math.min(length, end - at)) : 0),
  };
}

function writeOperation(random: SeededRandom, size: number, at: number): Named {
  const atCurrent = random.below(3) === 0;
  const position = atCurrent ? null : random.below(size);
  const room = Math.min(random.below(3000), size - (position ?? at));
  const bytes = random.bytes(room);
  const offset = random.below(room + 1);
  const length = random.below(room - offset + 1);
  const text = Buffer.from(bytes.subarray(0, room >>> 2))
    .toString('base64')
    .slice(0, room);
  const forms: readonly (readonly [string, Operation, number])[] = [
    ['write(buffer, offset, length, position)', (handle) => handle.write(bytes, offset, length, position), length],
    [
      'write(buffer, { offset, length, position })',
      (handle) => handle.write(bytes, { offset, length, position } as never),
      length,
    ],
    [
      'write(buffer, undefined, undefined, position)',
      (handle) => handle.write(bytes, undefined, undefined, position),
      room,
    ],
    ['write(text, position)', (handle) => handle.write(text, position), text.length],
    ['write(text, position, latin1)', (handle) => handle.write(text, position, 'latin1'), text.length],
  ];
  const [name, operation, moved] = forms[random.below(forms.length)] ?? forms[0] ?? assert.fail();
  return {
    name: `${name} of ${room}, ${offset}, ${length}, ${position}`,
    operation,
    moves: () => (atCurrent ? moved : 0),
  };
}

function vectorOperation(random: SeededRandom, size: number, at: number): Named {
  const position = random.below(2) === 0 ? null : random.below(size);
  const left = size - (position ?? at);
  const lengths = Array.from({ length: 1 + random.below(5) }, () =>
    random.below(Math.max(1, Math.min(2000, left >>> 3))),
  );
  const sum = lengths.reduce((total, length) => total + length, 0);
  const name = `of ${lengths.join(', ')} at ${position}`;
  if (random.below(2) === 0) {
    const buffers = lengths.map((length) => random.bytes(length));
    const moves = () => (position === null ? sum : 0);
    return { name: `writev ${name}`, operation: (handle) => handle.writev(buffers, position as number), moves };
  }
  return {
    name: `readv ${name}`,
    operation: (handle) =>
      handle.readv(
        lengths.map((length) => Buffer.alloc(length)),
        position as number,
      ),
    moves: (end, from) => (position === null ? Math.max(0, Math.min(sum, end - from)) : 0),
  };
}

test('random reads and writes give what they give on a file, and leave the same bytes and the same position', async (t) => {
  const random = seededRandom();
  const { ours, theirs, size } = await openBoth(t, random);
  let at = 0;
  for (let round = 0; round < 600; round++) {
    const kind = random.below(5);
    const make = kind === 0 ? vectorOperation : kind < 3 ? writeOperation : readOperation;
    const { name, operation, moves } = make(random, size, at);
    const wanted = await outcome(() => operation(theirs));
    assert.deepEqual(await outcome(() => operation(ours)), wanted, `${name}, round ${round}, ${random.note}`);
    if (!(wanted instanceof Object && 'code' in wanted)) at += moves(size, at);
  }
  const [mine, original] = [Buffer.alloc(size), Buffer.alloc(size)];
  await ours.read(mine, 0, size, 0);
  await theirs.read(original, 0, size, 0);
  assert.ok(mine.equals(original), random.note);
});

test('what cannot be is refused with the class and the code that node:fs has', async (t) => {
  const { ours, theirs } = await openBoth(t, seededRandom());
  const calls: readonly (readonly [string, (handle: Handle) => unknown])[] = [
    ['no buffer', (handle) => handle.read(5 as never)],
    ['no buffer in the options', (handle) => handle.read({ buffer: 'text' as never })],
    ['an empty buffer with a length', (handle) => handle.read(new Uint8Array(0), 0, 1, 0)],
    ['a negative offset', (handle) => handle.read(new Uint8Array(5), -1, 1, 0)],
    ['half an offset', (handle) => handle.read(new Uint8Array(5), 1.5, 1, 0)],
    ['a text as offset', (handle) => handle.read(new Uint8Array(5), '1' as never, 1, 0)],
    ['a length beyond the buffer', (handle) => handle.read(new Uint8Array(5), 3, 3, 0)],
    ['a negative length', (handle) => handle.read(new Uint8Array(5), 0, -1, 0)],
    ['an offset beyond the buffer', (handle) => handle.read(new Uint8Array(5), 6, undefined, 0)],
    ['a length of 0 of an empty buffer', (handle) => handle.read(new Uint8Array(0), 0, 0, 0)],
    ['null for everything', (handle) => handle.read(new Uint8Array(5), null, null, null)],
    ['null alone', (handle) => handle.read(null as never).then(({ bytesRead }) => bytesRead)],
    ['nothing', (handle) => handle.read().then(({ bytesRead, buffer }) => [bytesRead, buffer.byteLength])],
    ['-1 as position', (handle) => handle.read(new Uint8Array(5), 0, 5, -1)],
    ['no buffer to write', (handle) => handle.write(5 as never)],
    ['an object to write', (handle) => handle.write({} as never)],
    ['writing from beyond the buffer', (handle) => handle.write(new Uint8Array(5), 6, 1, 0)],
    ['writing more than the buffer', (handle) => handle.write(new Uint8Array(5), 1, 5, 0)],
    ['writing a negative length', (handle) => handle.write(new Uint8Array(5), 1, -5, 0)],
    ['writing a negative offset', (handle) => handle.write(new Uint8Array(5), -1, 1, 0)],
    ['writing an empty buffer', (handle) => handle.write(new Uint8Array(0), 0, 0, 0)],
    ['no list', (handle) => handle.readv(new Uint8Array(5) as never)],
    ['a list of texts', (handle) => handle.writev(['text'] as never)],
    ['an empty list to write', (handle) => handle.writev([])],
  ];
  for (const [name, call] of calls) {
    assert.deepEqual(await outcome(() => call(ours)), await outcome(() => call(theirs)), name);
  }
});

test('positions that cannot be are refused, where earlier Nodes read somewhere else, and bigints are positions', async (t) => {
  const { ours } = await openBoth(t, seededRandom());
  const bytes = new Uint8Array(5);
  for (const position of [-2, 0.5, Number.NaN, 2 ** 53, -2n, 2n ** 63n])
    await assert.rejects(ours.read(bytes, 0, 5, position), { code: 'ERR_OUT_OF_RANGE' }, String(position));
  for (const position of ['1', {}, true])
    await assert.rejects(ours.write(bytes, 0, 5, position as never), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => ours.createReadStream({ start: 5, end: 4 }), { code: 'ERR_OUT_OF_RANGE' });
  const { buffer } = await ours.read(Buffer.alloc(9), 0, 9, 700n);
  assert.deepEqual(buffer, (await ours.read(Buffer.alloc(9), { position: 700 })).buffer);
  for (const beyond of [2n ** 63n - 1n, BigInt(Number.MAX_SAFE_INTEGER), 256n * 512n])
    assert.equal((await ours.read(Buffer.alloc(9), 0, 9, beyond)).bytesRead, 0);
});

test('reads that are asked for at once, at the current position, follow one another as they do on a file', async (t) => {
  const random = seededRandom();
  const { ours, theirs } = await openBoth(t, random);
  const lengths = Array.from({ length: 40 }, () => 1 + random.below(700));
  const together = await Promise.all(lengths.map((length) => ours.read(Buffer.alloc(length), 0, length, null)));
  for (const [index, length] of lengths.entries()) {
    const wanted = plain(await theirs.read(Buffer.alloc(length), 0, length, null));
    assert.deepEqual(together[index], wanted, random.note);
  }
});

test('a transfer that fails leaves the current position where it was', async (t) => {
  const { ours, lun } = await openBoth(t, seededRandom());
  await ours.read(Buffer.alloc(100));
  const [failed, next] = await Promise.allSettled([ours.write(new Uint8Array(lun.size)), ours.write('there')]);
  assert.equal(failed.status, 'rejected');
  assert.equal(next.status, 'fulfilled');
  const { buffer } = await ours.read(Buffer.alloc(5), 0, 5, 100);
  assert.equal(buffer.toString(), 'there');
});

test('streams give and take what those of a file do', async (t) => {
  const random = seededRandom();
  const { ours, theirs, size } = await openBoth(t, random);
  for (let round = 0; round < 25; round++) {
    const start = random.below(2) === 0 ? undefined : random.below(size);
    const end = random.below(3) === 0 ? undefined : (start ?? 0) + random.below(5000);
    const options = { autoClose: false, start, end, highWaterMark: 1 + random.below(5000) };
    const name = `${JSON.stringify(options)}, ${random.note}`;
    for (const handle of [ours, theirs]) await handle.read(Buffer.alloc(50)); // the current position is somewhere
    const chunks = await Promise.all([ours, theirs].map((handle) => handle.createReadStream(options).toArray()));
    assert.ok(Buffer.concat(chunks[0] ?? []).equals(Buffer.concat(chunks[1] ?? [])), name);
    if (start !== undefined && start + 3000 < size) {
      const bytes = random.bytes(1000);
      for (const handle of [ours, theirs]) {
        const stream = handle.createWriteStream({ autoClose: false, start });
        stream.write(bytes);
        await new Promise((resolve) => stream.end('and text', () => resolve(undefined)));
      }
    }
  }
  const all = await Promise.all([ours, theirs].map((handle) => handle.read(Buffer.alloc(size), 0, size, 0)));
  assert.ok(all[0]?.buffer.equals(all[1]?.buffer ?? Buffer.alloc(0)), random.note);
});

test('streams at the current position go on from one another, encoded ones and lines too', async (t) => {
  const { ours, theirs } = await openBoth(t, seededRandom());
  const told = await Promise.all(
    [ours, theirs].map(async (handle) => {
      const stream = handle.createWriteStream({ autoClose: false });
      stream.write('first\n');
      stream.write(Buffer.from('second\r\n'));
      await new Promise((resolve) => stream.end('drei\n', () => resolve(undefined)));
      await handle.write('four\n', null);
      const begins = await text(handle.createReadStream({ autoClose: false, start: 0, end: 7, encoding: 'latin1' }));
      const lines: string[] = [];
      for await (const line of handle.readLines({ autoClose: false, start: 0, end: 23 })) lines.push(line);
      const rest: Uint8Array[] = [];
      const web = handle.readableWebStream({ type: 'bytes' } as never);
      for await (const chunk of web as AsyncIterable<Uint8Array>) rest.push(chunk);
      return { begins, lines, rest: Buffer.concat(rest) };
    }),
  );
  assert.deepEqual(told[0]?.lines, ['first', 'second', 'drei', 'four']);
  assert.deepEqual(told[0], told[1]);
});

test('a stream closes the handle unless it is told not to, and every call is refused then as on a file', async (t) => {
  const { ours, theirs } = await openBoth(t, seededRandom());
  for (const handle of [ours, theirs]) {
    const closed = new Promise((resolve) => handle.once('close', resolve));
    await handle.createReadStream({ start: 0, end: 9 }).toArray();
    await closed;
  }
  const calls: readonly ((handle: Handle) => unknown)[] = [
    (handle) => handle.read(Buffer.alloc(1), 0, 1, 0),
    (handle) => handle.write('text'),
    (handle) => handle.readv([Buffer.alloc(1)]),
    (handle) => handle.writev([Buffer.alloc(1)]),
    (handle) => handle.stat(),
    (handle) => handle.sync(),
    (handle) => handle.datasync(),
    (handle) => handle.truncate(0),
    (handle) => handle.close(),
  ];
  for (const call of calls)
    assert.deepEqual(await outcome(() => call(ours)), await outcome(() => call(theirs)), String(call));
});

test('close() waits for what is under way, and the device lives on', async (t) => {
  const { lun } = await openBoth(t, seededRandom());
  const answers: (() => void)[] = [];
  const slow: BlockDevice = Object.create(lun, {
    write: {
      value: (buffer: Uint8Array) =>
        new Promise((resolve) => answers.push(() => resolve({ bytesWritten: buffer.length, buffer }))),
    },
  });
  const ours = openFileHandle(slow);
  const order: string[] = [];
  const writes = [ours.write(Buffer.alloc(9)), ours.write(Buffer.alloc(9))].map((write) =>
    write.then(() => order.push('written')),
  );
  const closing = [ours.close(), ours.close()].map((close) => close.then(() => order.push('closed')));
  await until(() => answers.length === 1);
  await assert.rejects(ours.write('late'), { code: 'EBADF' });
  answers[0]?.();
  await until(() => answers.length === 2); // the one behind it had been asked for before
  assert.deepEqual(order, ['written']);
  answers[1]?.();
  await Promise.all([...writes, ...closing]);
  assert.deepEqual(order.slice(0, 1), ['written']);
  assert.deepEqual(order.toSorted(), ['closed', 'closed', 'written', 'written']);
  await lun.testUnitReady();
});

test('a write beyond the end fails with ENOSPC and writes nothing, and truncate() fails with EINVAL', async (t) => {
  const { ours, lun } = await openBoth(t, seededRandom());
  const before = await ours.read(Buffer.alloc(lun.size), 0, lun.size, 0);
  for (const [position, length] of [
    [lun.size - 5, 6],
    [lun.size, 1],
    [lun.size + 1000, 5],
    [0, lun.size + 1],
  ] as const) {
    const error = await ours.write(new Uint8Array(length), 0, length, position).catch((reason: unknown) => reason);
    const { code, syscall, errno } = error as NodeJS.ErrnoException;
    assert.deepEqual([code, syscall, errno], ['ENOSPC', 'write', -28]);
    await assert.rejects(ours.writev([new Uint8Array(length)], position), { code: 'ENOSPC', syscall: 'writev' });
  }
  const stream = ours.createWriteStream({ start: lun.size - 10, autoClose: false });
  await assert.rejects(
    new Promise((_, reject) => {
      stream.once('error', reject);
      stream.end(new Uint8Array(11));
    }),
    { code: 'ENOSPC' },
  );
  await assert.rejects(ours.truncate(5), { code: 'EINVAL', syscall: 'ftruncate' });
  const after = await ours.read(Buffer.alloc(lun.size), 0, lun.size, 0);
  assert.ok(before.buffer.equals(after.buffer));
});

test('stat() tells of a block device, and has what Stats has', async (t) => {
  const { ours, theirs, lun } = await openBoth(t, seededRandom());
  const [mine, original] = [await ours.stat(), await theirs.stat()];
  assert.deepEqual([mine.size, mine.blksize, mine.blocks], [lun.size, 512, lun.size / 512]);
  assert.deepEqual(
    Object.keys(original).filter((name) => !(name in mine)),
    [],
  );
  const tests = [
    'isBlockDevice',
    'isCharacterDevice',
    'isDirectory',
    'isFIFO',
    'isFile',
    'isSocket',
    'isSymbolicLink',
  ] as const;
  assert.deepEqual(
    tests.filter((name) => mine[name]()),
    ['isBlockDevice'],
  );
});

test('sync(), datasync() and streams with flush flush the device, and nothing else does', async (t) => {
  const { lun } = await openBoth(t, seededRandom());
  let flushes = 0;
  const counted: BlockDevice = Object.create(lun, {
    flush: {
      value: async () => {
        flushes++;
      },
    },
    read: { value: lun.read.bind(lun) },
    write: { value: lun.write.bind(lun) },
  });
  const told: number[] = [];
  for (const use of [
    (handle: Handle) => handle.sync(),
    (handle: Handle) => handle.datasync(),
    (handle: Handle) => handle.write('text'),
    (handle: Handle) => ended(handle.createWriteStream({ encoding: 'latin1' })),
    (handle: Handle) => ended(handle.createWriteStream({ start: 5 })),
    (handle: Handle) => ended(handle.createWriteStream({ flush: true, highWaterMark: 10 })),
    (handle: Handle) => ended(handle.createWriteStream({ start: 5, flush: true })),
  ]) {
    flushes = 0;
    const handle = openFileHandle(counted);
    await use(handle);
    await handle.close();
    told.push(flushes);
  }
  assert.deepEqual(told, [1, 1, 0, 0, 0, 1, 1]);
});

/** Writes a text to a stream in two pieces, to its end. */
function ended(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject).once('close', resolve);
    stream.write('one and ');
    stream.end('the other');
  });
}

test('a stream that is destroyed by its signal on the way closes the handle', async (t) => {
  const { ours } = await openBoth(t, seededRandom());
  const stop = new AbortController();
  const closed = once(ours, 'close');
  const stream = ours.createReadStream({ signal: stop.signal, highWaterMark: 100 });
  await assert.rejects(
    async () => {
      for await (const _ of stream) stop.abort();
    },
    { code: 'ISCSI_ABORTED' },
  );
  await closed;
  await assert.rejects(ours.read(), { code: 'EBADF' });
});

test('a stream ends by its signal, with the error that everything here ends with', async (t) => {
  const { ours } = await openBoth(t, seededRandom());
  const signal = AbortSignal.abort();
  await assert.rejects(ours.createReadStream({ signal, autoClose: false }).toArray(), { code: 'ISCSI_ABORTED' });
  assert.throws(() => ours.createReadStream({ flags: 'r' } as never), { code: 'ISCSI_USAGE' });
  assert.throws(() => ours.readableWebStream({ type: 'text' } as never), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(ours.write('text', 0, 'morse' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(ours.read('text' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
