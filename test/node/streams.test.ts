/** Node and web streams over a block device, whatever its port. */
import assert from 'node:assert/strict';
import { createReadStream as createFileStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { createReadStream, createWriteStream, readable, writable } from '../../src/node/streams.ts';
import { seededRandom } from '../pdu/random.ts';
import { until } from '../support/loop-time.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { RAW_WAYS, WAYS } from '../unit/ways.ts';

const READ_10 = 0x28;
const WRITE_10 = 0x2a;

for (const { name, open } of WAYS) {
  test(`${name}: createReadStream() gives the bytes of its range in order, whatever the chunks`, async (t) => {
    const { lun, content, fill } = await open(t);
    const random = seededRandom();
    fill(random.bytes(lun.size));
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
      const last = end - 1; // as node:fs has it
      for await (const part of createReadStream(lun, { start, end: last, chunkSize, queueDepth }))
        parts.push(part as Buffer);
      const wanted = content().subarray(start, Math.max(start, end));
      assert.ok(Buffer.concat(parts).equals(wanted), `${start}..${end} by ${chunkSize}`);
    }
    const whole = await createReadStream(lun, {}).toArray();
    assert.ok(Buffer.concat(whole as Buffer[]).equals(content()));
  });

  test(`${name}: a stream that writes beyond the end fails with ISCSI_USAGE`, async (t) => {
    const { lun } = await open(t);
    const stream = createWriteStream(lun, { start: lun.size - 100 });
    await assert.rejects(pipeline(Readable.from([new Uint8Array(50), new Uint8Array(51)]), stream), {
      code: 'ISCSI_USAGE',
    });
  });

  test(`${name}: a chunk size, depth or position that cannot be is ISCSI_USAGE at once, not an endless loop`, async (t) => {
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
      assert.throws(() => createReadStream(lun, options), { code: 'ISCSI_USAGE' }, JSON.stringify(options));
      assert.throws(() => createWriteStream(lun, options), { code: 'ISCSI_USAGE' }, JSON.stringify(options));
    }
  });

  test(`${name}: start, end and highWaterMark mean what they mean in node:fs`, async (t) => {
    const { lun, content, fill } = await open(t);
    fill(seededRandom().bytes(lun.size));
    const path = join(await temporaryDirectory(t), 'disk');
    writeFileSync(path, content());
    for (const range of [
      { start: 0, end: 99 },
      { start: 5, end: 5 },
      { end: 0 },
      { start: 1000, end: Number.POSITIVE_INFINITY, highWaterMark: 4096 },
      { start: lun.size - 3 },
      { start: 700, end: 70_000, highWaterMark: 512 },
      { highWaterMark: 100_000 },
    ]) {
      const ours = (await createReadStream(lun, range).toArray()) as Buffer[];
      const theirs = (await createFileStream(path, range).toArray()) as Buffer[];
      assert.ok(Buffer.concat(ours).equals(Buffer.concat(theirs)), JSON.stringify(range));
      if (range.highWaterMark !== undefined) {
        assert.deepEqual(
          ours.map(({ length }) => length),
          theirs.map(({ length }) => length),
          JSON.stringify(range),
        );
      }
    }
    const writer = createWriteStream(lun, { highWaterMark: 1000 });
    assert.equal(writer.writableHighWaterMark, 1000);
    assert.deepEqual([writer.write(new Uint8Array(999)), writer.write(new Uint8Array(1))], [true, false]);
    await new Promise<void>((resolve) => void writer.end(() => resolve()));
  });

  test(`${name}: an option that streams do not have is refused by name, with those that they have`, async (t) => {
    const { lun } = await open(t);
    for (const [make, message] of [
      [
        () => createReadStream(lun, { length: 5 } as object),
        /^Cannot use option "length" of createReadStream: start, /,
      ],
      [() => createReadStream(lun, { start: '5' } as object), /^Cannot use a start of "5": a whole number from 0 on/],
      [() => createReadStream(lun, { end: -1 }), /^Cannot use a end of -1/],
      [() => createWriteStream(lun, { end: 5 } as object), /^Cannot use option "end" of createWriteStream/],
      [() => createWriteStream(lun, { highWaterMark: 0 }), /^Cannot use a highWaterMark of 0/],
    ] as const) {
      assert.throws(make, { code: 'ISCSI_USAGE', message });
    }
  });

  test(`${name}: web streams move the same bytes`, async (t) => {
    const { lun, content } = await open(t);
    const random = seededRandom();
    const bytes = random.bytes(30_000);
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 7000) controller.enqueue(bytes.subarray(at, at + 7000));
        controller.close();
      },
    });
    await source.pipeTo(writable(lun, { start: 99, chunkSize: 4096 }) as WritableStream<Uint8Array>);
    assert.ok(Buffer.from(content().subarray(99, 99 + bytes.length)).equals(bytes));
    const parts: Uint8Array[] = [];
    for await (const part of readable(lun, { start: 99, end: 99 + bytes.length - 1, chunkSize: 1000 }))
      parts.push(part);
    assert.ok(Buffer.concat(parts).equals(bytes));
  });

  test(`${name}: a web stream that is cancelled early leaves the session alone`, async (t) => {
    const { lun } = await open(t);
    const reader = readable(lun, { chunkSize: 512 }).getReader();
    assert.equal((await reader.read()).value?.length, 512);
    await reader.cancel();
    await lun.testUnitReady();
  });
}

