/** `iscsi-doctor` against each of the ways to fail that a user meets. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { openSession } from '../../src/index.ts';
import { createTarget, type TargetOptions } from '../../src/server/index.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { findBinary } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { type Cleanup, runProcess } from '../support/process.ts';
import { RawTarget } from '../support/raw-target.ts';
import { programOf, runTool } from './run-tool.ts';

const NAME = 'iqn.2003-01.org.example:disk';

async function serve(t: Cleanup, options: Partial<TargetOptions> = {}) {
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }], ...options }).listen({ port: 0 });
  t.after(() => target.close());
  return target;
}

/** The raw target does not tell what it offers: nobody needs to wait for it for long. */
const SOON = ['--connect-timeout', '2'];

interface Verdict {
  readonly code: number | null;
  /** The step that failed, and what to do. */
  readonly step: string;
  readonly advice: string;
  readonly stdout: string;
}

async function examine(url: string, ...args: readonly string[]): Promise<Verdict> {
  const { code, stdout } = await runTool('iscsi-doctor', [...args, url]);
  const step = /^(\w+) +FAILED/m.exec(stdout)?.[1] ?? '';
  const advice = /^ +do: +(.*)$/m.exec(stdout)?.[1] ?? '';
  return { code, step, advice, stdout };
}

test('a healthy target gets a line for each step, and what is unusual a note', async (t) => {
  const target = await serve(t, { luns: [{ memory: '1M', blockSize: 4096 }, { memory: '1M' }] });
  const { code, stdout } = await examine(target.url(0));
  assert.equal(code, 0);
  const steps = stdout.match(/^\w+(?= +(?:ok|FAILED|-) )/gm);
  assert.deepEqual(steps, [
    'resolve',
    'connect',
    'login',
    'settled',
    'targets',
    'luns',
    'unit',
    'capacity',
    'limits',
    'read',
    'distance',
  ]);
  assert.match(
    stdout,
    /note: +digests are off.*end the URL with \?header_digest=crc32c&data_digest=crc32c, all of it in quotes/,
  );
  assert.match(stdout, /note: +blocks of 4096 bytes, not 512; old boot loaders/);
  assert.match(stdout, /^it works; 2 things are unusual$/m);
});

test('what the target negotiates slowly is noted', async (t) => {
  const parameters = {
    initialR2T: true,
    immediateData: false,
    maxRecvDataSegmentLength: 8192,
    maxBurstLength: 16_384,
    firstBurstLength: 8192,
    headerDigest: 'crc32c',
    defaultTime2Wait: 5,
  } as const;
  const target = await serve(t, { parameters });
  const { code, stdout } = await examine(target.url(0));
  assert.equal(code, 0);
  for (const note of [
    'InitialR2T=Yes',
    'ImmediateData=No',
    'segments of 8 KiB',
    'MaxBurstLength is 16 KiB',
    'DefaultTime2Wait is 5 s',
  ]) {
    assert.match(stdout, new RegExp(`note: +.*${note}`), stdout);
  }
  assert.doesNotMatch(stdout, /digests are off/);
});

test('two logical units with one name are noted', async (t) => {
  const luns = [{ memory: '1M' }, { sameAs: { target: NAME, lun: 0 } }] as const;
  const target = await serve(t, {
    luns: [luns[0]],
    targets: [{ name: 'iqn.2003-01.org.example:two', luns: [luns[1], { sameAs: { target: NAME, lun: 0 } }] }],
  });
  const { stdout } = await examine(target.url(0, 'iqn.2003-01.org.example:two'));
  assert.match(stdout, /note: +LUN 0 and 1 call themselves alike \(naa\./);
});

test('a host name that nobody knows', async () => {
  const { code, step, advice } = await examine(`iscsi://no-such-host.invalid/${NAME}/0`);
  assert.deepEqual([code, step], [3, 'resolve']);
  assert.match(advice, /no-such-host\.invalid|name server/);
});

test('a port at which nobody listens', async () => {
  const port = await freePort();
  const { code, step, advice } = await examine(`iscsi://127.0.0.1:${port}/${NAME}/0`);
  assert.deepEqual([code, step], [3, 'connect']);
  assert.match(
    advice,
    new RegExp(`nothing listens at port ${port} of 127.0.0.1: start the target there, or correct the port`),
  );
});

test('a target name with a slip of the finger', async (t) => {
  const target = await serve(t);
  const { code, step, advice } = await examine(`iscsi://127.0.0.1:${target.port}/iqn.2003-01.org.example:dikc/0`);
  assert.deepEqual([code, step], [5, 'login']);
  assert.equal(advice, `did you mean ${NAME}? The portal offers ${NAME}`);
});

test('a target name that is quite another', async (t) => {
  const target = await serve(t);
  const { advice } = await examine(`iscsi://127.0.0.1:${target.port}/iqn.1999-01.com.other:something/0`);
  assert.equal(advice, `correct the target name: the portal offers ${NAME}`);
});

test('a LUN that there is not', async (t) => {
  const target = await serve(t);
  const { code, step, advice } = await examine(target.url(0).replace(/0$/, '7'));
  assert.deepEqual([code, step], [5, 'unit']);
  assert.match(advice, /^change the LUN at the end of the URL.*: it has LUN 0$/);
});

/** A target that answers every login with this status. */
function refusing(t: Cleanup, status: number): Promise<RawTarget> {
  return RawTarget.listen(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== 0x03) return false;
      const response = connection.voice.loginResponse(pdu, new Uint8Array(0));
      response[1] = 0x04;
      response[36] = status >> 8;
      response[37] = status & 0xff;
      connection.send(response);
      return true;
    },
  });
}

