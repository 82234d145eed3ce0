/** What goes on over all logins of a session that is lost and comes back: counts, channels, log, names of tasks. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import {
  type CommandEndMessage,
  type CommandStartMessage,
  DIAGNOSTICS_CHANNELS,
  type SessionStateMessage,
} from '../../src/client/diagnostics.ts';
import type { LogFields } from '../../src/client/log.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { EndedByFunctionError } from '../../src/errors.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { until } from '../support/loop-time.ts';
import { type RawConnection, RawTarget, type RawTargetOptions } from '../support/raw-target.ts';

const LOGIN = 0x03;
const READ_10 = 0x28;
const FAST = { firstDelay: 1, maxDelay: 20 } as const;
const AT_ONCE = { answers: { DefaultTime2Wait: '0' } } as const;

async function open(t: TestContext, options: RawTargetOptions, asked: ConnectOptions = {}) {
  const target = await RawTarget.listen(t, { ...AT_ONCE, ...options });
  const lun = await connect(target.url(), { reconnect: FAST, keepaliveInterval: 0, ...asked });
  t.after(() => lun.close());
  return { target, lun, session: lun.session };
}

/** Leaves reads unanswered on so many connections, beginning with the first. */
function silentReads(connections = 1): RawTargetOptions {
  const silent: RawConnection[] = [];
  return {
    onCommand({ cdb }, connection) {
      if (!silent.includes(connection)) silent.push(connection);
      return silent.indexOf(connection) < connections && cdb[0] === READ_10;
    },
  };
}

/** Hangs up on whoever wants to log in while `closed` says so. */
function hangsUp(closed: () => boolean): RawTargetOptions {
  return {
    onPdu: ({ opcode }, { socket }) => {
      if (opcode !== LOGIN || !closed()) return false;
      socket.destroy();
      return true;
    },
  };
}

async function readArrived({ connection }: RawTarget, count = 1): Promise<void> {
  const isRead = ({ opcode, header }: { opcode: number; header: Uint8Array }): boolean =>
    opcode === 1 && header[32] === READ_10;
  await until(() => connection.sent.filter(isRead).length === count, 'the read');
}

const block = (): Uint8Array => new Uint8Array(512);
const READ = { cdb: cdb('READ_10', { transferLength: 1 }) };

/** Collects what comes over a channel until the test is over. */
function listenTo<M>(t: TestContext, name: string): M[] {
  const seen: M[] = [];
  const take = (message: unknown): void => void seen.push(message as M);
  subscribe(name, take);
  t.after(() => unsubscribe(name, take));
  return seen;
}

test('a command that is sent again counts once, where it settles, as one of its session and of its logical unit', async (t) => {
  let refusals = 0;
  const away = { firstDelay: 100, maxDelay: 100 };
  const options = { ...silentReads(), ...hangsUp(() => refusals-- > 0) };
  const { target, lun, session } = await open(t, options, { reconnect: away });
  const before = lun.statistics().commands.other.commands;
  const started = performance.now();
  const read = lun.read(block(), { position: 0 });
  await readArrived(target);
  refusals = 1;
  target.connection.socket.destroy();
  assert.equal((await read).bytesRead, 512);
  const ended = performance.now();
  for (const { commands, retries } of [lun.statistics(), session.statistics()]) {
    assert.deepEqual([commands.read.commands, commands.read.failed, commands.read.bytes, retries], [1, 0, 512, 1]);
    const { count, max } = commands.read.latency;
    assert.equal(count, 1);
    // The second attempt comes after half of the pause at least, and that is a part of what the caller waited.
    assert.ok(max >= (away.firstDelay / 2) * 1000 && max <= (ended - started) * 1000 + 1, `${max} µs`);
  }
  assert.deepEqual([session.statistics().reconnects, session.statistics().lost], [1, 0]);
  assert.ok(lun.statistics().commands.other.commands > before, 'the questions about its identity are of the unit, too');
});

