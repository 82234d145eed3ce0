import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { createTarget } from '../../src/server/index.ts';
import { runTool, startTarget } from '../cli/run-tool.ts';
import { REPOSITORY } from '../support/repository.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const run = promisify(execFile);
const read = (name: string): string => readFileSync(join(REPOSITORY, name), 'utf8');

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

test('what is thrown in src/ has a code', () => {
  const bare = readdirSync(join(REPOSITORY, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => /\b(?:throw|reject\()\s*new (?:|Range|Type|Syntax)Error\(/.test(read(`src/${name}`)));
  assert.deepEqual(bare, []);
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
  const documented = [...page.matchAll(/^\| `(ISCSI_\w+)`/gm)].map(([, code]) => code);
  assert.ok(codes.size > 15);
  assert.deepEqual(documented.sort(), [...codes].sort());
});

test('every test that docs/peers.md names is there', async () => {
  const page = await readFile(`${REPOSITORY}/docs/peers.md`, 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:---|deviation)/.test(line));
  const tests = rows.flatMap((row) => [...row.matchAll(/`([\w/.-]+\.test\.ts)`(?:: ([^`|]+))?/g)]);
  const missing: string[] = [];
  for (const [, file = '', names = ''] of tests) {
    const path = [file, `test/initiator/${file}`].find((one) => existsSync(join(REPOSITORY, one)));
    const text = path === undefined ? '' : await readFile(join(REPOSITORY, path), 'utf8');
    const parts = names.split(/…|;|(?<=0x)…/).map((part) => part.trim());
    missing.push(...parts.filter((part) => text === '' || !text.includes(part)).map((part) => `${file}: ${part}`));
  }
  assert.ok(tests.length > 40, `${tests.length} are named`);
  assert.deepEqual(missing, []);
});

test('the commands of the README in two terminals do what it says', async (t) => {
  const directory = await temporaryDirectory(t);
  const [, section = ''] = /## In two terminals\n([\s\S]*?)\n## /.exec(read('README.md')) ?? [];
  const linesWith = (prefix: string) => section.split('\n').filter((line) => line.startsWith(prefix));
  const [serving = [], listing = [], copying = []] = linesWith('npx tsiscsi ').map((line) => line.split(' ').slice(2));
  const inDirectory = (word: string) => word.replace(/^(?=\w+\.img)/, `${directory}/`);
  const { urls } = await startTarget(t, serving.slice(1).map(inDirectory));
  const port = /:(\d+)\//.exec(urls[0] ?? '')?.[1] ?? '';
  assert.deepEqual(
    urls.map((url) => `# ${url.replace(port, '3260')}`),
    linesWith('# iscsi:'),
  );
  const here = (words: readonly string[]) => words.map((word) => inDirectory(word.replace(':3260', `:${port}`)));
  const listed = await runTool('tsiscsi', here(listing));
  assert.match(listed.stdout, /^Target:.*\nLun:0 .*\(Size:1G\)\nLun:1 .*\(Size:10G\)\n$/);
  await writeFile(join(directory, 'debian.img'), 'an image');
  const copied = await runTool('tsiscsi', here(copying));
  assert.deepEqual([listed.code, copied.code], [0, 0], copied.stderr);
});
