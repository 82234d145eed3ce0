import assert from 'node:assert/strict';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { succeed } from './support/installed.ts';

test('what was built from a source that is no more is removed before it could be packed, and nothing else', async (t) => {
  const root = await temporaryDirectory(t);
  for (const folder of ['tools', 'src/room', 'dist/src/room', 'dist/types/room', 'dist/other'])
    await mkdir(join(root, folder), { recursive: true });
  await cp(join(REPOSITORY, 'tools/remove-stale.mjs'), join(root, 'tools/remove-stale.mjs'));
  for (const file of [
    'src/room/kept.ts',
    ...['kept.js', 'kept.js.map', 'gone.js'].map((name) => `dist/src/room/${name}`),
    ...['kept.d.ts', 'gone.d.ts'].map((name) => `dist/types/room/${name}`),
    'dist/other/gone.js',
  ])
    await writeFile(join(root, file), '');
  await succeed(process.execPath, ['tools/remove-stale.mjs'], root);
  const left = await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true });
  assert.deepEqual(
    left
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort(),
    ['gone.js', 'kept.d.ts', 'kept.js'],
  );
});
