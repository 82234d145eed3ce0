import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTarget } from '../../src/server/index.ts';
import { examplesIn } from '../support/examples/collect.ts';
import { callable, readSource, sources } from '../support/examples/names.ts';
import { problemsOf } from '../support/examples/problems.ts';

const examples = sources().flatMap((file) => examplesIn(file, readSource(file)));

test('every example in a doc comment compiles, runs, and has the values that it says', async () => {
  const options = { name: 'iqn.2026-11.dev.tsiscsi:disk', luns: [{ memory: '64M' }] } as const;
  await using target = await createTarget(options).listen({ port: 0 });
  assert.deepEqual(
    examples.filter(({ code }) => code.length === 0),
    [],
    'without code',
  );
  const problems = await problemsOf(examples, `127.0.0.1:${target.port}`);
  assert.deepEqual(problems, [], problems.join('\n'));
});

test('every public function and class has an example', () => {
  const shown = new Set(examples.map(({ file, declares }) => `${file} ${declares}`));
  const names = callable().map(({ file, name }) => `${file} ${name}`);
  assert.ok(names.length > 50, 'the entrances export more than that');
  const missing = [...new Set(names)].filter((name) => !shown.has(name));
  assert.deepEqual(missing, [], missing.join('\n'));
});
