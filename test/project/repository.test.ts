import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';

interface PackageJson {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (name: string): string => readFileSync(join(REPOSITORY, name), 'utf8');
const packageJson = JSON.parse(read('package.json')) as PackageJson;

/** The longest a file may get before it has to be split. */
const MOST_LINES = 400;

test('package-lock.json names no registry, so that it works with any mirror', () => {
  const lines = read('package-lock.json').split('\n');
  const bad = lines.filter((line) => /"resolved"|https?:\/\/[^"]*registry|npmjs\.(org|com)|yarnpkg/.test(line));
  assert.deepEqual(bad, []);
  assert.ok(
    lines.some((line) => line.includes('"integrity"')),
    'the lock file must still pin contents',
  );
});

test('package-lock.json locks what package.json asks for', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, PackageJson> };
  const root = lock.packages[''];
  assert.deepEqual(root?.dependencies, packageJson.dependencies);
  assert.deepEqual(root?.devDependencies, packageJson.devDependencies);
});

test('package-lock.json has an entry for every optional dependency, without which "npm ci" refuses it', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, PackageJson> };
  const wanted = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}));
  assert.deepEqual(
    wanted.filter((name) => !(`node_modules/${name}` in packages)),
    [],
  );
});

test(`no source file has more than ${MOST_LINES} lines, tables made by a tool excepted`, () => {
  const long = filesBelow('src', '.ts')
    .filter((name) => !/^ \* Made by tools\//m.test(read(name).slice(0, 500)))
    .map((name) => ({ name, lines: read(name).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MOST_LINES);
  assert.deepEqual(long, []);
});

test('every file of tests has some', () => {
  const empty = filesBelow('test', '.test.ts').filter((name) => !/\btest(?:Attacks)?\(/.test(read(name)));
  assert.deepEqual(empty, []);
});

test('every npm script runs something that can exist', () => {
  for (const [name, command] of Object.entries(packageJson.scripts)) {
    for (const [, file = ''] of command.matchAll(/\bnode (\S+)/g)) {
      const source = file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      assert.ok(existsSync(join(REPOSITORY, source)), `npm run ${name}: ${source} does not exist`);
    }
  }
});

test('every npm script that README.md mentions exists', () => {
  const mentioned = [...read('README.md').matchAll(/\bnpm (?:run ([\w:-]+)|(test|start))\b/g)].map(
    ([, run, short]) => run ?? short ?? '',
  );
  assert.ok(mentioned.includes('test'), 'README.md must say how to run the tests');
  assert.deepEqual(
    mentioned.filter((name) => !(name in packageJson.scripts)),
    [],
  );
});

test('every file and directory that README.md links to exists', () => {
  const links = [...read('README.md').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, link = '']) => link);
  assert.deepEqual(
    links.filter((link) => !existsSync(join(REPOSITORY, link))),
    [],
  );
});

test('every dependency has its reason in docs/dependencies.md, and every row there a dependency', () => {
  const { dependencies, devDependencies, optionalDependencies } = packageJson;
  const wanted = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).sort();
  const rows = [...read('docs/dependencies.md').matchAll(/^\| *\[?`([^`]+)`/gm)].map(([, name = '']) => name);
  assert.deepEqual(
    wanted.filter((name) => !rows.includes(name)),
    [],
    'a row begins with | `name`',
  );
  const packages = JSON.parse(read('package-lock.json')) as { packages: Record<string, unknown> };
  assert.deepEqual(
    rows.filter((name) => !(`node_modules/${name}` in packages.packages)),
    [],
    'no such package in package-lock.json',
  );
});

test('every public entry of package.json is built from a source that exists', () => {
  const { exports } = JSON.parse(read('package.json')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  const paths = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)));
  const sources = paths.map((path) =>
    path
      .replace(/^\.\/dist\/types\//, './src/')
      .replace(/^\.\/dist\//, './')
      .replace(/(\.d\.ts|\.js)$/, '.ts'),
  );
  assert.deepEqual(
    sources.filter((path) => !existsSync(join(REPOSITORY, path))),
    [],
  );
});

function filesBelow(directory: string, ending: string): string[] {
  return readdirSync(join(REPOSITORY, directory), { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((name) => name.endsWith(ending));
}
