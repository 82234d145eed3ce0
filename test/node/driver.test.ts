/** The driver between a core that only takes notes and a real socket on the loopback interface. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../src/node/clock.ts';
import { type ConnectionCore, Driver } from '../../src/node/driver.ts';
import { assertNoHandlesLeft } from '../client/handles.ts';
import { loopTime, PATIENCE, until } from '../support/loop-time.ts';
import { freePort } from '../support/ports.ts';
import { watchPolls } from './polls.ts';

/** A core that does what it is told and writes down what it is told. */
class NoteTaker implements ConnectionCore {
  received = '';
  reads = 0;
  drains = 0;
  landed = 0;
  readonly ticks: number[] = [];
  readonly ends: (Error | undefined)[] = [];
  wantsData = true;
  finished = false;
  deadline = Number.POSITIVE_INFINITY;
  toSend: Uint8Array[] = [];
  onReceive: () => void = () => undefined;
  onTick: () => void = () => undefined;

  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    assert.equal(view.byteOffset, bytes.byteOffset, 'the view sees the same memory');
    this.reads++;
    this.received += Buffer.from(bytes.subarray(from, to)).toString('latin1');
    this.onReceive();
  }

  drain(): readonly Uint8Array[] {
    const chunks = this.toSend;
    this.toSend = [];
    if (chunks.length > 0) this.drains++;
    return chunks;
  }

  flushed(): void {
    this.landed++;
  }

  tick(time: number): void {
    this.ticks.push(time);
    this.deadline = Number.POSITIVE_INFINITY;
    this.onTick();
  }

  nextDeadline(): number {
    return this.deadline;
  }

  ended(error?: Error): void {
    this.ends.push(error);
  }
}

interface Peer {
  readonly server: Server;
  readonly port: number;
  readonly socket: Promise<Socket>;
}