for (const { name, open } of RAW_WAYS) {
  test(`${name}: createWriteStream() writes pieces of any length where they belong, and flushes before it finishes`, async (t) => {
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
      await pipeline(Readable.from(pieces), createWriteStream(lun, { start, chunkSize, queueDepth }));
      before.set(Buffer.concat(pieces), start);
      assert.ok(Buffer.from(disk.content).equals(before), `${random.note}: from ${start} by ${chunkSize}`);
      assert.equal(disk.flushes, flushes + 1);
    }
  });

  test(`${name}: an error in the middle of a read stream comes after the bytes before it, and ends the stream`, async (t) => {
    let reads = 0;
    const { lun } = await open(t, {
      onCommand: ({ cdb }, answer) => {
        if (cdb[0] === READ_10) reads++;
        if (cdb[0] !== READ_10 || cdb[5] !== 8) return false;
        answer({ status: 0x18 });
        return true;
      },
    });
    let got = 0;
    await assert.rejects(
      async () => {
        for await (const part of createReadStream(lun, { chunkSize: 1024, queueDepth: 4 }))
          got += (part as Buffer).length;
      },
      { code: 'ISCSI_SCSI_STATUS' },
    );
    assert.equal(got, 4096);
    assert.ok(reads <= 12, `${reads} reads`);
    await lun.testUnitReady();
  });

  test(`${name}: an error in the middle of a write stream ends it; nothing is under way when it has closed`, async (t) => {
    let writes = 0;
    let underWay = 0;
    const { lun } = await open(t, {
      onCommand: ({ cdb }, answer) => {
        if (cdb[0] !== WRITE_10) return false;
        const number = ++writes;
        underWay++;
        setTimeout(
          () => {
            underWay--;
            answer({ status: number === 3 ? 0x18 : 0 });
          },
          number === 3 ? 1 : 30,
        );
        return true;
      },
    });
    const stream = createWriteStream(lun, { chunkSize: 512, queueDepth: 4 });
    const closed = new Promise<void>((resolve) => stream.on('close', resolve));
    const source = Readable.from(Array.from({ length: 100 }, () => new Uint8Array(512)));
    await assert.rejects(pipeline(source, stream), { code: 'ISCSI_SCSI_STATUS' });
    await closed;
    assert.equal(underWay, 0, 'writes under way');
    assert.ok(writes < 10, `${writes} writes`);
  });

  test(`${name}: a stream destroyed early stops reading, waits for what is under way and leaves the session alone`, async (t) => {
    let commands = 0;
    const { lun, underWay } = await open(t, {
      onCommand: () => {
        commands++;
        return false;
      },
    });
    const stream = createReadStream(lun, { chunkSize: 512, queueDepth: 2 });
    for await (const part of stream) {
      assert.equal((part as Buffer).length, 512);
      break;
    }
    assert.equal(stream.destroyed, true);
    const reads = commands;
    await lun.testUnitReady(); // comes behind whatever else is sent
    assert.ok(commands - 1 <= reads + 2);

    const writing = createWriteStream(lun, { chunkSize: 512 });
    writing.write(new Uint8Array(2000));
    const closed = new Promise<void>((resolve) => writing.on('close', resolve));
    writing.destroy();
    await closed;
    assert.equal(underWay(), 0);
    await lun.testUnitReady();
  });

  test(`${name}: a signal ends both kinds of stream`, async (t) => {
    const { lun, underWay, alive } = await open(t, {
      onCommand: ({ cdb }) => cdb[0] === READ_10 || cdb[0] === WRITE_10,
    });
    for (const make of [
      (signal: AbortSignal) => createReadStream(lun, { signal }).toArray(),
      (signal: AbortSignal) =>
        pipeline(Readable.from([new Uint8Array(4096)]), createWriteStream(lun, { signal, chunkSize: 512 })),
    ]) {
      const stop = new AbortController();
      const work = make(stop.signal);
      until(() => underWay() > 0).then(
        () => stop.abort('enough'),
        () => undefined,
      );
      await assert.rejects(work, { name: 'AbortError', code: 'ISCSI_ABORTED', cause: 'enough' });
    }
    await until(() => underWay() === 0, 'the end of the last command');
    assert.equal(underWay(), 0);
    assert.equal(alive(), true);
  });
}
