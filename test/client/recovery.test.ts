/** A session that is lost and comes back, against a target that does what the test says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import type { IscsiLogicalUnit } from '../../src/client/session.ts';
import { IscsiError } from '../../src/errors.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { createTarget } from '../../src/server/create-target.ts';
import type { Target } from '../../src/server/target.ts';
import { WatchedStore } from '../recovery/watched-store.ts';
import { loopTime, until } from '../support/loop-time.ts';
import { type RawConnection, RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { startRelay } from '../support/relay.ts';
import { keyText, pairsOf } from '../support/speaker/data.ts';
import type { Pdu } from '../support/speaker/pdu.ts';
import { USUAL_ANSWERS } from '../support/speaker/target-voice.ts';
import { assertNoHandlesLeft } from './handles.ts';

const READ_10 = 0x28;
const WRITE_10 = 0x2a;
const LOGIN = 0x03;
const FAST = { firstDelay: 1, maxDelay: 20 } as const;
const AT_ONCE = { answers: { DefaultTime2Wait: '0' } } as const;

async function open(t: TestContext, options: RawTargetOptions = {}, asked: ConnectOptions = {}) {
  const target = await RawTarget.listen(t, { ...AT_ONCE, ...options });
  const lun = await connect(target.url(), { reconnect: FAST, keepaliveInterval: 0, ...asked });
  t.after(() => lun.close());
  return { target, lun, session: lun.session, disk: target.disk };
}

/** Leaves commands with this operation code unanswered on the first connection. */
function silentAbout(...operations: readonly number[]): RawTargetOptions {
  let first: RawConnection | undefined;
  return {
    onCommand({ cdb }, connection) {
      first ??= connection;
      return connection === first && operations.includes(cdb[0] ?? 0);
    },
  };
}

/** Operation codes of the commands that came on a connection. */
function operations({ sent }: RawConnection): (number | undefined)[] {
  return sent.filter(({ opcode }) => opcode === 1).map(({ header }) => header[32]);
}

function block(value: number): Uint8Array {
  return new Uint8Array(512).fill(value);
}

async function arrived(target: RawTarget, operation: number, count = 1): Promise<void> {
  await until(() => operations(target.connection).filter((one) => one === operation).length === count);
}

/** Collects the names of what is announced. */
function listen(lun: IscsiLogicalUnit): string[] {
  const names: string[] = [];
  for (const name of ['connected', 'lost', 'reconnecting', 'reconnected', 'closed'] as const)
    lun.on(name, () => void names.push(name));
  return names;
}

test('what was sent is sent again, by the same initiator port, after it is known who answers', async (t) => {
  const { target, lun } = await open(t, silentAbout(READ_10, WRITE_10));
  const names = listen(lun);
  const write = lun.write(block(7), { position: 512 });
  const read = lun.read(block(0), { position: 0 });
  await arrived(target, READ_10);
  const [first] = target.connections;
  first?.socket.destroy();
  assert.equal((await read).bytesRead, 512);
  await write;
  assert.deepEqual([...target.disk.content.subarray(512, 514)], [7, 7]);
  const [before, after] = [first?.sent[0], target.connection.sent[0]];
  assert.deepEqual(after?.header.subarray(8, 14), before?.header.subarray(8, 14), 'the ISID is kept');
  assert.equal((after?.word(12) ?? 1) >>> 16, 0, 'TSIH 0: the session is reinstated');
  const firstCommand = target.connection.sent.findIndex(({ opcode }) => opcode !== LOGIN);
  assert.ok(target.connection.sent.slice(firstCommand).every(({ opcode }) => opcode !== LOGIN));
  const asked = operations(target.connection);
  const [written, capacity] = [asked.indexOf(WRITE_10), asked.indexOf(0x9e)];
  assert.ok(capacity >= 0 && capacity < written && asked.indexOf(0x12) < written, `${asked}`);
  await until(() => names.includes('reconnected'));
  assert.deepEqual(names, ['lost', 'reconnecting', 'connected', 'reconnected']);
  assert.equal(lun.session.open && lun.session.connected, true);
});

