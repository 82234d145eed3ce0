/** Statistics, diagnostics channels and the log, over a real socket. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { connect, openSession } from '../../src/client/connect.ts';
import {
  type CommandEndMessage,
  type CommandStartMessage,
  DIAGNOSTICS_CHANNELS,
  type PduMessage,
  type SessionStateMessage,
} from '../../src/client/diagnostics.ts';
import { Log, type LogFields, type LogLevel } from '../../src/client/log.ts';
import { latencyPercentile } from '../../src/client/statistics.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { freePort } from '../support/ports.ts';
import { RawTarget } from '../support/raw-target.ts';
import { REPOSITORY } from '../support/repository.ts';

const READ_10 = 0x28;
const BUSY = 8;
const SECRET = 'correct-horse-battery';

async function disk(t: TestContext) {
  const target = await createTarget({ luns: [{ memory: '1M' }, { memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  return target;
}

/** Collects what comes over some channels until the test is over. */
function listenTo(t: TestContext, ...names: readonly string[]): { readonly name: string; readonly message: unknown }[] {
  const seen: { readonly name: string; readonly message: unknown }[] = [];
  for (const name of names) {
    const take = (message: unknown): void => void seen.push({ name, message });
    subscribe(name, take);
    t.after(() => unsubscribe(name, take));
  }
  return seen;
}

test('statistics count commands, bytes and times by kind, of a session and of each logical unit', async (t) => {
  const target = await disk(t);
  await using lun = await connect(target.url(0));
  const other = await lun.session.logicalUnit(1);
  const before = lun.statistics().commands;
  const [data, buffer] = [new Uint8Array(4096).fill(7), new Uint8Array(4096)];
  for (let at = 0; at < 10; at++) await lun.write(data, { position: at * 4096 });
  for (let at = 0; at < 25; at++) await lun.read(buffer, { position: 0 });
  await lun.flush();
  await other.read(buffer, { position: 0 });
  const { read, write, flush, other: rest } = lun.statistics().commands;
  assert.deepEqual([read.commands, read.failed, read.bytes], [25, 0, 25 * 4096]);
  assert.deepEqual([write.commands, write.failed, write.bytes], [10, 0, 10 * 4096]);
  assert.deepEqual([flush.commands, flush.bytes], [1, 0]);
  assert.deepEqual(rest, before.other);
  const { count, p50, p90, p99, max, mean, buckets } = read.latency;
  assert.equal(count, 25);
  assert.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= max && mean <= max, JSON.stringify(read.latency));
  assert.equal(
    buckets.reduce((sum, bucket) => sum + bucket.count, 0),
    25,
  );
  assert.equal(other.statistics().commands.read.commands, 1);
  const session = lun.session.statistics();
  assert.equal(session.commands.read.commands, 26);
  assert.deepEqual(JSON.parse(JSON.stringify(session)), session, 'a plain object');
});

test('a percentile is an upper bound: so many of a hundred took no longer', () => {
  const buckets = [
    { from: 1, to: 2, count: 50 },
    { from: 8, to: 9, count: 49 },
    { from: 96, to: 104, count: 1 },
  ];
  const latency = { count: 100, max: 100, buckets };
  assert.deepEqual(
    [0, 50, 51, 99, 99.5, 100].map((percent) => latencyPercentile(latency, percent)),
    [2, 2, 9, 9, 100, 100],
  );
  assert.equal(latencyPercentile({ count: 0, max: 0, buckets: [] }, 99), 0);
  for (const percent of [-1, 101, Number.NaN]) {
    assert.throws(() => latencyPercentile(latency, percent), { code: 'ISCSI_USAGE' });
  }
});

test('a command that is sent again because the device was busy is a retry', async (t) => {
  let busy = 2;
  const target = await RawTarget.listen(t, {
    onCommand: ({ cdb, tag }, connection) => {
      if (cdb[0] !== READ_10 || busy-- <= 0) return false;
      connection.respond(tag, BUSY);
      return true;
    },
  });
  await using lun = await connect(target.url());
  await lun.read(new Uint8Array(512), { position: 0 });
  const { retries, commands } = lun.statistics();
  assert.deepEqual([retries, commands.read.commands, commands.read.failed], [2, 3, 2]);
  assert.equal(lun.session.statistics().retries, 2);
});

