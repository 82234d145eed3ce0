import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { PATIENCE } from '../support/loop-time.ts';
import { runProcess } from '../support/process.ts';
import { REPOSITORY } from '../support/repository.ts';

/** tools/release-checks.mjs, which is plain JavaScript. */
interface Checks {
  readonly versionProblems: (given: { version: string; changelog: string; lock: Lock }) => readonly string[];
  readonly treeProblems: (given: { version: string; status: string; tags: string }) => readonly string[];
  readonly lockProblems: (given: { manifest: object; lock: Lock }) => readonly string[];
  readonly tarballProblems: (given: { packed: string[]; expected: string[] }) => readonly string[];
}

interface Lock {
  readonly version: string;
  readonly packages: Readonly<Record<string, object>>;
}

const path = pathToFileURL(join(REPOSITORY, 'tools/release-checks.mjs')).href;
const { versionProblems, treeProblems, lockProblems, tarballProblems } = (await import(path)) as Checks;

const lock: Lock = { version: '1.2.0', packages: { '': { version: '1.2.0', dependencies: { a: '1.0.0' } } } };

test('a version that package.json, changelog and lock file agree on is in order', () => {
  const changelog = '# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-28\n\n- More.\n\n## [1.1.0] - 2026-10-01\n';
  assert.deepEqual(versionProblems({ version: '1.2.0', changelog, lock }), []);
});

test('a version is not ready without a heading, under an old heading, without a date, with entries that nobody released', () => {
  const problems = (version: string, changelog: string) => versionProblems({ version, changelog, lock }).join('\n');
  assert.match(
    problems('1.2.0', '## [Unreleased]\n\n- More.\n'),
    /no released version.*\n.*entries under "Unreleased"/,
  );
  assert.match(problems('1.2.0', '## [1.1.0] - 2026-10-01\n'), /newest version is 1\.1\.0, package\.json's 1\.2\.0/);
  assert.match(problems('1.2.0', '## [1.2.0]\n'), /no date/);
  assert.match(
    problems('1.2.0', '## [Unreleased]\n\n- Late.\n\n## [1.2.0] - 2026-11-28\n'),
    /entries under "Unreleased"/,
  );
  assert.match(problems('1.3.0', '## [1.3.0] - 2026-11-28\n'), /package-lock\.json is of version 1\.2\.0/);
});

test('a tree with changes, and a version that has a tag, are not ready', () => {
  assert.deepEqual(treeProblems({ version: '1.2.0', status: '', tags: 'v1.1.0\nv1.2.0-rc.1\n' }), []);
  assert.match(
    treeProblems({ version: '1.2.0', status: ' M src/a.ts\n?? b\n', tags: '' }).join(),
    /2 change.*M src\/a\.ts/,
  );
  assert.match(treeProblems({ version: '1.2.0', status: '', tags: 'v1.2.0\n' }).join(), /tag v1\.2\.0 exists/);
});

test('a lock file that pins something else, pins nothing, or names a registry is not ready', () => {
  const manifest = { dependencies: { a: '1.0.0' } };
  const withA = (a: object): Lock => ({ ...lock, packages: { ...lock.packages, 'node_modules/a': a } });
  assert.deepEqual(lockProblems({ manifest, lock: withA({ integrity: 'sha512-x' }) }), []);
  assert.match(lockProblems({ manifest: { dependencies: { a: '2.0.0' } }, lock }).join(), /other dependencies/);
  assert.match(lockProblems({ manifest, lock: withA({}) }).join(), /does not pin node_modules\/a/);
  const resolved = withA({ integrity: 'sha512-x', resolved: 'somewhere' });
  assert.match(lockProblems({ manifest, lock: resolved }).join(), /says where node_modules\/a comes from/);
});

test('the tarball must have every file that belongs there, and no other', () => {
  assert.deepEqual(tarballProblems({ packed: ['a', 'b'], expected: ['b', 'a'] }), []);
  assert.match(tarballProblems({ packed: ['a'], expected: ['a', 'b'] }).join(), /lacks b/);
  assert.match(tarballProblems({ packed: ['a', 'b'], expected: ['a'] }).join(), /has b, which does not belong there/);
});

test('the lock files of this repository are in order', () => {
  for (const folder of ['.', 'tools/docs']) {
    const read = (name: string) => JSON.parse(readFileSync(join(REPOSITORY, folder, name), 'utf8'));
    assert.deepEqual(lockProblems({ manifest: read('package.json'), lock: read('package-lock.json') }), [], folder);
  }
});

test('npm run release does nothing unless it is told what, and never both', async () => {
  const tool = join(REPOSITORY, 'tools/release.mjs');
  for (const args of [[], ['--check', '--publish'], ['--now']]) {
    const { code, stdout, stderr } = await runProcess(process.execPath, [tool, ...args], { timeout: PATIENCE });
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /Usage: npm run release -- --check \| --publish\n$/);
  }
});