test('a CDB of the caller is never sent twice; one that was not sent yet waits', async (t) => {
  const { target, lun } = await open(t, silentAbout(READ_10));
  const request = { cdb: cdb('READ_10', { transferLength: 1 }), dataIn: block(0) };
  const sent = lun.execute(request);
  await arrived(target, READ_10);
  target.connection.socket.destroy();
  await assert.rejects(sent, { code: 'ISCSI_CONNECTION_LOST', commandSent: true });
  const waiting = lun.execute(request);
  assert.equal((await waiting).status, 0);
  assert.deepEqual(
    operations(target.connection).filter((one) => one === READ_10),
    [READ_10],
  );
});

test('a command can say itself what becomes of it', async (t) => {
  const { target, lun } = await open(t, silentAbout(READ_10), { reconnect: { ...FAST, commands: 'wait' } });
  const [waits, fails, again] = (['wait', 'fail', 'retry'] as const).map((onLoss) =>
    lun.read(block(1), { position: 0, onLoss }).catch((error: unknown) => error),
  );
  await arrived(target, READ_10, 3);
  target.connection.socket.destroy();
  await once(lun as never, 'lost');
  const refused = lun.read(block(1), { position: 0, onLoss: 'fail' });
  await assert.rejects(refused, { code: 'ISCSI_CLOSED', commandSent: false });
  for (const lost of [await waits, await fails]) {
    assert.ok(lost instanceof IscsiError);
    assert.deepEqual([lost.code, lost.commandSent], ['ISCSI_CONNECTION_LOST', true]);
  }
  assert.equal(((await again) as { bytesRead: number }).bytesRead, 512);
});

test('of two writes to the same blocks only the later one is sent again, and one beside them is', async (t) => {
  const { target, lun } = await open(t, silentAbout(WRITE_10));
  const writes = [
    lun.write(block(1), { position: 0 }),
    lun.write(block(2), { position: 0 }),
    lun.write(block(3), { position: 512 }),
  ];
  await arrived(target, WRITE_10, 3);
  target.connection.socket.destroy();
  const [earlier, later, beside] = await Promise.allSettled(writes);
  assert.deepEqual([earlier?.status, later?.status, beside?.status], ['rejected', 'fulfilled', 'fulfilled']);
  assert.equal((earlier as PromiseRejectedResult).reason.commandSent, true);
  assert.deepEqual([target.disk.content[0], target.disk.content[512]], [2, 3]);
});

test('a write is not sent again when one that came after it was acknowledged', async (t) => {
  let held = 0;
  const { target, lun } = await open(t, {
    onCommand: ({ cdb }) => cdb[0] === WRITE_10 && held++ === 0,
  });
  const first = lun.write(block(1), { position: 0 });
  await lun.write(block(2), { position: 0 });
  target.connection.socket.destroy();
  await assert.rejects(first, { code: 'ISCSI_CONNECTION_LOST', commandSent: true });
  await lun.read(block(0), { position: 0 });
  assert.equal(target.disk.content[0], 2);
});

