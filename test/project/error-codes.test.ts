/** The codes of errors: what can be thrown, and what tests have seen thrown. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';

async function codes(): Promise<readonly string[]> {
  const source = await readFile(join(REPOSITORY, 'src/errors.ts'), 'utf8');
  const union = /export type ErrorCode =([^;]+);/.exec(source)?.[1] ?? '';
  return [...union.matchAll(/'(ISCSI_\w+)'/g)].map(([, code = '']) => code);
}

/** Every test, this one not. */
async function tests(): Promise<string> {
  const names = await readdir(join(REPOSITORY, 'test'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.test.ts') && !name.includes('error-codes'));
  return (await Promise.all(files.map((name) => readFile(join(REPOSITORY, 'test', name), 'utf8')))).join('\n');
}

test('each error code is produced by a test', async () => {
  const text = await tests();
  const unseen = (await codes()).filter((code) => !text.includes(`'${code}'`));
  assert.deepEqual(unseen, []);
});
