/** What an error says, where its stack leads, and what it holds on to. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { types } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connect, openSession } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { IscsiError } from '../../src/errors.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { RawTarget } from '../support/raw-target.ts';

const NOBODY = 'iscsi://127.0.0.1:1/iqn.2003-01.org.example:target/0';

async function errorOf(work: () => Promise<unknown>): Promise<IscsiError> {
  try {
    await work();
  } catch (error) {
    return error as IscsiError;
  }
  throw new Error('No error came');
}

async function failing(t: TestContext) {
  const disk = new RawDisk();
  let failures = false;
  const target = await RawTarget.listen(t, {
    disk,
    onCommand: ({ tag, cdb }, connection) => {
      if (!failures || cdb[0] === 0x12) return false;
      connection.respond(tag, 0x18);
      return true;
    },
    onPdu: ({ opcode }, connection) => {
      if (!failures || opcode !== 0x00) return false;
      connection.socket.destroy();
      return true;
    },
  });
  const lun = await connect(target.url());
  t.after(() => lun.close());
  failures = true;
  return { lun, target };
}

test('the stack of an error leads to the line that awaits the call', async (t) => {
  const { lun, target } = await failing(t);
  const block = new Uint8Array(512);
  async function theCaller(work: () => Promise<unknown>): Promise<void> {
    await work();
  }
  for (const [name, work] of Object.entries({
    'a portal where nobody listens': () => connect(NOBODY),
    'no such LUN': () => connect(target.url(7)),
    'nobody to ask for targets': () => discover(NOBODY).next(),
    'an argument': () => lun.read(block, { position: -1 }),
    read: () => lun.read(block, { position: 0 }),
    write: () => lun.write(block, { position: 0 }),
    'unaligned read': () => lun.read(block, { position: 3 }),
    'unaligned write': () => lun.write(block, { position: 3 }),
    flush: () => lun.flush(),
    'a page that is not there': () => lun.inquiry(0xc7),
    capacity: () => lun.readCapacity(),
    list: () => lun.session.reportLuns(),
    'a signal': () => lun.read(block, { position: 0, signal: AbortSignal.abort() }),
    ping: () => lun.session.nop(), // the target drops the connection
    'a lost session': () => lun.read(block, { position: 0 }),
    execute: () => lun.execute(new Uint8Array(6)),
  })) {
    const { stack = '' } = await errorOf(() => theCaller(work));
    assert.match(stack, /theCaller/, name);
  }
});

test('an error is one for the platform, too, and each call has its own', async (t) => {
  const { lun } = await failing(t);
  const outcomes = await Promise.allSettled([
    lun.session.nop(),
    ...Array.from({ length: 20 }, (_, at) => lun.read(new Uint8Array(512), { position: at * 512 })),
  ]);
  const errors = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as IscsiError);
  assert.ok(errors.every((error) => types.isNativeError(error) && typeof error.code === 'string'));
  assert.equal(new Set(errors).size, 21);
  const copy = structuredClone(errors[0]);
  assert.equal(copy?.message, errors[0]?.message);
});

test('an abort is an AbortError with the reason as its cause, whatever was aborted', async (t) => {
  const { lun, target } = await failing(t);
  const reason = new Error('no longer needed');
  const signal = AbortSignal.abort(reason);
  const block = new Uint8Array(512);
  for (const work of [
    () => lun.read(block, { position: 0, signal }),
    () => lun.write(block, { position: 5, signal }),
    () => lun.flush({ signal }),
    () => lun.execute({ cdb: new Uint8Array(6), signal }),
    () => lun.session.nop(undefined, { signal }),
    () => connect(target.url(), { signal }),
    () => openSession(target.url(), { signal }),
    () => discover(target.url(), { signal }).next(),
    () => lun.createReadStream({ signal }).toArray(),
  ]) {
    await assert.rejects(work, { name: 'AbortError', code: 'ISCSI_ABORTED', cause: reason }, String(work));
  }
});

test('a status is told with the target, the LUN, the command and the block', async (t) => {
  const { lun } = await failing(t);
  const place = { deviceName: 'iqn.2003-01.org.example:target', unitName: 'LUN 0', command: 'READ_10' };
  await assert.rejects(lun.read(new Uint8Array(512), { position: 4096 }), {
    ...place,
    logicalBlockAddress: 8,
    message: 'READ(10) ended with RESERVATION CONFLICT (LUN 0 of iqn.2003-01.org.example:target, block 8)',
  });
  await assert.rejects(lun.testUnitReady(), { logicalBlockAddress: undefined, message: /\(LUN 0 of iqn[^,]*\)$/ });
});

test('an error that is kept does not keep its connection', async (t) => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const target = await createTarget({ name: 'iqn.2003-01.org.example:a', luns: [{ memory: '1M' }] }).listen({
    port: 0,
  });
  t.after(() => target.close());
  const portal = `iscsi://127.0.0.1:${target.port}/iqn.2003-01.org.example`;
  const kept: IscsiError[] = [];
  const fail = async (url: string): Promise<void> => void kept.push(await errorOf(() => connect(url)));
  for (const url of [`${portal}:a/9`, `${portal}:none/0`]) {
    await fail(url);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let at = 0; at < 60; at++) await fail(url);
    const each = (): number => (process.memoryUsage().arrayBuffers - before) / 60 / 1024;
    for (let looks = 0; looks < 100 && each() > 20; looks++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(each() <= 20, `${each()} KiB each: ${url}`);
  }
  assert.equal(kept.length, 122);
});

test('session.closed tells what ended the session, or that it was closed', async (t) => {
  const target = await RawTarget.listen(t);
  const lost = await openSession(target.url());
  const early = await Promise.race([lost.closed, 'still open']);
  assert.equal(early, 'still open');
  target.connection.socket.destroy();
  assert.equal((await lost.closed)?.code, 'ISCSI_CONNECTION_LOST');
  assert.equal(lost.open, false);
  const closed = await openSession(target.url());
  await closed.close();
  assert.equal(await closed.closed, undefined);
});
