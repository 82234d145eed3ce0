/** Where `--capture` may write: it empties what it opens, so it has to be sure of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTarget } from '../../src/server/index.ts';
import type { Cleanup } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runInShell, runTool } from './run-tool.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const SIZE = 2 ** 20;

async function place(t: Cleanup) {
  const target = await createTarget({ name: NAME, luns: [{ memory: SIZE }] }).listen({ port: 0 });
  t.after(() => target.close());
  const directory = await temporaryDirectory(t);
  return { directory, url: target.url(), portal: `iscsi://127.0.0.1:${target.port}` };
}

test('--capture empties nothing that the command reads or writes', async (t) => {
  const { directory, url, portal } = await place(t);
  const [image, fresh, secrets] = ['image', 'fresh', 'secrets'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  const content = Buffer.alloc(SIZE, 'tsiscsi');
  const credentials = 'user = alice\npassword = abcdefghijklmnop\n';
  await writeFile(image, content);
  await writeFile(secrets, credentials, { mode: 0o600 });
  for (const [tool, args, file] of [
    ['iscsi-dd', [image, url], image],
    ['iscsi-dd', ['--src', join(directory, '.', 'image'), url], image],
    ['iscsi-dd', [url, image], image],
    ['iscsi-dd', [url, fresh], fresh],
    ['iscsi-target', ['--listen', '127.0.0.1:0', '--file', image], image],
    ['iscsi-target', ['--listen', '127.0.0.1:0', '--file', `${fresh},size=1M`], fresh],
    ['iscsi-ls', ['--chap-file', secrets, portal], secrets],
  ] as const) {
    const { code, stderr } = await runTool(tool, ['--capture', file, ...args], { timeout: 20_000 });
    assert.equal(stderr, `${tool}: argument --capture: ${file} is used for something else already\n`);
    assert.equal(code, 2);
  }
  assert.deepEqual(await readFile(image), content);
  assert.equal(await readFile(secrets, 'utf8'), credentials);
  await assert.rejects(stat(fresh), { code: 'ENOENT' });
});

test('--capture does not mix with what goes to standard output', async (t) => {
  const { directory, url } = await place(t);
  const out = join(directory, 'out');
  const { code } = await runInShell(`"$@" > '${out}'`, 'iscsi-dd', ['--capture', out, url, '-']);
  assert.equal(code, 2);
  assert.equal((await stat(out)).size, 0);
});

test('--capture overwrites captures only', async (t) => {
  const { directory, portal } = await place(t);
  const file = join(directory, 'file');
  await writeFile(file, 'not to be had twice');
  const { code, stderr } = await runTool('iscsi-ls', ['--capture', file, portal]);
  assert.match(stderr, /^iscsi-ls: argument --capture: \S+ is there, and is no capture; /);
  assert.equal(code, 2);
  assert.equal(await readFile(file, 'utf8'), 'not to be had twice');
  await writeFile(file, '');
  assert.equal((await runTool('iscsi-ls', ['--capture', file, portal])).code, 0);
  assert.equal((await runTool('iscsi-ls', ['--capture', file, portal])).code, 0);
});

test('a capture can be read by its owner only, also where a file with another mode was there', async (t) => {
  const { directory, portal } = await place(t);
  const file = join(directory, 'file.pcapng');
  await writeFile(file, '');
  await chmod(file, 0o644);
  assert.equal((await runTool('iscsi-ls', ['--capture', file, portal])).code, 0);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('a named pipe is written to while somebody reads it, and stops nothing when nobody does', async (t) => {
  const { directory, portal } = await place(t);
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const { code, stderr } = await runTool('iscsi-ls', ['--capture', pipe, portal], { timeout: 20_000 });
  assert.equal(code, 1);
  assert.match(stderr, /^iscsi-ls: cannot write the capture .*; is there somebody who reads it\?\n$/);
  const read = await runInShell(`cat '${pipe}' > '${pipe}.read' & sleep 0.2; "$@"; wait`, 'iscsi-ls', [
    '--capture',
    pipe,
    portal,
  ]);
  assert.equal(read.code, 0, read.stderr);
  const { stdout } = await runTool('iscsi-decode', [`${pipe}.read`]);
  assert.match(stdout, /; nothing is wrong$/m);
});
