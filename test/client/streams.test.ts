/** The stream methods of a logical unit behind a session. */
import assert from 'node:assert/strict';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { seededRandom } from '../pdu/random.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { assertNoHandlesLeft } from './handles.ts';

async function open(t: TestContext, options: RawTargetOptions = {}) {
  const target = await RawTarget.listen(t, options);
  const lun = await connect(target.url());
  t.after(() => lun.close());
  return { target, lun, disk: target.disk };
}

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
  for await (const part of lun.readable({ start: 99, end: 99 + bytes.length - 1, chunkSize: 1000 })) parts.push(part);
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
