/** What a caller, a target and a loss can do to one another in the same moment. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { loopTime, until } from '../support/loop-time.ts';
import { type RawConnection, RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { senseData } from '../support/speaker/data.ts';
import { assertNoHandlesLeft } from './handles.ts';
import { RawDisk } from './raw-disk.ts';

const WRITE_10 = 0x2a;
const FAST = { firstDelay: 1, maxDelay: 20 } as const;
const AT_ONCE = { answers: { DefaultTime2Wait: '0' } } as const;

async function open(t: TestContext, options: RawTargetOptions = {}, asked: ConnectOptions = {}) {
  const target = await RawTarget.listen(t, { ...AT_ONCE, ...options });
  const lun = await connect(target.url(), { reconnect: FAST, keepaliveInterval: 0, ...asked });
  t.after(() => lun.close());
  return { target, lun, session: lun.session };
}

function block(value: number): Uint8Array {
  return new Uint8Array(512).fill(value);
}

function operations({ sent }: RawConnection): (number | undefined)[] {
  return sent.filter(({ opcode }) => opcode === 1).map(({ header }) => header[32]);
}

function count(connection: RawConnection | undefined, operation: number): number {
  return connection === undefined ? 0 : operations(connection).filter((one) => one === operation).length;
}

function askForLogout(connection: RawConnection, within = 5): void {
  connection.send(connection.voice.asyncMessage(1, [0, 0, within]));
}

test('a command that was sent can be aborted while the session leaves its target, and is not sent again', async (t) => {
  const { target, lun, session } = await open(t, {
    onCommand: ({ cdb }, connection) => cdb[0] === WRITE_10 && connection === target.connections[0],
  });
  const stop = new AbortController();
  const write = lun.write(block(1), { position: 0, signal: stop.signal });
  write.catch(() => undefined);
  await until(() => count(target.connection, WRITE_10) === 1);
  const asked = once(session, 'logoutRequested');
  askForLogout(target.connection, 2);
  await asked;
  const back = once(session, 'reconnected');
  stop.abort();
  await assert.rejects(write, { code: 'ISCSI_ABORTED' });
  assert.equal(target.connections[0]?.ofOpcode(0x02).length, 1, 'ABORT TASK');
  await back;
  await lun.read(block(0), { position: 0 });
  assert.equal(count(target.connection, WRITE_10), 0);
});

test('a command that was sent before a loss is not called unsent because the next session did not come to it', async (t) => {
  const { target, lun, session } = await open(
    t,
    { onCommand: ({ cdb }) => cdb[0] === WRITE_10, window: 1 },
    { timeout: 20_000 },
  );
  const stop = new AbortController();
  const first = lun.write(block(1), { position: 0 }).catch((error: unknown) => error);
  await until(() => count(target.connection, WRITE_10) === 1);
  target.connection.voice.window = 2;
  target.connection.send(target.connection.voice.nopIn());
  const second = lun.write(block(2), { position: 512, signal: stop.signal }).catch((error: unknown) => error);
  await until(() => count(target.connection, WRITE_10) === 2);
  const back = once(session, 'reconnected');
  target.connection.socket.destroy();
  await back;
  await until(() => count(target.connection, WRITE_10) === 1);
  stop.abort();
  const error = (await second) as { readonly code: string; readonly commandSent: boolean };
  assert.deepEqual([error.code, error.commandSent], ['ISCSI_ABORTED', true]);
  void first;
});

test('a disk that was swapped while it was being opened gets nothing in the name of the first one', async (t) => {
  const disk = new RawDisk();
  let swapped = false;
  const { target, lun } = await open(t, {
    disk,
    onCommand: ({ cdb }, connection) => {
      // Block limits are asked for when all that tells one disk from another is known.
      if (swapped || cdb[0] !== 0x12 || cdb[2] !== 0xb0) return false;
      swapped = true;
      disk.serial = 'RAW-OTHER';
      disk.name = 77;
      connection.socket.destroy();
      return true;
    },
  });
  assert.ok(swapped && target.connections.length === 2);
  assert.equal(lun.probed.identity?.serialNumber, 'RAW-0001');
  await assert.rejects(lun.write(block(5), { position: 0 }), { code: 'ISCSI_IDENTITY' });
  assert.equal(disk.content[0], 0);
});

test('close() does not wait for a target that is asked who it is and says nothing', async (t) => {
  await assertNoHandlesLeft(async () => {
    let mute = false;
    const target = await RawTarget.listen(t, {
      ...AT_ONCE,
      onPdu: ({ opcode }) => mute && opcode !== 0x03 && opcode !== 0x06,
    });
    const lun = await connect(target.url(), { reconnect: FAST, keepaliveInterval: 0 });
    mute = true;
    target.connection.socket.destroy();
    await until(() => target.connections.length === 2 && operations(target.connection).length > 0);
    const passed = loopTime();
    await lun.close();
    assert.ok(passed() < 5000, `${passed()}`);
    await target.close();
  });
});

test('each of two write streams is told that what it wrote may have been lost', async (t) => {
  const { target, lun, session } = await open(t, {
    onCommand(command, connection) {
      if (command.cdb[0] !== 0x1a) return false;
      connection.give(command, Uint8Array.of(23, 0, 0, 0, 0x08, 0x12, 0x04, ...new Uint8Array(17))); // WCE
      return true;
    },
  });
  const streams = [0, 4096].map((start) => lun.createWriteStream({ start, chunkSize: 512 }));
  for (const stream of streams) await new Promise((resolve) => stream.write(block(1), resolve));
  await until(() => count(target.connection, WRITE_10) === 2);
  await lun.read(block(0), { position: 0 });
  const back = once(session, 'reconnected');
  target.connection.socket.destroy();
  await back;
  const ended: unknown[] = [];
  for (const stream of streams) {
    stream.on('error', (error) => void ended.push(error));
    await new Promise((resolve) => stream.once('close', resolve).end());
  }
  assert.deepEqual(
    ended.map((error) => (error as { code?: string }).code),
    ['ISCSI_CACHE_LOST', 'ISCSI_CACHE_LOST'],
  );
});

test('attempts are counted on when a target asks for a logout before it is known who answers', async (t) => {
  let lost = false;
  const { target, lun, session } = await open(
    t,
    {
      onCommand: (_, connection) => {
        if (!lost) return false;
        askForLogout(connection, 1);
        return false;
      },
    },
    { reconnect: { ...FAST, maxAttempts: 3 } },
  );
  lost = true;
  target.connection.socket.destroy();
  const limit = new Promise((resolve) => setTimeout(resolve, 8000, 'still trying'));
  const ended = await Promise.race([session.closed, limit]);
  assert.notEqual(ended, 'still trying');
  assert.equal(target.connections.length, 4);
  await lun.close();
});

test('close() comes to its end although a command without a deadline is not answered', async (t) => {
  await assertNoHandlesLeft(async () => {
    const target = await RawTarget.listen(t, { ...AT_ONCE, onCommand: ({ cdb }) => cdb[0] === WRITE_10 });
    const lun = await connect(target.url(), { keepaliveInterval: 0, timeout: 1000 });
    const write = lun.write(block(1), { position: 0, timeout: Number.POSITIVE_INFINITY });
    write.catch(() => undefined);
    await until(() => count(target.connection, WRITE_10) === 1);
    const passed = loopTime();
    await lun.close();
    assert.ok(passed() < 7000, `${passed()}`);
    await assert.rejects(write, { code: 'ISCSI_CLOSED', commandSent: true });
    await target.close();
  });
});

test('what is submitted while it is looked who answers waits for that, whatever comes of the first look', async (t) => {
  let [away, looks] = [false, 0];
  const { target, lun, session } = await open(t, {
    onCommand: ({ cdb, tag }, connection) => {
      if (cdb[0] !== 0x9e || !away || ++looks > 2) return false;
      writes.push(lun.write(block(looks), { position: 512 * looks }));
      if (looks === 1) connection.socket.destroy();
      else connection.respond(tag, 2, senseData(2, 4, 1)); // becoming ready
      return true;
    },
  });
  const writes: Promise<unknown>[] = [];
  const back = once(session, 'reconnected');
  away = true;
  target.connection.socket.destroy();
  await back;
  await until(() => writes.length === 2);
  await Promise.all(writes);
  assert.deepEqual([target.disk.content[512], target.disk.content[1024], target.connections.length], [1, 2, 3]);
});

test('a callback that throws is an exception of the program, and no end of the session', async (t) => {
  const thrown: unknown[] = [];
  const before = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error: unknown) => void thrown.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener as () => void);
  });
  const mine = new Error('mine');
  const { target, lun, session } = await open(
    t,
    {},
    {
      onEvent: () => {
        throw mine;
      },
    },
  );
  const told = once(lun as never, 'asyncEvent');
  session.on('asyncEvent', () => {
    throw mine;
  });
  target.connection.send(target.connection.voice.asyncMessage(255, [0, 0, 0]));
  await told;
  await lun.read(block(0), { position: 0 });
  assert.deepEqual([thrown.length, target.connections.length], [2, 1]);
  assert.ok(thrown.every((error) => error === mine));
});
