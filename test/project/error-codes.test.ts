/** The codes of errors: what can be thrown, what the page says of it, and what tests have seen thrown. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repository, from the sources and from `dist` alike. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));

async function codes(): Promise<readonly string[]> {
  const source = await readFile(join(ROOT, 'src/errors.ts'), 'utf8');
  const union = /export type ErrorCode =([^;]+);/.exec(source)?.[1] ?? '';
  return [...union.matchAll(/'(ISCSI_\w+)'/g)].map(([, code = '']) => code);
}

/** Every test, this one not. */
async function tests(): Promise<string> {
  const names = await readdir(join(ROOT, 'test'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.test.ts') && !name.includes('error-codes'));
  return (await Promise.all(files.map((name) => readFile(join(ROOT, 'test', name), 'utf8')))).join('\n');
}

test('docs/errors.md has each error code in one row, with what to do where that is known, and no other', async () => {
  const page = await readFile(join(ROOT, 'docs/errors.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(ISCSI_\w+)` \|/gm)].map(([, code]) => code);
  assert.deepEqual([...rows].sort(), [...(await codes())].sort());
});

test('each error code is produced by a test', async () => {
  const text = await tests();
  const unseen = (await codes()).filter((code) => !text.includes(`'${code}'`));
  assert.deepEqual(unseen, []);
});