async function listen(t: TestContext, allowHalfOpen = false): Promise<Peer> {
  let take: (socket: Socket) => void = () => undefined;
  const socket = new Promise<Socket>((resolve) => {
    take = resolve;
  });
  const server = createServer({ allowHalfOpen }, (accepted) => {
    accepted.on('error', () => undefined);
    take(accepted);
    t.after(() => accepted.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, socket };
}

/** A driver that is connected to a peer. */
async function connected(t: TestContext, allowHalfOpen = false) {
  const { port, socket } = await listen(t, allowHalfOpen);
  const core = new NoteTaker();
  let closes = 0;
  const driver = new Driver(core, () => closes++);
  await new Promise<void>((resolve, reject) => driver.connect({ host: '127.0.0.1', port }, resolve, reject));
  t.after(() => driver.destroy());
  const peer = await socket;
  return { core, driver, peer, closes: () => closes };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

test('everything that the core has for one turn leaves in one drain, in order', async (t) => {
  const { core, driver, peer } = await connected(t);
  let got = '';
  peer.on('data', (chunk) => (got += chunk.toString('latin1')));
  for (let word = 0; word < 100; word++) {
    core.toSend.push(bytes(`${word},`));
    driver.wake();
  }
  await Promise.resolve().then(() => {
    core.toSend.push(bytes('from a promise reaction,'));
    driver.wake();
  });
  await until(() => got.endsWith('reaction,'));
  assert.equal(got, `${Array.from({ length: 100 }, (_, word) => `${word},`).join('')}from a promise reaction,`);
  assert.ok(core.drains <= 2, `${core.drains} drains`);
  await until(() => core.landed === core.drains);
});

test('flushed() comes once for each hand-over, when its bytes are with the system', async (t) => {
  const { core, driver, peer } = await connected(t);
  peer.pause();
  for (let turn = 0; turn < 20; turn++) {
    core.toSend = [new Uint8Array(1_000_000), new Uint8Array(10)];
    driver.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(core.drains, 20);
  assert.ok(core.landed < 20, 'the peer does not read');
  peer.resume();
  await until(() => core.landed === 20);
});

test('what comes is given to the core, whole and in order', async (t) => {
  const { core, peer } = await connected(t);
  const long = 'abcdefghij'.repeat(100_000);
  peer.write(long);
  await until(() => core.received.length === long.length);
  assert.equal(core.received, long);
  assert.ok(core.reads >= 2);
});

test('long data that comes fast keeps the event loop awake for its next piece, short data and small pieces do not', async (t) => {
  const polling = watchPolls(t);
  for (const [shortRead, length, polls] of [
    [1024, 32 * 1024, true],
    [1024, 4096, false],
    [0, 32 * 1024, false],
  ] as const) {
    const { port, socket } = await listen(t);
    const room = new Uint8Array(length);
    const core = Object.assign(new NoteTaker(), { shortRead, directRoom: () => room, placed: () => undefined });
    const placed = new Promise<void>((resolve) => {
      core.placed = () => void resolve();
    });
    const driver = new Driver(core, () => undefined, 60_000_000);
    await new Promise<void>((resolve, reject) => driver.connect({ host: '127.0.0.1', port }, resolve, reject));
    t.after(() => driver.destroy());
    (await socket).write(new Uint8Array(length));
    await placed;
    await nextTurn();
    assert.equal(polling(), polls, `${length} bytes, ${shortRead}`);
    driver.destroy();
    await once(await socket, 'close');
  }
});

test('a core that wants no data gets none until it does', async (t) => {
  const { core, driver, peer } = await connected(t);
  core.wantsData = false;
  driver.wake();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => peer.write('hold this', resolve));
  await sleep(5); // nothing says that it does not come
  assert.equal(core.received, '');
  core.wantsData = true;
  driver.wake();
  await until(() => core.received === 'hold this');
});

test('tick() comes at the deadline, not before, and a nearer deadline is noticed', async (t) => {
  const { core, driver } = await connected(t);
  core.deadline = now() + 60_000;
  driver.wake();
  await new Promise((resolve) => setImmediate(resolve));
  const wanted = now() + 40;
  core.deadline = wanted;
  driver.wake();
  await until(() => core.ticks.length === 1);
  const [at = 0] = core.ticks;
  assert.ok(at >= wanted - 1 && at < wanted + PATIENCE, `${at - wanted} ms off`);
});

test('a deadline that moves away is served by the same timer and still kept', async (t) => {
  const { core, driver } = await connected(t);
  core.deadline = now() + 20;
  driver.wake();
  await new Promise((resolve) => setImmediate(resolve));
  const later = now() + 60;
  core.deadline = later;
  core.onTick = () => {
    if (core.ticks.length === 1) core.deadline = later; // too early: nothing was due
  };
  driver.wake();
  await until(() => core.ticks.length === 2);
  assert.ok((core.ticks[1] ?? 0) >= later - 1);
});

test('a deadline weeks away does not fire at once', async (t) => {
  const { core, driver } = await connected(t);
  core.deadline = now() + 2 ** 40;
  driver.wake();
  await sleep(5); // behind a timer that is too long for Node.js, which would take it for one of 1 ms
  assert.deepEqual(core.ticks, []);
});

test('the end of the connection is told once, and that all is closed once', async (t) => {
  for (const end of ['end', 'reset', 'destroy'] as const) {
    const { core, driver, peer, closes } = await connected(t);
    core.deadline = now() + 1e6;
    driver.wake();
    await new Promise((resolve) => setImmediate(resolve));
    if (end === 'end') peer.end('last words');
    else if (end === 'reset') peer.resetAndDestroy();
    else driver.destroy();
    await until(() => closes() === 1);
    await sleep(5); // nothing says that no more is told
    assert.equal(core.ends.length, 1, end);
    assert.equal(closes(), 1);
    if (end === 'end') assert.equal(core.received, 'last words');
    if (end === 'reset') assert.match(String(core.ends[0]), /ECONNRESET/);
    driver.wake(); // whoever is late does no harm
    driver.destroy();
  }
});

test('a finished core: what is left is sent, then the connection is ended', async (t) => {
  const { core, driver, peer, closes } = await connected(t);
  let got = 0;
  peer.on('data', (chunk) => {
    got += chunk.length;
  });
  await assertNoHandlesLeft(async () => {
    core.toSend = [new Uint8Array(3_000_000)];
    core.finished = true;
    driver.wake();
    await until(() => closes() === 1);
  });
  assert.equal(got, 3_000_000);
});

test('a peer that does not end its side is given two seconds', async (t) => {
  const { core, driver, peer, closes } = await connected(t, true);
  peer.resume();
  core.finished = true;
  const [started, passed] = [performance.now(), loopTime()];
  driver.wake();
  await until(() => closes() === 1);
  const took = performance.now() - started;
  assert.ok(took > 1900 && passed() < 3000, `${took} ms`);
});

test('a connection that cannot be had is told to the caller, and the core hears nothing of it', async () => {
  const port = await freePort();
  await assertNoHandlesLeft(async () => {
    const core = new NoteTaker();
    const driver = new Driver(core);
    const error = await new Promise<Error>((resolve, reject) =>
      driver.connect({ host: '127.0.0.1', port }, () => reject(new Error('connected')), resolve),
    );
    assert.match(String(error), /ECONNREFUSED/);
    assert.deepEqual([core.ends, core.reads], [[], 0]);
    driver.wake();
    driver.destroy();
  });
});

test('a core that finishes before the connection stands leaves nothing behind', async (t) => {
  const { port } = await listen(t);
  await assertNoHandlesLeft(async () => {
    const core = new NoteTaker();
    const driver = new Driver(core);
    let told = 0;
    driver.connect(
      { host: '127.0.0.1', port },
      () => told++,
      () => told++,
    );
    core.finished = true;
    driver.wake();
    await sleep(5); // nothing says that nobody is told
    assert.equal(told, 0);
  });
});

test('attach() takes a socket that is connected already', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = new NoteTaker();
  const clientDriver = new Driver(client);
  await new Promise<void>((resolve, reject) => clientDriver.connect({ host: '127.0.0.1', port }, resolve, reject));
  const core = new NoteTaker();
  const driver = new Driver(core);
  driver.attach(await accepted);
  client.toSend = [bytes('to the target')];
  clientDriver.wake();
  await until(() => core.received === 'to the target');
  core.toSend = [bytes('and '), bytes('back')];
  driver.wake();
  await until(() => client.received === 'and back');
  clientDriver.destroy();
  await until(() => core.ends.length === 1);
});
