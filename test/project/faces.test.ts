import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createTarget } from '../../src/server/index.ts';
import type { Example } from '../support/examples/collect.ts';
import { problemsOf } from '../support/examples/problems.ts';
import { REPOSITORY } from '../support/repository.ts';

const PAGE = 'docs/faces.md';

/** The blocks of TypeScript on a page. */
function blocksOf(text: string): readonly Example[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)\n```$/gm)].map(({ index, 1: code = '' }) => ({
    file: PAGE,
    line: text.slice(0, index).split('\n').length + 1,
    code: code.split('\n'),
    declares: undefined,
  }));
}

test('the examples of docs/faces.md compile, run, and have the values that they say', async () => {
  const examples = blocksOf(await readFile(`${REPOSITORY}/${PAGE}`, 'utf8'));
  assert.equal(examples.length, 3);
  const options = { name: 'iqn.2026-11.dev.tsiscsi:disk', luns: [{ memory: '64M' }] } as const;
  // The examples run in another process: one of them waits for this target without letting anything else run.
  await using target = await createTarget(options).listen({ port: 0 });
  const problems = await problemsOf(examples, `127.0.0.1:${target.port}`);
  assert.deepEqual(problems, [], problems.join('\n'));
});
