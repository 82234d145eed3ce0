/** CHAP in the tools: where passwords come from, and where they do not show. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runTool, startTarget, startTool } from './run-tool.ts';

const PASSWORD = 'secret-of-alice-1';
const HOST = 'iqn.2003-01.org.example:host';
const INITIATOR = `user = alice\npassword = ${PASSWORD}\ntarget_user = disk\ntarget_password = secret-of-disk-22\n`;

/** A file that only we can read. */
async function privateFile(t: TestContext, text: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryDirectory(t), 'chap');
  await writeFile(path, text, { mode });
  return path;
}

function withUser(url: string, password = PASSWORD): string {
  return url.replace('iscsi://', `iscsi://alice%${password}@`);
}

test('iscsi-target --chap-file lets in who has the password; the tools take it from a file, the URL, the environment', async (t) => {
  const file = await privateFile(t, INITIATOR);
  const { process: target, urls } = await startTarget(t, ['-m', '1M', '--chap-file', file]);
  const [url = ''] = urls;
  assert.doesNotMatch(target.stderr, /no authentication/);
  const env = { PATH: process.env['PATH'], LIBISCSI_CHAP_USERNAME: 'alice', LIBISCSI_CHAP_PASSWORD: PASSWORD };
  for (const [words, options] of [
    [['--chap-file', file, url], {}],
    [[withUser(url)], {}],
    [[url], { env }],
    [[withUser(url), '--chap-file', file], {}],
  ] as const) {
    const { code, stdout, stderr } = await runTool('iscsi-readcapacity16', ['-s', ...words], options);
    assert.deepEqual([code, stdout, stderr], [0, '1048576\n', '']);
  }
  for (const words of [
    [url],
    [withUser(url, 'wrong-wrong-wrong')],
    [withUser(url, 'wrong-wrong-wrong'), '--chap-file', file],
  ]) {
    const { code, stderr } = await runTool('iscsi-readcapacity16', ['-s', ...words]);
    assert.equal(code, 4, stderr);
    assert.doesNotMatch(stderr, /secret-of|wrong-wrong/);
  }
  const portal = url.slice(0, url.indexOf('/', 'iscsi://'.length));
  const listed = await runTool('iscsi-ls', ['-s', '--chap-file', file, portal]);
  assert.match(listed.stdout, /^Target:.*\nLun:0 /);
  assert.equal((await runTool('iscsi-ls', [portal])).code, 4);
});

test('iscsi-doctor takes the file as well, and names it to who has none', async (t) => {
  const file = await privateFile(t, INITIATOR);
  const { urls } = await startTarget(t, ['-m', '1M', '--chap-file', file]);
  const [url = ''] = urls;
  const healthy = await runTool('iscsi-doctor', ['--chap-file', file, url]);
  assert.equal(healthy.code, 0, healthy.stdout);
  assert.match(healthy.stdout, /^targets +ok[\s\S]*^it works/m);
  const refused = await runTool('iscsi-doctor', [url]);
  assert.equal(refused.code, 4);
  assert.match(
    refused.stdout,
    /^ +do: +the target wants a user name and a password: give them in a file \(--chap-file FILE\)/m,
  );
  const unreadable = await runTool('iscsi-doctor', ['--chap-file', `${file}-that-is-not-there`, url]);
  assert.deepEqual([unreadable.code, unreadable.stdout], [4, '']);
  assert.match(unreadable.stderr, /^iscsi-doctor: cannot /);
});

test('iscsi-dd uses the file for both ends, and the user of a URL for that end', async (t) => {
  const file = await privateFile(t, INITIATOR);
  const [one, other] = await Promise.all([
    startTarget(t, ['-m', '1M', '-n', 'iqn.2003-01.org.example:one', '--chap-file', file]),
    startTarget(t, [
      '-m',
      '1M',
      '-n',
      'iqn.2003-01.org.example:two',
      '--chap-file',
      await privateFile(t, 'user=bob\npassword=secret-of-bob-44'),
    ]),
  ]);
  const to = (other.urls[0] ?? '').replace('iscsi://', 'iscsi://bob%secret-of-bob-44@');
  const { code, stdout, stderr } = await runTool('iscsi-dd', ['--chap-file', file, '--json', one.urls[0] ?? '', to]);
  // The file also says what the target has to prove; Bob's has nothing to prove itself with.
  assert.equal(code, 4, stderr);
  const oneWay = await privateFile(t, `user = alice\npassword = ${PASSWORD}\n`);
  const copied = await runTool('iscsi-dd', ['--chap-file', oneWay, '--json', one.urls[0] ?? '', to]);
  assert.equal(copied.code, 0, copied.stderr);
  assert.doesNotMatch(stdout + copied.stdout + stderr + copied.stderr, /secret-of/);
});

