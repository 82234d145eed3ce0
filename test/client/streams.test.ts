/** Node and web streams over a logical unit. */
import assert from 'node:assert/strict';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { seededRandom } from '../pdu/random.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { assertNoHandlesLeft } from './handles.ts';

const READ_10 = 0x28;
const WRITE_10 = 0x2a;

async function open(t: TestContext, options: RawTargetOptions = {}) {
  const target = await RawTarget.listen(t, options);
  const lun = await connect(target.url());
  t.after(() => lun.close());
  return { target, lun, disk: target.disk };
}

test('createReadStream() gives the bytes of its range in order, whatever the chunks', async (t) => {
  const { lun, disk } = await open(t);
  const random = seededRandom();
  disk.content.set(random.bytes(disk.content.length));
  for (const [start, end, chunkSize, queueDepth] of [
    [0, lun.size, 4096, 4],
    [0, lun.size, 10_000, 1],
    [1, 70_000, 512, 3],
    [511, 513, 1, 4],
    [lun.size - 5, lun.size + 1000, 100, 2],
    [lun.size, lun.size + 10, 100, 2],
    [500, 500, 100, 2],
    [600, 500, 100, 2],
  ] as const) {
    const parts: Buffer[] = [];
    for await (const part of lun.createReadStream({ start, end, chunkSize, queueDepth })) parts.push(part as Buffer);
    const wanted = disk.content.subarray(start, Math.max(start, end));
    assert.ok(Buffer.concat(parts).equals(wanted), `${start}..${end} by ${chunkSize}`);
  }
  const whole = await lun.createReadStream().toArray();
  assert.ok(Buffer.concat(whole as Buffer[]).equals(disk.content));
});

test('createWriteStream() writes pieces of any length where they belong, and flushes before it finishes', async (t) => {
  const { lun, disk } = await open(t);
  const random = seededRandom();
  for (const [start, chunkSize, queueDepth] of [
    [0, 4096, 4],
    [3, 1000, 2],
    [512, 512, 1],
    [700, 100_000, 4],
  ] as const) {
    const before = disk.content.slice();
    const flushes = disk.flushes;
    const pieces = Array.from({ length: 20 }, () => random.bytes(random.below(3000)));
    await pipeline(Readable.from(pieces), lun.createWriteStream({ start, chunkSize, queueDepth }));
    before.set(Buffer.concat(pieces), start);
    assert.ok(Buffer.from(disk.content).equals(before), `${random.note}: from ${start} by ${chunkSize}`);
    assert.equal(disk.flushes, flushes + 1);
  }
});

test('a stream that writes beyond the end fails with ISCSI_USAGE', async (t) => {
  const { lun } = await open(t);
  const stream = lun.createWriteStream({ start: lun.size - 100 });
  await assert.rejects(pipeline(Readable.from([new Uint8Array(50), new Uint8Array(51)]), stream), {
    code: 'ISCSI_USAGE',
  });
});

test('an error in the middle of a read stream comes after the bytes before it, and ends the stream', async (t) => {
  const { lun, target } = await open(t, {
    onCommand: ({ cdb, tag }, connection) => {
      if (cdb[0] !== READ_10 || cdb[5] !== 8) return false;
      connection.respond(tag, 0x18);
      return true;
    },
  });
  let got = 0;
  await assert.rejects(
    async () => {
      for await (const part of lun.createReadStream({ chunkSize: 1024, queueDepth: 4 })) got += (part as Buffer).length;
    },
    { code: 'ISCSI_SCSI_STATUS' },
  );
  assert.equal(got, 4096);
  const reads = target.connection.sent.filter(({ header }) => header[32] === READ_10).length;
  assert.ok(reads <= 12, `${reads} reads`);
  await lun.testUnitReady();
});

test('an error in the middle of a write stream ends it; nothing is under way when it has closed', async (t) => {
  let writes = 0;
  let underWay = 0;
  const { lun } = await open(t, {
    onCommand: ({ cdb, tag }, connection) => {
      if (cdb[0] !== WRITE_10) return false;
      const number = ++writes;
      underWay++;
      setTimeout(
        () => {
          underWay--;
          connection.respond(tag, number === 3 ? 0x18 : 0);
        },
        number === 3 ? 1 : 30,
      );
      return true;
    },
  });
  const stream = lun.createWriteStream({ chunkSize: 512, queueDepth: 4 });
  const closed = new Promise<void>((resolve) => stream.on('close', resolve));
  const source = Readable.from(Array.from({ length: 100 }, () => new Uint8Array(512)));
  await assert.rejects(pipeline(source, stream), { code: 'ISCSI_SCSI_STATUS' });
  await closed;
  assert.equal(underWay, 0, 'writes under way');
  assert.ok(writes < 10, `${writes} writes`);
});