for (const [title, status, exitCode, expected] of [
  ['a secret that is wrong, or missing', 0x0201, 4, /the target wants a user name and a password/],
  [
    'an initiator name that is not allowed',
    0x0202,
    3,
    /allow the initiator iqn\.2026-11\.dev\.tsiscsi:initiator \(its access list\).*-i NAME/,
  ],
  ['a target that is full', 0x0302, 3, /no room for another session: log out one/],
  ['a target that is not in service', 0x0301, 3, /start it, or try again later/],
  ['too many connections', 0x0206, 3, /allows no further connection/],
  ['a target that was removed', 0x0204, 5, /correct the target name/],
  ['a login that is refused for a reason nobody knows', 0x02ff, 3, /do not repeat it unchanged/],
] as const) {
  test(title, async (t) => {
    const target = await refusing(t, status);
    const { code, step, advice, stdout } = await examine(target.url());
    assert.deepEqual([code, step], [exitCode, 'login'], stdout);
    assert.match(advice, expected);
  });
}

test('an algorithm that the target does not know, and a secret that is wrong, where both are given', async (t) => {
  for (const [status, code, expected] of [
    [0x0200, 3, /does not know the hash that was offered.*try auth=md5/],
    [0x0201, 4, /user name or password are not those of the target/],
  ] as const) {
    const target = await refusing(t, status);
    const url = target.url().replace('://', '://user%password-of-it@');
    const verdict = await examine(url);
    assert.deepEqual([verdict.code, verdict.step], [code, 'login'], verdict.stdout);
    assert.match(verdict.advice, expected);
  }
});

test('a target of ours that is full', async (t) => {
  const target = await serve(t, { limits: { connections: 1 } });
  await using session = await openSession(target.url(0));
  const { code, step, advice } = await examine(session.open ? target.url(0) : '');
  assert.deepEqual([code, step], [3, 'login']);
  assert.match(advice, /no room for another session/);
});

test('a digest that the two sides do not agree on', async (t) => {
  const target = await serve(t, { parameters: { headerDigest: 'crc32c' } });
  const { code, step, advice } = await examine(`${target.url(0)}?header_digest=none`);
  assert.deepEqual([code, step], [3, 'login']);
  assert.match(advice, /may not do with the digests that the URL asks for: leave header_digest and data_digest out/);
  const other = await serve(t, { parameters: { dataDigest: 'none' } });
  const verdict = await examine(`${other.url(0)}?data_digest=crc32c`);
  assert.deepEqual([verdict.code, verdict.step], [3, 'login']);
  assert.match(verdict.advice, /do not agree on a digest: leave header_digest and data_digest out of the URL/);
});

for (const [title, refusal, expected] of [
  [
    'a logical unit that is offline',
    [2, 0x04, 0x12],
    /bring the logical unit up at the target \(it says: logical unit not ready, offline\)/,
  ],
  ['a logical unit whose medium is damaged', [3, 0x11, 0], /storage behind the logical unit is damaged/],
  ['a pool that is full', [7, 0x27, 0x07], /the pool .* is full/],
] as const) {
  test(title, async (t) => {
    const disk = new RawDisk();
    for (let times = 0; times < 50; times++) disk.refusals.push(refusal);
    const target = await RawTarget.listen(t, { disk });
    const { code, step, advice, stdout } = await examine(target.url(), ...SOON);
    assert.deepEqual([code, step], [1, 'unit'], stdout);
    assert.match(advice, expected);
  });
}