test('sections of the file say who may log in, and to which logical units', async (t) => {
  const file = await privateFile(t, `${INITIATOR}[${HOST}]\nluns = 1\n`);
  const { urls } = await startTarget(t, ['-m', '1M', '-m', '2M', '--chap-file', file]);
  const size = (initiator: string, url = ''): ReturnType<typeof runTool> =>
    runTool('iscsi-readcapacity16', ['-s', '-i', initiator, '--chap-file', file, url]);
  assert.equal((await size(HOST, urls[1])).stdout, '2097152\n');
  assert.equal((await size(HOST, urls[0])).code, 5);
  const stranger = await size('iqn.2003-01.org.example:stranger', urls[1]);
  assert.equal(stranger.code, 3);
  assert.match(stranger.stderr, /0x0202/);
});

test('a file that others can read, or that lets everybody in, is refused by every tool', async (t) => {
  const url = 'iscsi://127.0.0.1:1/iqn.2003-01.org.example:disk/0';
  for (const [text, mode] of [
    [INITIATOR, 0o644],
    ['# nothing\n', 0o600],
    ['user alice', 0o600],
  ] as const) {
    const file = await privateFile(t, text, mode);
    for (const run of [
      ...(['iscsi-ls', 'iscsi-inq', 'iscsi-readcapacity16', 'iscsi-doctor'] as const).map((name) =>
        runTool(name, ['--chap-file', file, url]),
      ),
      runTool('iscsi-dd', ['--chap-file', file, url, '-']),
      runTool('iscsi-target', ['-m', '1M', '--listen', '127.0.0.1:0', '--chap-file', file]),
    ]) {
      const { code, stderr } = await run;
      assert.equal(code, 4, stderr);
      assert.match(stderr, /^iscsi-\w+: cannot take credentials from .*\n$/);
      assert.doesNotMatch(stderr, /secret-of/);
    }
  }
});

test('short passwords need --allow-short-secrets, on both sides, and are warned about in one line', async (t) => {
  const file = await privateFile(t, 'user = alice\npassword = too-short\n');
  const refused = await runTool('iscsi-target', ['-m', '1M', '--listen', '127.0.0.1:0', '--chap-file', file]);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /less than 12 bytes.*--allow-short-secrets/);
  const { process: target, urls } = await startTarget(t, ['-m', '1M', '--chap-file', file, '--allow-short-secrets']);
  await target.waitFor('stderr', /^iscsi-target: warning: The CHAP secret of "alice" has less than 96 bits/m);
  const words = ['-s', '--chap-file', file, urls[0] ?? ''];
  assert.equal((await runTool('iscsi-readcapacity16', words)).code, 4);
  const { code, stderr } = await runTool('iscsi-readcapacity16', ['--allow-short-secrets', ...words]);
  assert.equal(code, 0);
  assert.match(stderr, /^iscsi-readcapacity16: warning: The CHAP secret of "alice" has less than 96 bits: [^\n]*\n$/);
  assert.doesNotMatch(refused.stderr + target.stderr + stderr, /too-short/);
});

test('ps shows no password of a command line', { skip: process.platform !== 'linux' && 'needs /proc' }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const query = '?target_user=disk&target_password=secret-of-disk-22';
  const url = `iscsi://alice%${PASSWORD}@127.0.0.1:${port}/iqn.2003-01.org.example:disk/0${query}`;
  const tool = startTool(t, 'iscsi-inq', [url]);
  const [socket] = await once(server, 'connection');
  const shown = await readFile(`/proc/${tool.pid}/cmdline`, 'latin1');
  socket.destroy();
  assert.match(shown, /^iscsi-inq iscsi:\/\/alice%\*\*\*@127\.0\.0\.1:\d+\/.*target_password=\*\*\*/);
  assert.doesNotMatch(shown, /secret-of/);
});

test('the library logs in where the tool serves', async (t) => {
  const { urls } = await startTarget(t, ['-m', '1M', '--chap-file', await privateFile(t, INITIATOR)]);
  await using lun = await connect(withUser(urls[0] ?? ''));
  assert.equal(lun.size, 1_048_576);
});