test('a stream destroyed early stops reading, waits for what is under way and leaves the session alone', async (t) => {
  const { lun, target } = await open(t);
  const stream = lun.createReadStream({ chunkSize: 512, queueDepth: 2 });
  for await (const part of stream) {
    assert.equal((part as Buffer).length, 512);
    break;
  }
  assert.equal(stream.destroyed, true);
  const reads = target.connection.sent.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(target.connection.sent.length <= reads + 2);

  const writing = lun.createWriteStream({ chunkSize: 512 });
  writing.write(new Uint8Array(2000));
  const closed = new Promise<void>((resolve) => writing.on('close', resolve));
  writing.destroy();
  await closed;
  assert.equal(lun.session.core.tasks.size, 0);
  await lun.testUnitReady();
});

test('a signal ends both kinds of stream', async (t) => {
  const { lun } = await open(t, { onCommand: ({ cdb }) => cdb[0] === READ_10 || cdb[0] === WRITE_10 });
  for (const make of [
    (signal: AbortSignal) => lun.createReadStream({ signal }).toArray(),
    (signal: AbortSignal) =>
      pipeline(Readable.from([new Uint8Array(4096)]), lun.createWriteStream({ signal, chunkSize: 512 })),
  ]) {
    const stop = new AbortController();
    const work = make(stop.signal);
    setTimeout(() => stop.abort(), 20);
    await assert.rejects(
      work,
      (error: Error & { code?: string }) => error.name === 'AbortError' || error.code === 'ISCSI_ABORTED',
    );
  }
  for (let waited = 0; waited < 100 && lun.session.core.tasks.size > 0; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(lun.session.core.tasks.size, 0);
  assert.equal(lun.session.open, true);
});

test('a chunk size, depth or position that cannot be is ISCSI_USAGE at once, not an endless loop', async (t) => {
  const { lun } = await open(t);
  for (const options of [
    { chunkSize: 0 },
    { chunkSize: -1 },
    { chunkSize: Number.NaN },
    { queueDepth: 0 },
    { queueDepth: 1.5 },
    { start: -1 },
    { start: 0.5 },
  ]) {
    assert.throws(() => lun.createReadStream(options), { code: 'ISCSI_USAGE' }, JSON.stringify(options));
    assert.throws(() => lun.createWriteStream(options), { code: 'ISCSI_USAGE' }, JSON.stringify(options));
  }
});

test('web streams move the same bytes', async (t) => {
  const { lun, disk } = await open(t);
  const random = seededRandom();
  const bytes = random.bytes(30_000);
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 7000) controller.enqueue(bytes.subarray(at, at + 7000));
      controller.close();
    },
  });
  await source.pipeTo(lun.writable({ start: 99, chunkSize: 4096 }) as WritableStream<Uint8Array>);
  assert.ok(Buffer.from(disk.content.subarray(99, 99 + bytes.length)).equals(bytes));
  const parts: Uint8Array[] = [];
  for await (const part of lun.readable({ start: 99, end: 99 + bytes.length, chunkSize: 1000 })) parts.push(part);
  assert.ok(Buffer.concat(parts).equals(bytes));
});

test('a web stream that is cancelled early leaves the session alone', async (t) => {
  const { lun } = await open(t);
  const reader = lun.readable({ chunkSize: 512 }).getReader();
  assert.equal((await reader.read()).value?.length, 512);
  await reader.cancel();
  await lun.testUnitReady();
});

test('a copy from one logical unit to another, through a pipeline, leaves nothing behind', async (t) => {
  const [from, to] = [await RawTarget.listen(t), await RawTarget.listen(t)];
  from.disk.content.set(seededRandom().bytes(from.disk.content.length));
  await assertNoHandlesLeft(async () => {
    await using source = await connect(from.url());
    await using destination = await connect(to.url());
    const through = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
    await pipeline(
      source.createReadStream({ chunkSize: 5000 }),
      through,
      destination.createWriteStream({ chunkSize: 3000 }),
    );
  });
  assert.ok(Buffer.from(to.disk.content).equals(from.disk.content));
});