test('a logical unit that somebody has reserved', async (t) => {
  const target = await RawTarget.listen(t, {
    onCommand: ({ cdb, tag }, connection) => {
      if (cdb[0] !== 0x28) return false;
      connection.respond(tag, 0x18);
      return true;
    },
  });
  const { code, step, advice } = await examine(target.url(), ...SOON);
  assert.deepEqual([code, step], [1, 'read']);
  assert.match(advice, /another initiator has reserved/);
});

/** A port at which something listens that is no target. */
async function listen(t: Cleanup, greet: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as { readonly port: number }).port;
}

test('another service behind the port', async (t) => {
  const port = await listen(t, (socket) => void socket.write(`220 mail.example ESMTP ${'x'.repeat(60)}\r\n`));
  const { code, step, advice } = await examine(`iscsi://127.0.0.1:${port}/${NAME}/0`);
  assert.deepEqual([code, step], [3, 'login']);
  assert.match(advice, /is it another service/);
});

test('something that cuts the connection at once', async (t) => {
  const port = await listen(t, (socket) => void socket.destroy());
  const { code, step, advice } = await examine(`iscsi://127.0.0.1:${port}/${NAME}/0`);
  assert.deepEqual([code, step], [3, 'login']);
  assert.match(advice, /something cuts the connection/);
});

test('a network that takes the connection and then swallows everything', async (t) => {
  const port = await listen(t, () => undefined);
  const { code, step, advice } = await examine(`iscsi://127.0.0.1:${port}/${NAME}/0`, '--connect-timeout', '0.5');
  assert.deepEqual([code, step], [3, 'login']);
  assert.match(advice, /takes the connection and then says nothing/);
});

/** Listens with room for one connection that waits, and never takes any: what follows gets no answer at all. */
const SWALLOWS = `
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    require('node:fs').writeSync(1, server.address().port + '\\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120000);
  });`;

test('a network that swallows the packets of the handshake', async (t) => {
  const child = spawn(process.execPath, ['-e', SWALLOWS], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line);
  const waiting = Array.from({ length: 8 }, () => connect({ host: '127.0.0.1', port }).on('error', () => undefined));
  t.after(() => {
    for (const socket of waiting) socket.destroy();
  });
  await once(waiting[0] as Socket, 'connect');
  const { code, step, advice, stdout } = await examine(`iscsi://127.0.0.1:${port}/${NAME}/0`, '--connect-timeout', '1');
  assert.deepEqual([code, step], [3, 'connect'], stdout);
  assert.match(advice, new RegExp(`nothing comes back from 127\\.0\\.0\\.1:${port}: a firewall drops the packets`));
});

test('--json has the steps, the advice and the error', async (t) => {
  const target = await serve(t);
  const good = JSON.parse((await runTool('iscsi-doctor', ['--json', target.url(0)])).stdout);
  assert.deepEqual([good.schemaVersion, good.healthy, good.steps.length], [1, true, 11]);
  assert.equal(good.steps[7].facts.size, 2 ** 20);
  const { code, stdout } = await runTool('iscsi-doctor', [
    '--json',
    target.url(0).replace('://', '://u%secret-word@').replace(/0$/, '9'),
  ]);
  const bad = JSON.parse(stdout);
  assert.equal(bad.healthy, false);
  assert.ok([4, 5].includes(code ?? 0));
  assert.ok(bad.error.code.startsWith('ISCSI_') && bad.steps.at(-1) !== undefined);
  assert.ok(!stdout.includes('secret-word'));
});

test('on a terminal lines are broken at its width; piped they are not', async (t) => {
  if (findBinary('script') === undefined) return t.skip('needs the Debian package bsdutils');
  const target = await serve(t);
  const command = `stty cols 60; ${process.execPath} ${programOf('iscsi-doctor')} ${target.url(0)}`;
  const { stdout } = await runProcess('script', ['-qec', command, '/dev/null'], { timeout: 60_000 });
  const lines = stdout.split('\r\n');
  assert.ok(lines.length > 15, stdout);
  for (const line of lines) assert.ok(line.length <= 60 || !line.trim().includes(' '), line);
  assert.ok(!stdout.includes('\x1b'), 'no escape codes');
  const piped = await examine(target.url(0));
  assert.ok(piped.stdout.split('\n').some((line) => line.length > 100));
});