test('a command that fails because its session was lost counts once, and so does one that waits in vain', async (t) => {
  let closed = false;
  const { target, lun, session } = await open(t, { ...silentReads(), ...hangsUp(() => closed) });
  const raw = lun.execute({ ...READ, dataIn: block() });
  await readArrived(target);
  closed = true;
  target.connection.socket.destroy();
  await assert.rejects(raw, { code: 'ISCSI_CONNECTION_LOST', commandSent: true });
  await assert.rejects(lun.read(block(), { position: 0, timeout: 20 }), { code: 'ISCSI_TIMEOUT', commandSent: false });
  const stop = new AbortController();
  const given = lun.read(block(), { position: 0, signal: stop.signal });
  stop.abort();
  await assert.rejects(given, { code: 'ISCSI_ABORTED' });
  await assert.rejects(lun.read(block(), { position: 0, onLoss: 'fail' }), { code: 'ISCSI_CLOSED' });
  for (const { read } of [lun.statistics().commands, session.statistics().commands])
    assert.deepEqual([read.commands, read.failed, read.latency.count], [4, 4, 0]);
  const { lost, timeouts, aborted, reconnects } = session.statistics();
  assert.deepEqual([lost, timeouts, aborted, reconnects], [1, 1, 1, 0]);
});

test('the counts of a session that was lost several times are those of all its logins', async (t) => {
  const { target, lun, session } = await open(t, {});
  const { commands } = session.statistics();
  for (let times = 1; times <= 3; times++) {
    await lun.read(block(), { position: 0 });
    const back = once(session, 'reconnected');
    target.connection.socket.destroy();
    await back;
    assert.equal(session.statistics().reconnects, times);
  }
  const after = session.statistics();
  assert.deepEqual([after.commands.read.commands - commands.read.commands, after.retries], [3, 0]);
});

test('the channel of states tells of loss, attempts and return, all of one session; the log says the same', async (t) => {
  const states = listenTo<SessionStateMessage>(t, DIAGNOSTICS_CHANNELS.sessionState);
  const logged: { readonly text: string; readonly fields: LogFields }[] = [];
  const log = (_: string, text: string, fields: LogFields): void => void logged.push({ text, fields });
  let refusals = 0;
  const { target, lun, session } = await open(
    t,
    hangsUp(() => refusals-- > 0),
    { log, logLevel: 'info' },
  );
  refusals = 1;
  const back = once(session, 'reconnected');
  target.connection.socket.destroy();
  await back;
  await lun.close();
  const round = ['reconnecting', 'connecting'];
  assert.deepEqual(
    states.map(({ state }) => state),
    ['connecting', 'open', 'lost', ...round, 'failed', ...round, 'open', 'reconnected', 'closed'],
  );
  assert.equal(new Set(states.map(({ sessionId }) => sessionId)).size, 1);
  assert.ok(states.every(({ targetPortal }) => targetPortal === `127.0.0.1:${target.port}`));
  const reasons = states.filter(({ error }) => error !== undefined).map(({ state, error }) => [state, error?.code]);
  const lost = ['lost', 'reconnecting', 'failed', 'reconnecting'];
  assert.deepEqual(
    reasons,
    lost.map((state) => [state, 'ISCSI_CONNECTION_LOST']),
  );
  const attempts = logged.flatMap(({ text, fields }) => (text === 'session reconnecting' ? [fields['attempt']] : []));
  assert.deepEqual(attempts, [1, 2]);
  assert.equal(logged.find(({ text }) => text === 'session reconnected')?.fields['attempts'], 2);
});

test('the channel of states says that a session does not come back, or was closed while it was away', async (t) => {
  const states = listenTo<SessionStateMessage>(t, DIAGNOSTICS_CHANNELS.sessionState);
  let closed = false;
  const ends: string[][] = [];
  for (const maxAttempts of [1, undefined]) {
    const { target, lun, session } = await open(
      t,
      hangsUp(() => closed),
      { reconnect: { ...FAST, ...(maxAttempts === undefined ? {} : { maxAttempts }) } },
    );
    states.length = 0;
    closed = true;
    target.connection.socket.destroy();
    if (maxAttempts === 1) await session.closed;
    else await once(session, 'lost');
    await lun.close();
    await lun.close();
    ends.push(states.map(({ state }) => state));
    closed = false;
  }
  assert.deepEqual(ends[0], ['lost', 'reconnecting', 'connecting', 'failed', 'givenUp']);
  assert.deepEqual([ends[1]?.[0], ends[1]?.at(-1)], ['lost', 'closed']);
  assert.equal(ends[1]?.filter((state) => state === 'closed').length, 1);
});

