import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { discover } from '../../src/client/discover.ts';
import { IscsiError } from '../../src/errors.ts';
import { createTarget, type Target, type TargetOptions } from '../../src/server/index.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { iscsiInq, iscsiLs, qemuIo } from '../support/libiscsi-tools.ts';
import { until } from '../support/loop-time.ts';
import { requirePeer } from '../support/peers.ts';
import type { Cleanup } from '../support/process.ts';
import { textOf } from '../support/speaker/data.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { FakeDevice } from '../target/fake-device.ts';
import { RawInitiator } from '../target/raw-initiator.ts';

const NAME = 'iqn.2003-01.org.example:disk';

async function listening(t: Cleanup, options: TargetOptions, host?: string): Promise<Target> {
  const target = await createTarget({ name: NAME, ...options }).listen({
    port: 0,
    ...(host === undefined ? {} : { host }),
  });
  t.after(() => target.close());
  return target;
}

async function connected(target: Target): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: target.port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** What keeps the process alive besides standard streams and the test runner's own. */
function resources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout|FSReq|FileHandle)/.test(name));
}

test('libiscsi finds the target by discovery, and its logical units', async (t) => {
  if (!requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const target = await listening(t, { luns: [{ memory: '16M' }, { memory: '1GiB', lun: 7 }] });
  const { stdout } = await iscsiLs(['-s', `iscsi://127.0.0.1:${target.port}`]);
  assert.deepEqual(stdout.trim().split('\n'), [
    `Target:${NAME} Portal:127.0.0.1:${target.port},1`,
    'Lun:0    Type:DIRECT_ACCESS (Size:15M)', // the tool takes the last LBA for the number of blocks
    'Lun:7    Type:DIRECT_ACCESS (Size:1023M)',
  ]);
});

test('discovery tells the portals that it is told to tell, and no others', async (t) => {
  const portals = [{ host: 'storage.example', port: 4000 }, { host: '2001:db8::1' }, { host: '192.0.2.7' }];
  const target = await listening(t, { luns: [{ memory: '1M' }], portals });
  const found: (readonly [string, number])[] = [];
  for await (const one of discover(`iscsi://127.0.0.1:${target.port}`)) {
    for (const { host, port } of one.portals) found.push([host, port]);
  }
  assert.deepEqual(found, [
    ['storage.example', 4000],
    ['2001:db8::1', target.port],
    ['192.0.2.7', target.port],
  ]);
  if (!requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const { stdout } = await iscsiLs([`iscsi://127.0.0.1:${target.port}`]);
  assert.match(stdout, new RegExp(`Target:${NAME} Portal:storage.example:4000,1`));
});

test('a list of targets that needs several PDUs is understood by libiscsi', async (t) => {
  if (!requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const targets = Array.from({ length: 600 }, (_, n) => ({ name: `${NAME}-with-a-rather-long-name-${n}`, luns: [] }));
  const target = await listening(t, { targets });
  const { stdout } = await iscsiLs([`iscsi://127.0.0.1:${target.port}`]);
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]?.slice('Target:'.length));
  assert.deepEqual(names.sort(), targets.map(({ name }) => name).sort());
});

test('what is written is there when the target has been closed and opened again, under the same serial number', async (t) => {
  if (!requirePeer(t, 'qemu-io', 'qemu-utils') || !requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const file = join(await temporaryDirectory(t), 'disk.img');
  const luns = [{ file, size: '1M' }];
  const first = await listening(t, { luns });
  const serial = (await iscsiInq(['-e', '1', '-c', '128', first.url()])).stdout;
  assert.match(serial, /Unit Serial Number:\[?[0-9a-f]{16}/);
  const written = await qemuIo(['-f', 'raw', '-c', 'write -P 0x5a 4096 8192', first.url()]);
  assert.equal(written.code, 0, written.stderr);
  await first.close();
  const content = await readFile(file);
  assert.equal(content.length, 1024 * 1024);
  assert.ok(content.subarray(4096, 12_288).every((byte) => byte === 0x5a));

  const second = await listening(t, { luns });
  assert.equal((await iscsiInq(['-e', '1', '-c', '128', second.url()])).stdout, serial);
  const read = await qemuIo(['-f', 'raw', '-r', '-c', 'read -P 0x5a 4096 8192', second.url()]);
  assert.equal(read.code, 0, read.stderr);
});

test('a logical unit of two targets is one disk: what is written through one is read through the other, under one serial number', async (t) => {
  if (!requirePeer(t, 'qemu-io', 'qemu-utils') || !requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const file = join(await temporaryDirectory(t), 'disk.img');
  const other = `${NAME}-2`;
  const target = await listening(t, {
    targets: [
      { name: other, luns: [{ memory: '1M' }, { sameAs: { target: NAME.toUpperCase(), lun: 5 } }] },
      { name: NAME, luns: [{ lun: 5, file, size: '1M' }] },
    ],
  });
  const serials = [target.url(5, NAME), target.url(1, other)].map((url) => iscsiInq(['-e', '1', '-c', '128', url]));
  const [first, second] = await Promise.all(serials);
  assert.match(first?.stdout ?? '', /Unit Serial Number:\[?[0-9a-f]{16}/);
  assert.equal(second?.stdout, first?.stdout);
  const written = await qemuIo(['-f', 'raw', '-c', 'write -P 0x6b 4096 8192', target.url(5, NAME)]);
  assert.equal(written.code, 0, written.stderr);
  const read = await qemuIo(['-f', 'raw', '-r', '-c', 'read -P 0x6b 4096 8192', target.url(1, other)]);
  assert.equal(read.code, 0, read.stderr + read.stdout);
  await target.close();
  assert.ok(
    (await readFile(file)).subarray(4096, 12_288).every((byte) => byte === 0x6b),
    'closed once, and whole',
  );
});

test('busyPoll reaches the listener: with 0 the loop is never kept awake, otherwise it is after an answer', async (t) => {
  const planned = t.mock.method(globalThis, 'setImmediate');
  for (const [busyPoll, polls] of [
    [0, false],
    [200, true],
  ] as const) {
    const target = await listening(t, { luns: [{ memory: '1M' }], busyPoll });
    const socket = await connected(target);
    const script = new RawInitiator(new TargetNode({ targets: [{ name: NAME, device: new FakeDevice() }] }));
    const text = textOf({ InitiatorName: 'iqn.2003-01.org.example:host', TargetName: NAME });
    planned.mock.resetCalls();
    socket.write(script.encode(script.loginRequest(0x87, text)));
    await once(socket, 'data');
    const callbacks = planned.mock.calls.map(({ arguments: [callback] }) => callback.name);
    assert.equal(callbacks.includes('#poll'), polls, `busyPoll ${busyPoll}: ${callbacks}`);
    socket.destroy();
    await target.close();
  }
});

test('url() and portals tell the real port, IPv6 in brackets, and an address that can be reached', async (t) => {
  const target = await listening(t, { luns: [{ memory: '1M' }], targets: [{ name: `${NAME}-2`, luns: [] }] }, '::');
  assert.equal(target.url(), `iscsi://[::1]:${target.port}/${NAME}/0`);
  assert.equal(target.url(5, `${NAME}-2`), `iscsi://[::1]:${target.port}/${NAME}-2/5`);
  assert.throws(() => target.url(0, 'iqn.2003-01.org.example:none'), IscsiError);
  assert.deepEqual(target.portals, [{ host: '::', port: target.port }]);
  await target.listen({ host: '127.0.0.1', port: 0 });
  assert.equal(target.portals.length, 2);
});

test('a target that does not listen has no URL, and one that is closed does not listen', async () => {
  const target = createTarget({ luns: [{ memory: '1M' }] });
  assert.throws(() => target.url(), IscsiError);
  assert.deepEqual([target.portals, target.sessions], [[], []]);
  await target.close();
  await assert.rejects(
    target.listen({ port: 0 }),
    (error) => error instanceof IscsiError && error.code === 'ISCSI_CLOSED',
  );
});

test('close() leaves no socket, timer or file, even with a login half done, and can be called twice', async (t) => {
  const file = join(await temporaryDirectory(t), 'disk.img');
  await writeFile(file, new Uint8Array(4096));
  const target = await createTarget({ name: NAME, luns: [{ file }, { memory: '1M' }] }).listen({ port: 0 });
  const { port } = target;
  const socket = await connected(target);
  const closed = once(socket, 'close');
  socket.resume();
  await Promise.all([target.close(), target.close()]);
  await closed;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(resources(), []);
  await assert.rejects(once(connect({ host: '127.0.0.1', port }), 'connect'), { code: 'ECONNREFUSED' });
});

test('an aborted signal closes the target, or keeps it from listening', async () => {
  const abort = new AbortController();
  const target = await createTarget({ luns: [{ memory: '1M' }] }).listen({ port: 0, signal: abort.signal });
  const socket = await connected(target);
  socket.resume();
  abort.abort();
  await once(socket, 'close');
  await target.close();
  await assert.rejects(
    createTarget({ luns: [{ memory: '1M' }] }).listen({ port: 0, signal: abort.signal }),
    IscsiError,
  );
});

test('listen() fails as the operating system or the store does, and can be tried again', async (t) => {
  const taken = await listening(t, { luns: [{ memory: '1M' }] });
  const file = join(await temporaryDirectory(t), 'missing.img');
  const target = createTarget({ name: NAME, luns: [{ memory: '1M' }, { file, size: '4K', create: false }] });
  t.after(() => target.close());
  await assert.rejects(target.listen({ port: 0 }), (error: NodeJS.ErrnoException) => error.code === 'ENOENT');
  await writeFile(file, new Uint8Array(4096));
  await assert.rejects(
    target.listen({ port: taken.port }),
    (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE',
  );
  await target.listen({ port: 0 });
  assert.notEqual(target.port, taken.port);
});

test('a listen() that fails leaves no image file that it has made, and every other as it was', async (t) => {
  const taken = await listening(t, { luns: [{ memory: '1M' }] });
  const directory = await temporaryDirectory(t);
  const [made, there] = [join(directory, 'made.img'), join(directory, 'there.img')];
  await writeFile(there, new Uint8Array(4096).fill(7));
  const isInUse = (error: NodeJS.ErrnoException) => error.code === 'EADDRINUSE';
  const luns = [{ file: made, size: '1M' }, { file: there }];
  await assert.rejects(createTarget({ luns }).listen({ port: taken.port }), isInUse);
  assert.deepEqual(await readdir(directory), ['there.img']);
  const missing = { file: join(directory, 'none.img'), create: false };
  await assert.rejects(createTarget({ luns: [...luns, missing] }).listen({ port: 0 }), { code: 'ENOENT' });
  assert.deepEqual(await readdir(directory), ['there.img']);
  assert.deepEqual(await readFile(there), Buffer.alloc(4096, 7));
});

test('a peer that sends no Login Request is cut off, and a silent one when its time is over', async (t) => {
  const target = await listening(t, { luns: [{ memory: '1M' }], limits: { loginTime: 50 } });
  const rude = await connected(target);
  rude.write(new Uint8Array(48));
  rude.resume();
  await once(rude, 'close');
  const silent = await connected(target);
  silent.resume();
  await once(silent, 'close');
});

test('close() during listen() waits for it, and leaves nothing open', async () => {
  const target = createTarget({ luns: [{ memory: '1M' }] });
  const listen = target.listen({ port: 0 });
  await target.close();
  await listen.catch(() => {});
  assert.deepEqual(target.portals, []);
});

test('memory stays within bounds when an initiator asks for much and reads nothing', async (t) => {
  const target = await listening(t, { luns: [{ memory: '64M' }] });
  const socket = await connected(target);
  socket.pause();
  const node = new TargetNode({ targets: [{ name: NAME, device: new FakeDevice() }] });
  const script = new RawInitiator(node); // only builds the requests
  script.login();
  const text = textOf({ InitiatorName: 'iqn.2003-01.org.example:host', TargetName: NAME });
  socket.write(script.encode(script.loginRequest(0x87, text)));
  const before = process.memoryUsage.rss();
  for (let n = 0; n < 100; n++) {
    const cdb = '2800000000000040000000'.padEnd(32, '0'); // READ(10) of 16384 blocks: 8 MiB
    socket.write(script.encode({ opcode: 0x01, flags: 0xc1, tag: n, word20: 8 << 20, cmdSN: 1 + n, rest: cdb }));
  }
  await until(() => (target.sessions[0]?.outstandingCommands ?? 0) > 0);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 10));
  const [session] = target.sessions;
  assert.ok(
    session !== undefined && session.outstandingCommands > 0,
    'commands that were read wait; others are not even read',
  );
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < 200 * 2 ** 20, `${grown} bytes more than before; all the answers would be 800 MiB`);
  socket.destroy();
});
