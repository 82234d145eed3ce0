/** The thread behind the synchronous face: how it starts, ends, and dies. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { IscsiError } from '../../src/errors.ts';
import { Bridge } from '../../src/sync/bridge.ts';
import { connectSync, discoverSync } from '../../src/sync/index.ts';
import { startTarget } from '../cli/run-tool.ts';
import { PATIENCE, until } from '../support/loop-time.ts';
import { type Completed, type RunningProcess, runProcess, startProcess } from '../support/process.ts';
import { REPOSITORY } from '../support/repository.ts';

const SYNC = pathToFileURL(join(REPOSITORY, 'dist/src/sync/index.js')).href;

async function serve(t: TestContext): Promise<string> {
  const { urls } = await startTarget(t, ['--memory', '1M']);
  return urls[0] ?? '';
}

/** Runs a program to its end. */
function run(program: string, ...flags: readonly string[]): Promise<Completed> {
  const text = `import { connectSync, discoverSync, openSessionSync } from '${SYNC}';\n${program}`;
  return runProcess(process.execPath, [...flags, '--input-type=module', '-e', text], { timeout: PATIENCE });
}

function assertEnded({ code, stdout, stderr, timedOut }: Completed, wanted: string): void {
  assert.deepEqual({ code, stdout, stderr, timedOut }, { code: 0, stdout: wanted, stderr: '', timedOut: false });
}

function startProgram(t: TestContext, program: string): RunningProcess {
  const text = `import { connectSync } from '${SYNC}';\n${program}`;
  return startProcess(t, process.execPath, ['--input-type=module', '-e', text]);
}

/** A server that accepts connections and says nothing. */
async function silentServer(t: TestContext): Promise<AddressInfo> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address() as AddressInfo;
}

/** Threads of this process. */
function threads(): number {
  return readdirSync('/proc/self/task').length;
}

test('a program that has closed everything ends, and so does one that forgot to', async (t) => {
  const url = await serve(t);
  assertEnded(await run(`const lun = connectSync('${url}'); console.log(lun.size); lun.closeSync();`), '1048576\n');
  assertEnded(await run(`const lun = connectSync('${url}'); console.log(lun.size);`), '1048576\n');
  assertEnded(
    await run(`const s = openSessionSync('${url}'); setTimeout(() => console.log(s.reportLunsSync().length), 50);`),
    '1\n',
  );
});

test('a program that fails while a connection is open ends with its error', async (t) => {
  const url = await serve(t);
  const { code, stderr, timedOut } = await run(`connectSync('${url}').readSync(Buffer.alloc(1), { position: -1 });`);
  assert.deepEqual([code, timedOut], [1, false]);
  assert.match(stderr, /Cannot use position -1/);
});

test('a program that ends itself while a connection is open ends with its own code', async (t) => {
  const url = await serve(t);
  assert.equal((await run(`connectSync('${url}'); process.exit(3);`)).code, 3);
});

test('a signal ends a program in the middle of a call, unless it has a handler: that runs when the call is over', async (t) => {
  const { port } = await silentServer(t);
  const url = `iscsi://127.0.0.1:${port}/iqn.2003-01.org.example:silent/0`;
  const start = (handler: string, connectTimeout: number): RunningProcess =>
    startProgram(
      t,
      `import { writeSync } from 'node:fs';
      ${handler}
      writeSync(1, 'begins\\n');
      try {
        connectSync('${url}', { connectTimeout: ${connectTimeout} });
      } catch ({ code }) {
        writeSync(1, code + '\\n');
      }
      setTimeout(() => {}, 100);`,
    );
  const plain = start('', 10 * PATIENCE);
  const handling = start("process.on('SIGTERM', () => writeSync(1, 'handled\\n'));", 3000);
  for (const program of [plain, handling]) {
    await program.waitFor('stdout', /begins/);
    program.signal('SIGTERM');
  }
  assert.deepEqual(await plain.exited, { code: null, signal: 'SIGTERM' });
  assert.deepEqual(await handling.exited, { code: 0, signal: null });
  assert.equal(handling.stdout, 'begins\nISCSI_TIMEOUT\nhandled\n');
});

