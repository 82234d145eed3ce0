import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { promisify } from 'node:util';
import { createTarget } from '../../src/server/index.ts';
import { REPOSITORY } from '../support/repository.ts';

const run = promisify(execFile);

test('the first lines of the README are examples/first.ts, and do what they say', async () => {
  const readme = await readFile(`${REPOSITORY}/README.md`, 'utf8');
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  assert.equal(code, await readFile(`${REPOSITORY}/examples/first.ts`, 'utf8'));
  const { stdout } = await run(process.execPath, [`${REPOSITORY}/dist/examples/first.js`]);
  assert.equal(stdout, '67108864 bytes in blocks of 512, and at 1000: hello\n');
});

test('examples/raw.ts lists the LUNs of a target and explains a missing one', async () => {
  await using target = await createTarget({ luns: [{ memory: '1M' }, { memory: '1M' }] }).listen({ port: 0 });
  const { stdout } = await run(process.execPath, [`${REPOSITORY}/dist/examples/raw.js`, target.url(0)]);
  assert.match(
    stdout,
    /^LUN 0: status 0, 36 bytes\nLUN 1: status 0, 36 bytes\nISCSI_LUN_NOT_FOUND: .*; it has LUN 0, 1\n$/,
  );
});

test('examples/chap.ts finds and opens what it may use, and shows what becomes of others', async () => {
  const { stdout, stderr } = await run(process.execPath, [`${REPOSITORY}/dist/examples/chap.js`]);
  assert.match(
    stdout,
    /^iqn\.2003-01\.org\.example:disk\n2097152 bytes as backup\nISCSI_LOGIN: let the target allow .*\n$/,
  );
  assert.equal(stderr, '');
});

test('docs/errors.md names every error code, and no other', async () => {
  const sources = await readFile(`${REPOSITORY}/src/errors.ts`, 'utf8');
  const codes = new Set([...sources.matchAll(/^ {2}\| '(ISCSI_\w+)'/gm)].map(([, code]) => code));
  const page = await readFile(`${REPOSITORY}/docs/errors.md`, 'utf8');
  const documented = new Set([...page.matchAll(/^\| `(ISCSI_\w+)`/gm)].map(([, code]) => code));
  assert.ok(codes.size > 15);
  assert.deepEqual([...documented].sort(), [...codes].sort());
});
