import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';

const DECLARED = /^export (?:abstract )?(?:class|interface|type|function\*?|async function\*?|const) ([A-Za-z0-9_]+)/gm;

test('no two files of src/ export different things under one name', () => {
  const files = readdirSync(join(REPOSITORY, 'src'), { recursive: true })
    .map((name) => join('src', String(name)))
    .filter((name) => name.endsWith('.ts'));
  const homes = new Map<string, string[]>();
  for (const file of files) {
    const names = new Set([...readFileSync(join(REPOSITORY, file), 'utf8').matchAll(DECLARED)].map(([, name]) => name));
    for (const name of names) if (name !== undefined) homes.set(name, [...(homes.get(name) ?? []), file]);
  }
  assert.ok(homes.size > 800, 'the sources export more than that');
  assert.deepEqual(
    [...homes].filter(([, where]) => where.length > 1),
    [],
  );
});