test('with the last connection the thread ends, and the next one begins a new one', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const url = await serve(t);
  discoverSync(/^iscsi:\/\/[^/]+/.exec(url)?.[0] ?? ''); // whatever Node itself starts at the first time
  await until(() => true);
  const before = threads();
  for (let round = 0; round < 3; round++) {
    const [one, other] = [connectSync(url), connectSync(url)];
    assert.ok(threads() <= before + 1, 'one thread for both');
    one.closeSync();
    other.readSync(new Uint8Array(5), { position: 0 });
    other.closeSync();
    assert.throws(() => connectSync('iscsi://'), { code: 'ISCSI_URL' });
    await until(() => threads() < before + 1, 'the end of the thread');
  }
});

test('it serves a thread of the program like the program itself', async (t) => {
  const url = await serve(t);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.sync).then(({ connectSync }) => {
      const lun = connectSync(workerData.url);
      lun.writeSync(Buffer.from('thread'), { position: 5 });
      parentPort.postMessage(lun.readSync(Buffer.alloc(6), { position: 5 }).buffer.toString());
    });`;
  const worker = new Worker(program, { eval: true, workerData: { sync: SYNC, url } });
  const told = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  assert.equal(told, 'thread');
  await new Promise((resolve) => worker.once('exit', resolve));
});

/** A program instead of the thread's own: it imports the real channel. */
async function bridgeTo(t: TestContext, body: string, patience?: number): Promise<Bridge> {
  const directory = await mkdtemp(join(REPOSITORY, 'dist/thread-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'thread.mjs');
  const channel = pathToFileURL(join(REPOSITORY, 'dist/src/sync/channel.js')).href;
  const start = `import { parentPort, workerData } from 'node:worker_threads'; import { Channel } from '${channel}';
    const channel = new Channel(workerData.shared); process.once('exit', () => channel.end());\n`;
  await writeFile(file, start + body);
  return new Bridge(pathToFileURL(file), patience);
}

const DEATHS: readonly (readonly [string, string, RegExp])[] = [
  ['ends', "parentPort.on('message', () => process.exit(5));", /the thread of the connection has ended$/],
  [
    'fails',
    "parentPort.on('message', () => { throw new Error('a fault'); });",
    /the thread of the connection has ended$/,
  ],
  ['stands still', "parentPort.on('message', () => { for (;;); });", /has given no sign of life for 2 seconds$/],
  ['never answers', "parentPort.on('message', () => undefined);", /has given no sign of life for 2 seconds$/],
];

for (const [what, body, message] of DEATHS) {
  test(`a call to a thread that ${what} fails, and so do all further ones, at once`, async (t) => {
    const bridge = await bridgeTo(t, body, 2);
    const call = () => bridge.call(call, 'isOpen', 1);
    assert.throws(call, (error) => {
      assert.ok(error instanceof IscsiError && message.test(error.message), String(error));
      return error.code === 'ISCSI_CONNECTION_LOST' && error.commandSent === true && error.hint !== undefined;
    });
    assert.equal(bridge.usable, false);
    const started = performance.now();
    for (let again = 0; again < 100; again++) assert.throws(call, { code: 'ISCSI_CLOSED', commandSent: false });
    assert.throws(() => bridge.transfer(call, 1, 1, new Uint8Array(5), 0), { code: 'ISCSI_CLOSED' });
    assert.ok(performance.now() - started < 1000);
    bridge.end();
  });
}

test('a thread whose program was left behind, as by a bundler, is an error at once', () => {
  assert.throws(
    () => new Bridge(new URL('file:///nowhere/thread.js')),
    (error) => {
      assert.ok(error instanceof IscsiError && error.code === 'ISCSI_USAGE');
      return /file:\/\/\/nowhere\/thread\.js is not there/.test(error.message) && error.hint !== undefined;
    },
  );
});

test('a slow answer is waited for as long as the thread is alive', async (t) => {
  const body = `parentPort.on('message', () => {
    const alive = setInterval(() => channel.beat(), 200);
    setTimeout(() => { clearInterval(alive); channel.answer(0, 42); }, 4500);
  });`;
  const bridge = await bridgeTo(t, body, 2);
  assert.equal(bridge.transfer(bridgeTo, 1, 1, new Uint8Array(5), 0), 42);
  bridge.end();
});