test('another disk of the same size behind the same URL gets nothing, and that is final', async (t) => {
  const stores = [new WatchedStore(64), new WatchedStore(64)];
  const targets: Target[] = [];
  for (const [index, store] of stores.entries()) {
    const target = await createTarget({ luns: [{ store, serial: `disk ${index}` }] }).listen({ port: 0 });
    t.after(() => target.close());
    targets.push(target);
  }
  let now = 0;
  const relay = await startRelay(t, { to: () => targets[now]?.port ?? 0, record: false });
  const url = targets[0]?.url(0).replace(/:\d+\//, `:${relay.port}/`) ?? '';
  const lun = await connect(url, { reconnect: FAST });
  t.after(() => lun.close());
  const changed = once(lun as never, 'identityChanged');
  const atSession = once(lun.session, 'identityChanged');
  await lun.write(block(1), { position: 0 });
  now = 1;
  relay.connections[0]?.cut();
  await once(lun as never, 'lost');
  const work = [
    lun.write(block(2), { position: 0 }),
    lun.write(block(2).subarray(0, 100), { position: 1000 }),
    lun.execute({ cdb: cdb('WRITE_10', { transferLength: 1 }), dataOut: block(2) }),
    lun.trim({ position: 0, length: 512 }),
  ];
  const outcomes = await Promise.allSettled(work);
  const codes = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
  assert.deepEqual(codes.slice(0, 3), ['ISCSI_IDENTITY', 'ISCSI_IDENTITY', 'ISCSI_IDENTITY']);
  const [{ error }] = await changed;
  assert.match(error.message, /serial "disk 1".*opened was serial "disk 0"/);
  assert.equal((await atSession)[0].lun, lun.lun);
  await assert.rejects(lun.write(block(2), { position: 0 }), { code: 'ISCSI_IDENTITY' });
  await assert.rejects(lun.flush(), { code: 'ISCSI_IDENTITY' });
  const stranger = new Uint8Array(64 * 512);
  stores[1]?.read(0, stranger, 0, stranger.length);
  assert.ok(
    stranger.every((byte) => byte === 0),
    'the stranger was written to',
  );
  assert.equal(lun.session.open, true, 'the session goes on, for other logical units');
});

test('a logical unit that was replaced is lost, and those beside it go on', async (t) => {
  const targets: Target[] = [];
  for (const serial of ['second', 'stranger']) {
    const luns = [
      { store: new WatchedStore(64), serial: 'first' },
      { store: new WatchedStore(64), serial },
    ];
    const target = await createTarget({ luns }).listen({ port: 0 });
    t.after(() => target.close());
    targets.push(target);
  }
  let now = 0;
  const relay = await startRelay(t, { to: () => targets[now]?.port ?? 0, record: false });
  const session = await openSession(`iscsi://127.0.0.1:${relay.port}/${targets[0]?.names[0]}`, { reconnect: FAST });
  t.after(() => session.close());
  const [first, second] = [await session.logicalUnit(0), await session.logicalUnit(1)];
  const told: string[] = [];
  first.on('identityChanged', () => void told.push('first'));
  second.on('identityChanged', () => void told.push('second'));
  now = 1;
  relay.connections[0]?.cut();
  await once(session, 'lost');
  await assert.rejects(second.read(block(0), { position: 0 }), { code: 'ISCSI_IDENTITY' });
  await first.write(new Uint8Array(512), { position: 0 });
  const again = await session.logicalUnit(1); // whoever opens it anew wants the new one
  assert.equal((await again.read(block(0), { position: 0 })).bytesRead, 512);
  await assert.rejects(second.read(block(0), { position: 0 }), { code: 'ISCSI_IDENTITY' });
  assert.deepEqual(told, ['second']);
});

test('a target that asks for a logout gets it in time: what was sent ends, what waits goes to the next session', async (t) => {
  const { target, lun, session } = await open(t, {
    window: 1,
    onPdu(pdu, connection) {
      if (pdu.opcode !== 0x06) return false;
      connection.send(connection.voice.pdu({ opcode: 0x26, byte2: 0, tag: pdu.tag, transferTag: 0, word40: 1 << 16 }));
      connection.socket.end();
      return true;
    },
    onCommand: (command, connection) => {
      if (command.cdb[0] !== READ_10 || connection !== target0()) return false;
      held.push(() => connection.give(command, new Uint8Array(512)));
      return true;
    },
  });
  function target0(): RawConnection | undefined {
    return target.connections[0];
  }
  const held: (() => void)[] = [];
  const events: string[] = [];
  lun.on('logoutRequested', ({ within }) => void events.push(`logout within ${within}`));
  lun.on('asyncEvent', ({ asyncEvent }) => void events.push(`event ${asyncEvent}`));
  const first = lun.read(block(0), { position: 0 });
  await until(() => held.length === 1);
  const behind = lun.read(block(0), { position: 512 }); // the window is closed
  const [connection] = target.connections;
  connection?.send(connection.voice.asyncMessage(1, [0, 0, 3]));
  await until(() => events.length === 2);
  const later = lun.read(block(0), { position: 1024 });
  const asked = performance.now();
  held[0]?.();
  await first;
  await Promise.all([behind, later]);
  assert.ok(performance.now() - asked >= 990, 'Time2Wait of the Logout Response is kept');
  assert.deepEqual(events, ['event 1', 'logout within 3000']);
  assert.deepEqual(
    operations(connection as RawConnection).filter((one) => one === READ_10),
    [READ_10],
  );
  assert.deepEqual(
    connection?.ofOpcode(0x06).map(({ flags }) => flags),
    [0x80],
  );
  assert.equal(target.connections.length, 2);
  assert.equal(session.open, true);
});

for (const event of [2, 3]) {
  test(`event ${event}: the connection is given up, and Time2Wait kept, unless the owner does not want to wait`, async (t) => {
    const { target, lun, session } = await open(t);
    const reconnecting = once(session, 'reconnecting');
    target.connection.send(target.connection.voice.asyncMessage(event, [0, 30, 0]));
    const read = lun.read(block(0), { position: 0 });
    const [{ attempt, delay, when }] = await reconnecting;
    assert.equal(attempt, 1);
    assert.ok(delay > 25_000 && delay <= 30_000, `${delay}`);
    assert.ok(when.getTime() > Date.now() + 20_000);
    assert.equal(session.connected, false);
    session.reconnectNow();
    await read;
    assert.equal(target.connections.length, 2);
  });
}

test('event 4 is answered with an empty text, and the session goes on', async (t) => {
  const { target, lun } = await open(t);
  const names = listen(lun);
  target.connection.send(target.connection.voice.asyncMessage(4, [0, 0, 3]));
  await until(() => target.connection.ofOpcode(0x04).length === 1);
  await lun.read(block(0), { position: 0 });
  assert.deepEqual(
    names.filter((name) => name !== 'connected'),
    [],
  );
});

test('close() and abort win at once, whatever the session waits for', async (t) => {
  await assertNoHandlesLeft(async () => {
    const target = await RawTarget.listen(t, AT_ONCE);
    const lun = await connect(target.url(), { reconnect: { firstDelay: 60_000, maxDelay: 60_000 } });
    await target.close();
    await once(lun.session, 'lost');
    const stop = new AbortController();
    const [aborted, closed] = [
      lun.write(block(1), { position: 0, signal: stop.signal }),
      lun.write(block(1), { position: 0 }),
    ];
    await new Promise((resolve) => lun.session.on('reconnecting', ({ attempt }) => attempt === 2 && resolve(attempt)));
    const passed = loopTime();
    stop.abort();
    await assert.rejects(aborted, { code: 'ISCSI_ABORTED', commandSent: false });
    assert.equal(lun.session.commandsUnderWay().length, 1);
    const closing = lun.close();
    await assert.rejects(closed, { code: 'ISCSI_CLOSED', commandSent: false });
    await closing;
    assert.ok(passed() < 1000);
    assert.equal(await lun.session.closed, undefined);
    await assert.rejects(lun.read(block(0), { position: 0 }), { code: 'ISCSI_CLOSED' });
    assert.equal(lun.session.open, false);
  });
});

test('close() ends an attempt under way', async (t) => {
  await assertNoHandlesLeft(async () => {
    let mute = false;
    const target = await RawTarget.listen(t, { ...AT_ONCE, onPdu: ({ opcode }) => mute && opcode === LOGIN });
    const lun = await connect(target.url(), { reconnect: FAST });
    mute = true;
    target.connection.socket.destroy();
    await until(() => target.connections.length === 2 && target.connection.sent.length === 1);
    const passed = loopTime();
    await lun.close();
    assert.ok(passed() < 1000);
    await target.close();
  });
});

test('a deadline holds while the session is away', async (t) => {
  const { target, lun } = await open(t);
  await target.close();
  await once(lun as never, 'lost');
  const passed = loopTime();
  await assert.rejects(lun.read(block(0), { position: 0, timeout: 300 }), {
    code: 'ISCSI_TIMEOUT',
    commandSent: false,
  });
  assert.ok(passed() < 1000);
});

test('a session that is given up ends, with the reason, and so does all that waits for it', async (t) => {
  await assertNoHandlesLeft(async () => {
    const target = await RawTarget.listen(t, AT_ONCE);
    const lun = await connect(target.url(), { reconnect: { ...FAST, maxAttempts: 3 } });
    const attempts: number[] = [];
    lun.on('reconnecting', ({ attempt }) => void attempts.push(attempt));
    const over = once(lun.session, 'closed');
    await target.close();
    await once(lun.session, 'lost');
    const read = lun.read(block(0), { position: 0 });
    await assert.rejects(read, {
      code: 'ISCSI_CONNECTION_LOST',
      message: /refused \(after attempt 3\); the command was/,
    });
    assert.deepEqual(attempts, [1, 2, 3]);
    const [error] = await over;
    assert.equal(error, await lun.session.closed);
    assert.equal(error instanceof IscsiError && error.cause instanceof IscsiError && error.cause.code, 'ISCSI_REFUSED');
    assert.equal(lun.session.open, false);
    await assert.rejects(lun.read(block(0), { position: 0 }), { code: 'ISCSI_CLOSED', cause: error });
    await lun.close();
  });
});

test('a login that is refused for its credentials is not tried again', async (t) => {
  let refuse = false;
  const { target, lun } = await open(t, {
    onPdu(pdu, connection) {
      if (!refuse || pdu.opcode !== LOGIN) return false;
      connection.send(connection.voice.loginResponse(pdu, new Uint8Array(0), { status: 0x0201 }));
      return true;
    },
  });
  refuse = true;
  target.connection.socket.destroy();
  const error = await lun.session.closed;
  assert.match(`${error?.message}`, /trying again cannot help/);
  assert.equal(target.connections.length, 2);
});

test('writes that were acknowledged and not flushed make the next flush fail, once for each logical unit', async (t) => {
  const { target, lun, session } = await open(t, {
    onCommand(command, connection) {
      if (command.cdb[0] !== 0x1a) return false;
      const caching = Uint8Array.of(23, 0, 0, 0, 0x08, 0x12, 0x04, ...new Uint8Array(17)); // WCE
      connection.give(command, caching);
      return true;
    },
  });
  const again = await session.logicalUnit(0);
  await lun.write(block(1), { position: 0 });
  await lun.flush();
  const lose = async (): Promise<void> => {
    const back = once(session, 'reconnected');
    target.connection.socket.destroy();
    await back;
  };
  await lose();
  await lun.flush(); // nothing was written since
  await lun.write(block(1), { position: 0, forceUnitAccess: true });
  await lose();
  await lun.flush(); // on stable storage all the same
  await lun.write(block(1), { position: 0 });
  await lose();
  await assert.rejects(lun.flush(), { code: 'ISCSI_CACHE_LOST', hint: /write again what was written/ });
  await lun.flush();
  await assert.rejects(again.flush(), { code: 'ISCSI_CACHE_LOST' });
  await again.flush();
});

test('a logical unit that is not there yet after a restart is asked again, and commands wait for it', async (t) => {
  const { target, lun, disk } = await open(t);
  disk.refusals.push([5, 0x25, 0], [5, 0x25, 0], [2, 4, 1]);
  const write = once(lun.session, 'lost').then(() => lun.write(block(9), { position: 0 }));
  target.connection.socket.destroy();
  await write;
  assert.equal(disk.content[0], 9);
});

test('without `reconnect` a session ends with its connection, and says so', async (t) => {
  const { target, lun, session } = await open(t, silentAbout(READ_10), { reconnect: 'fail' });
  const names = listen(lun);
  const read = lun.read(block(0), { position: 0 });
  await arrived(target, READ_10);
  target.connection.socket.destroy();
  await assert.rejects(read, { code: 'ISCSI_CONNECTION_LOST' });
  assert.equal((await session.closed)?.code, 'ISCSI_CONNECTION_LOST');
  await until(() => names.includes('closed'));
  assert.deepEqual(
    names.filter((name) => name !== 'connected'),
    ['lost', 'closed'],
  );
  assert.equal(target.connections.length, 1);
});

test('a permanent redirect is remembered, a temporary one is not', async (t) => {
  for (const [status, logins] of [
    [0x0102, 1],
    [0x0101, 2],
  ] as const) {
    const there = await RawTarget.listen(t, AT_ONCE);
    const here = await RawTarget.listen(t, {
      onPdu(pdu, connection) {
        const text = keyText({ TargetAddress: `127.0.0.1:${there.port}` });
        connection.send(connection.voice.loginResponse(pdu, text, { status }));
        return true;
      },
    });
    const session = await openSession(here.url(), { reconnect: FAST });
    t.after(() => session.close());
    const back = once(session, 'reconnected');
    there.connection.socket.destroy();
    await back;
    assert.deepEqual([here.connections.length, there.connections.length], [logins, 2]);
  }
});

/** Answers a login as usual, and tells a portal group besides. */
function logInTo(group: number, pdu: Pdu, connection: RawConnection): boolean {
  const offered = new Set(pairsOf(pdu.data).map(([name]) => name));
  const answers = Object.entries({ ...USUAL_ANSWERS, ...AT_ONCE.answers }).filter(([name]) => offered.has(name));
  const text = keyText({ ...Object.fromEntries(answers), TargetPortalGroupTag: `${group}` });
  connection.send(connection.voice.loginResponse(pdu, text));
  return true;
}

test('in another portal group nothing is sent again: the old session may live on there', async (t) => {
  const there = await RawTarget.listen(t, { onPdu: (pdu, c) => pdu.opcode === LOGIN && logInTo(2, pdu, c) });
  let moved = false;
  const { target, lun } = await open(
    t,
    {
      ...silentAbout(READ_10),
      onPdu(pdu, connection) {
        if (pdu.opcode !== LOGIN) return false;
        if (!moved) return logInTo(1, pdu, connection);
        const text = keyText({ TargetAddress: `127.0.0.1:${there.port}` });
        connection.send(connection.voice.loginResponse(pdu, text, { status: 0x0101 }));
        return true;
      },
    },
    { headerDigest: 'none', dataDigest: 'none' },
  );
  const sent = lun.read(block(0), { position: 0 });
  await arrived(target, READ_10);
  moved = true;
  target.connection.socket.destroy();
  await assert.rejects(sent, { code: 'ISCSI_CONNECTION_LOST', message: /portal group 2 answers, not 1/ });
  await lun.read(block(0), { position: 0 });
  assert.equal(there.connections.length, 1);
});

test('requests other than commands fail at once while the session is away', async (t) => {
  const { target, session } = await open(t);
  await target.close();
  await once(session, 'lost');
  await assert.rejects(session.nop(), { code: 'ISCSI_CLOSED', commandSent: false });
  await assert.rejects(session.text('SendTargets=\0'), { code: 'ISCSI_CLOSED' });
});

test('options of reconnecting that cannot be are refused by name', async () => {
  const url = 'iscsi://127.0.0.1:1/iqn.2003-01.org.example:target/0';
  for (const [reconnect, message] of [
    ['always', /reconnect of "always": fail, wait, retry or an object allowed/],
    [{ tries: 3 }, /option "tries" of reconnect: commands, maxAttempts/],
    [{ maxTime: 0 }, /maxTime of 0/],
  ] as const) {
    await assert.rejects(connect(url, { reconnect } as never), { code: 'ISCSI_USAGE', message });
  }
});