test('channels tell the life of a session, and each command from its start to its end', async (t) => {
  const target = await disk(t);
  const { sessionState, commandStart, commandEnd } = DIAGNOSTICS_CHANNELS;
  const seen = listenTo(t, sessionState, commandStart, commandEnd);
  const lun = await connect(target.url(0));
  await lun.read(new Uint8Array(1024), { position: 512 });
  await lun.close();
  const states = seen.filter(({ name }) => name === sessionState).map(({ message }) => message as SessionStateMessage);
  assert.deepEqual(
    states.map(({ state }) => state),
    ['connecting', 'open', 'closed'],
  );
  assert.equal(new Set(states.map(({ sessionId }) => sessionId)).size, 1);
  assert.equal(states[1]?.targetPortal, `127.0.0.1:${target.port}`);
  const starts = seen.flatMap(({ name, message }) => (name === commandStart ? [message as CommandStartMessage] : []));
  const ends = seen.flatMap(({ name, message }) => (name === commandEnd ? [message as CommandEndMessage] : []));
  assert.deepEqual(
    ends.map(({ initiatorTaskTag }) => initiatorTaskTag).sort(),
    starts.map(({ initiatorTaskTag }) => initiatorTaskTag).sort(),
    'each start has its end',
  );
  const read = ends.find(({ kind }) => kind === 'read');
  assert.deepEqual(
    [read?.cdb[0], read?.lun, read?.dataInLength, read?.dataOutLength, read?.status, read?.error, read?.bytes],
    [READ_10, { high: 0, low: 0 }, 1024, 0, 0, undefined, 1024],
  );
  assert.ok((read?.duration ?? 0) > 0);
});

test('channels tell each PDU, both ways, by its header and without its data', async (t) => {
  const target = await disk(t);
  const { pduSent, pduReceived } = DIAGNOSTICS_CHANNELS;
  const seen = listenTo(t, pduSent, pduReceived);
  await (await openSession(target.url(0))).close();
  const pdus = seen.map(({ name, message }) => [name, (message as PduMessage).name]);
  assert.deepEqual(pdus, [
    [pduSent, 'Login Request'],
    [pduReceived, 'Login Response'],
    [pduSent, 'Logout Request'],
    [pduReceived, 'Logout Response'],
  ]);
  assert.ok(seen[0] !== undefined);
  const { header, opcode, dataSegmentLength } = seen[0].message as PduMessage;
  assert.deepEqual([header.length, header[0], opcode], [48, 0x43, 0x03]);
  assert.ok(dataSegmentLength > 50, 'what was said is not in it, how long it was is');
});

test('whoever subscribes in the middle hears of what begins next, and of nothing after unsubscribing', async (t) => {
  const target = await disk(t);
  await using lun = await connect(target.url(0));
  const seen: unknown[] = [];
  const take = (message: unknown): void => void seen.push(message);
  subscribe(DIAGNOSTICS_CHANNELS.commandStart, take);
  await lun.read(new Uint8Array(512), { position: 0 });
  unsubscribe(DIAGNOSTICS_CHANNELS.commandStart, take);
  await lun.read(new Uint8Array(512), { position: 0 });
  assert.equal(seen.length, 1);
});

test('a session that is lost, and one that cannot be had, are told with their error', async (t) => {
  const seen = listenTo(t, DIAGNOSTICS_CHANNELS.sessionState);
  const raw = await RawTarget.listen(t);
  const session = await openSession(raw.url());
  raw.connection.socket.destroy();
  await session.closed;
  await assert.rejects(openSession(raw.url().replace(`${raw.port}`, `${await freePort()}`)));
  const states = seen.map(({ message }) => message as SessionStateMessage);
  assert.deepEqual(
    states.map(({ state, error }) => [state, error?.code]),
    [
      ['connecting', undefined],
      ['open', undefined],
      ['lost', 'ISCSI_CONNECTION_LOST'],
      ['connecting', undefined],
      ['failed', 'ISCSI_REFUSED'],
    ],
  );
});

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

async function logged(t: TestContext, logLevel: LogLevel | undefined): Promise<readonly Line[]> {
  const target = await disk(t);
  const lines: Line[] = [];
  const log = (level: LogLevel, message: string, fields: LogFields): void =>
    void lines.push({ level, message, fields });
  const portals = [{ host: '127.0.0.1', port: target.port }];
  const url = target.url(0).replace(`:${target.port}`, `:${await freePort()}`);
  const lun = await connect(url, { portals, log, ...(logLevel === undefined ? {} : { logLevel }) });
  await lun.execute(Uint8Array.of(0xff, 0, 0, 0, 0, 0));
  await lun.close();
  return lines;
}

