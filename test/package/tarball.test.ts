import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, test } from 'node:test';
import { install, pack } from './support/installed.ts';

const directory = await mkdtemp(join(tmpdir(), 'tsiscsi-tarball-'));
after(() => rm(directory, { recursive: true, force: true }));
const { tarball, files } = await pack(directory);
const installed = await install(tarball, join(directory, 'project'));

/** Unpacked. Twice the size of the first release: more is something that does not belong there. */
const MOST_BYTES = 3_000_000;

test('the package has what users need, and nothing else', () => {
  const folders = new Set(
    files.map((file) => (file.includes('/') ? file.replace(/(^dist\/\w+|^\w+)\/.*/, '$1/') : file)),
  );
  assert.deepEqual(
    [...folders].sort(),
    [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'dist/src/',
      'dist/types/',
      'docs/',
      'examples/',
      'package.json',
    ].sort(),
  );
  assert.deepEqual(
    files.filter((file) => /\.map$|\.tsbuildinfo$|\.test\.|demo/.test(file)),
    [],
  );
  const astray = files.filter((file) => !isInItsPlace(file));
  assert.deepEqual(astray, []);
});

test('no module refers to a source map, for none is shipped', async () => {
  const referring = await filesWith(/^\/\/# sourceMappingURL/m);
  assert.deepEqual(referring, []);
});

test('it is not larger than it has to be', async () => {
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(installed, file))).size));
  const sum = sizes.reduce((all, size) => all + size, 0);
  assert.ok(sum < MOST_BYTES, `${sum} bytes unpacked, at most ${MOST_BYTES} expected`);
});

test('every file that package.json names is in it', async () => {
  const { bin, exports } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  const named = [...Object.values(bin), ...Object.values(exports)].flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry as Record<string, string>),
  );
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((file) => !existsSync(join(installed, file))),
    [],
  );
});

test('every link in its documents leads to something that is in it too', async () => {
  const dead: string[] = [];
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    const text = await readFile(join(installed, file), 'utf8');
    for (const link of linksIn(text))
      if (!(await leadsSomewhere(join(installed, file), link))) dead.push(`${file}: ${link}`);
  }
  assert.deepEqual(dead, []);
});

test('every npm script that its documents mention exists', async () => {
  const { scripts } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  const unknown: string[] = [];
  let mentioned = 0;
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    for (const [, name = ''] of (await readFile(join(installed, file), 'utf8')).matchAll(/\bnpm run ([\w-]+)/g)) {
      mentioned++;
      if (!(name in scripts)) unknown.push(`${file}: npm run ${name}`);
    }
  }
  assert.ok(mentioned > 5);
  assert.deepEqual(unknown, []);
});

test('a dead link is found: of a file, and of a heading', async () => {
  const page = join(installed, 'README.md');
  assert.deepEqual(linksIn('[a](docs/tools.md#iscsi-ls) [`b`](no.md) <https://example.org> [c](https://example.org)'), [
    'docs/tools.md#iscsi-ls',
    'no.md',
  ]);
  assert.equal(await leadsSomewhere(page, 'docs/tools.md#iscsi-ls'), true);
  assert.equal(await leadsSomewhere(page, 'docs/tools.md#iscsi-none'), false);
  assert.equal(await leadsSomewhere(page, 'no.md'), false);
});

function isInItsPlace(file: string): boolean {
  if (file.startsWith('dist/types/')) return file.endsWith('.d.ts');
  if (file.startsWith('dist/src/')) return file.endsWith('.js');
  return true;
}

async function filesWith(pattern: RegExp): Promise<readonly string[]> {
  const names = await readdir(join(installed, 'dist'), { recursive: true, withFileTypes: true });
  const paths = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return paths.filter((_, index) => pattern.test(texts[index] ?? '')).map((path) => relative(installed, path));
}

/** Links to files and headings; those that leave the package are not looked at. */
function linksIn(text: string): readonly string[] {
  return [...text.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].map(([, link = '']) => link);
}

async function leadsSomewhere(page: string, link: string): Promise<boolean> {
  const [path = '', heading] = link.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(file)) return false;
  if (heading === undefined) return true;
  const headings = [...(await readFile(file, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => anchorOf(text));
  return headings.includes(heading);
}

/** As GitHub and its like name the anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