test('each start of a command on the channels has its end: one that is sent again has two of both', async (t) => {
  const { target, lun } = await open(t, silentReads());
  const starts = listenTo<CommandStartMessage>(t, DIAGNOSTICS_CHANNELS.commandStart);
  const ends = listenTo<CommandEndMessage>(t, DIAGNOSTICS_CHANNELS.commandEnd);
  const read = lun.read(block(), { position: 0 });
  await readArrived(target);
  target.connection.socket.destroy();
  await read;
  const ofReads = ends.filter(({ kind }) => kind === 'read');
  assert.deepEqual(
    ofReads.map(({ status, error }) => status ?? error?.code),
    ['ISCSI_CONNECTION_LOST', 0],
  );
  const tags = (messages: readonly CommandStartMessage[]): number[] =>
    messages.map(({ initiatorTaskTag }) => initiatorTaskTag).sort((a, b) => a - b);
  assert.deepEqual(tags(ends), tags(starts));
});

test('after a reconnect, task management names the commands of the new login, and takes no name of the old one', async (t) => {
  const { target, lun, session } = await open(t, silentReads(2));
  const read = lun.read(block(), { position: 0 }).catch((error: unknown) => error);
  await readArrived(target);
  const [old] = session.commandsUnderWay();
  assert.ok(old !== undefined);
  const first = target.connection;
  first.socket.destroy();
  await once(session, 'lost');
  await assert.rejects(session.logicalUnitReset(0), { code: 'ISCSI_CLOSED', commandSent: false });
  await until(() => target.connection !== first && session.connected, 'the next login');
  await readArrived(target);
  const [now] = session.commandsUnderWay();
  assert.ok(now !== undefined && now.cmdSN !== old.cmdSN);
  await assert.rejects(session.abortTask(old), { code: 'ISCSI_USAGE', message: /old name/ });
  assert.equal(target.connection.ofOpcode(0x02).length, 0, 'nothing was asked of the target');
  assert.equal((await session.abortTask(now)).done, true);
  const ended = await read;
  assert.ok(ended instanceof EndedByFunctionError, String(ended));
  const [sent] = target.connection.ofOpcode(0x02);
  assert.deepEqual([sent?.word(20), sent?.word(32)], [now.initiatorTaskTag, now.cmdSN]);
  assert.equal(session.statistics().aborted, 1);
  assert.equal((await session.logicalUnitReset(0)).done, true);
});

test('a command that waits for the session has no name for the target', async (t) => {
  let closed = false;
  const { target, session } = await open(
    t,
    hangsUp(() => closed),
  );
  closed = true;
  target.connection.socket.destroy();
  await once(session, 'lost');
  const read = session.execute(0, { ...READ, dataIn: block() });
  const [waiting] = session.commandsUnderWay();
  assert.deepEqual([waiting?.cmdSN, waiting?.initiatorTaskTag], [undefined, 0xffff_ffff]);
  assert.ok(waiting !== undefined);
  await assert.rejects(session.abortTask(waiting), { code: 'ISCSI_USAGE', message: /not sent yet/ });
  closed = false;
  assert.equal((await read).status, 0);
});

test('sessions that do not come back are told as before', async (t) => {
  const states = listenTo<SessionStateMessage>(t, DIAGNOSTICS_CHANNELS.sessionState);
  const target = await RawTarget.listen(t, AT_ONCE);
  const session = await openSession(target.url());
  target.connection.socket.destroy();
  assert.equal((await session.closed)?.code, 'ISCSI_CONNECTION_LOST');
  await session.close();
  assert.deepEqual(
    states.map(({ state }) => state),
    ['connecting', 'open', 'lost'],
  );
});