test('the log hook is told as much as its level says, each level with all before it', async (t) => {
  const messages = async (level?: LogLevel): Promise<readonly string[]> =>
    (await logged(t, level)).map(({ level: of, message }) => `${of}: ${message}`);
  assert.deepEqual(await messages('error'), []);
  assert.deepEqual(await messages('info'), ['info: session open', 'info: session closed']);
  const debug = await messages();
  assert.ok(debug.includes('debug: address failed') && debug.includes('debug: session connecting'), debug.join());
  assert.ok(debug.includes('debug: command failed') && !debug.some((line) => line.startsWith('trace')));
  const trace = await messages('trace');
  for (const line of ['trace: command', 'trace: command done', 'trace: PDU sent', 'trace: PDU received']) {
    assert.ok(trace.includes(line), line);
  }
});

test('fields say where and what', async (t) => {
  const lines = await logged(t, 'debug');
  const failed = lines.find(({ message }) => message === 'address failed');
  assert.equal(failed?.fields['reason'], 'connection refused');
  const open = lines.find(({ message }) => message === 'session open');
  assert.match(String(open?.fields['targetPortal']), /^127\.0\.0\.1:\d+$/);
  assert.equal(open?.fields['headerDigest'], false);
  const command = lines.findLast(({ message }) => message === 'command failed');
  assert.deepEqual([command?.fields['lun'], command?.fields['status']], ['0', 2]);
});

test('no secret is in what the log, the channels and the statistics tell', async (t) => {
  const seen = listenTo(t, ...Object.values(DIAGNOSTICS_CHANNELS));
  const target = await disk(t);
  const lines: unknown[] = [];
  const log = (...line: readonly unknown[]): void => void lines.push(line);
  const url = target.url(0).replace('iscsi://', `iscsi://someone%${SECRET}@`);
  const lun = await connect(url, { log, logLevel: 'trace' }).catch(() => undefined);
  const statistics = lun?.session.statistics();
  await lun?.close();
  assert.ok(lines.length > 0 && seen.length > 0);
  const text = JSON.stringify([lines, seen.map(({ message }) => message), statistics], (_, value: unknown) =>
    value instanceof Uint8Array
      ? Buffer.from(value).toString('latin1')
      : value instanceof Error
        ? String(value.stack)
        : value,
  );
  assert.ok(!text.includes(SECRET));
});

test('a log hook that throws is an uncaught exception, and the session goes on', async (t) => {
  const target = await disk(t);
  const thrown = new Error('the log is full');
  const uncaught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  const log = (): void => {
    throw thrown;
  };
  const lun = await connect(target.url(0), { log, logLevel: 'info' });
  await lun.read(new Uint8Array(512), { position: 0 });
  await lun.close();
  assert.ok(uncaught.length > 0 && uncaught.every((error) => error === thrown));
});

test('log and logLevel are checked', async () => {
  const options = { logLevel: 'all' as LogLevel };
  await assert.rejects(openSession('iscsi://127.0.0.1/iqn.2003-01.org.example:a', options), { code: 'ISCSI_USAGE' });
});

test('a log without a hook, and without NODE_DEBUG, hears nothing', () => {
  const log = new Log(undefined);
  assert.equal(log.hears('error'), false);
  log.write('error', 'nobody is told');
});

test('NODE_DEBUG=tsiscsi shows what happens on standard error, with levels', async (t) => {
  const target = await disk(t);
  const script = `
    import { connect } from ${JSON.stringify(join(REPOSITORY, 'dist/src/index.js'))};
    const lun = await connect(${JSON.stringify(target.url(0))});
    await lun.read(new Uint8Array(512), { position: 0 });
    await lun.close();
  `;
  const run = async (sections: string): Promise<string> => {
    const env = { ...process.env, NODE_DEBUG: sections };
    return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })).stderr;
  };
  const info = await run('tsiscsi');
  assert.match(info, /TSISCSI \d+: info: session open \(session: 1, targetName: 'iqn/);
  assert.doesNotMatch(info, /debug|trace/);
  assert.match(await run('tsiscsi:debug'), /debug: session connecting/);
  assert.match(await run('tsiscsi*'), /trace: PDU sent/);
  assert.equal(await run(''), '');
});
