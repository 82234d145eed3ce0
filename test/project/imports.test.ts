import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';
import { type Syntax, tool } from '../support/tool.ts';

type Sources = Readonly<Record<string, string>>;

interface Room {
  readonly mayImport: readonly string[];
  readonly io: boolean;
}

interface Imports {
  importProblems(house: { readonly rooms: ReadonlyMap<string, Room>; readonly sources: Sources }): readonly string[];
}

const { importProblems } = await tool<Imports>('lib/imports.mjs');
const { readHouse } = await tool<{ readHouse(page: string): ReadonlyMap<string, Room> }>('lib/house.mjs');
const { readSources } = await tool<Syntax>('lib/syntax.mjs');

const PAGE = readFileSync(join(REPOSITORY, 'docs/architecture.md'), 'utf8');

/** A house of four rooms. */
const HOUSE = `# Plan

| room | may import (besides the floor) | I/O |
| --- | --- | --- |
| floor (the floor) | nothing | no |
| core | nothing | no |
| shell | core | yes |
| attic (yet to come) | core | no |

Text.
`;

/** Files that keep to the plan. Each test adds what it is about. */
const ORDER: Sources = {
  'src/floor/sum.ts': 'export const sum = 1;',
  'src/core/a.ts': "import { sum } from '../floor/sum.ts';\nexport const a = sum;",
  'src/core/b.ts': "import type { a } from './a.ts';\nexport type B = typeof a;",
  'src/shell/c.ts': "import 'node:fs';\nimport { a } from '../core/a.ts';\nexport const c = a;",
};

function problems(more: Sources, page = HOUSE): readonly string[] {
  return importProblems({ rooms: readHouse(page), sources: { ...ORDER, ...more } });
}

test('a house that keeps to its plan has no problems', () => {
  assert.deepEqual(problems({}), []);
});

test('a circle of values is told with its chain', () => {
  assert.deepEqual(
    problems({
      'src/core/d.ts': "import { e } from './e.ts';\nexport const d = e;",
      'src/core/e.ts': "export * from './d.ts';",
    }),
    ['circle of imports: src/core/d.ts -> src/core/e.ts -> src/core/d.ts'],
  );
});

const TYPE_IMPORTS = {
  'import type': "import type { E } from './e.ts';\nexport type D = E;",
  'import { type }': "import { type E } from './e.ts';\nexport type D = E;",
  'export type … from': "export type { E } from './e.ts';",
  'export type * from': "export type * from './e.ts';",
  "import('…').Type": "export type D = import('./e.ts').E;",
  "typeof import('…')": "export type D = typeof import('./e.ts');",
  'a dynamic import()': "export const d = (): Promise<unknown> => import('./e.ts');",
  'an import over several lines': "import type {\n  E,\n} from './e.ts';\nexport type D = E;",
};

for (const [form, text] of Object.entries(TYPE_IMPORTS)) {
  test(`a circle that ${form} closes is told`, () => {
    assert.deepEqual(
      problems({ 'src/core/d.ts': text, 'src/core/e.ts': "import type { D } from './d.ts';\nexport type E = D;" }),
      ['circle of imports: src/core/d.ts -> src/core/e.ts -> src/core/d.ts'],
    );
  });
}

test('a circle through three files is told once, with all three', () => {
  const found = problems({
    'src/core/d.ts': "import { e } from './e.ts';\nexport const d = e;",
    'src/core/e.ts': "import type { F } from './f.ts';\nexport const e = 0 as F;",
    'src/core/f.ts': "import type { d } from './d.ts';\nexport type F = typeof d;",
  });
  assert.deepEqual(found, ['circle of imports: src/core/d.ts -> src/core/e.ts -> src/core/f.ts -> src/core/d.ts']);
});

test('two circles are told apart', () => {
  const pair = (one: string, other: string): Sources => ({
    [`src/core/${one}.ts`]: `export * from './${other}.ts';`,
    [`src/core/${other}.ts`]: `export * from './${one}.ts';`,
  });
  assert.equal(problems({ ...pair('d', 'e'), ...pair('f', 'g') }).length, 2);
});

test('a file that imports itself is a circle', () => {
  assert.deepEqual(problems({ 'src/core/d.ts': "export * from './d.ts';" }), [
    'circle of imports: src/core/d.ts -> src/core/d.ts',
  ]);
});

test('what looks like an import in comments, strings and regular expressions is none', () => {
  const text = [
    "// import { a } from '../shell/c.ts';",
    "/** @example\n * import { a } from '../shell/c.ts';\n import('../shell/c.ts') */",
    "export const d = \"import('../shell/c.ts')\" + `\nimport { c } from '../shell/c.ts';\n`;",
    "export const e = /import\\('..\\/shell\\/c.ts'\\)/;",
  ];
  assert.deepEqual(problems({ 'src/core/d.ts': text.join('\n') }), []);
});

test('an import of a type that the plan forbids is told, as one of a value is', () => {
  const expected = ['src/core/d.ts -> src/shell/c.ts: "core" may not import "shell"'];
  assert.deepEqual(problems({ 'src/core/d.ts': "import { c } from '../shell/c.ts';\nexport const d = c;" }), expected);
  assert.deepEqual(problems({ 'src/core/d.ts': "export type D = import('../shell/c.ts').C;" }), expected);
});

test('the floor imports nothing, and nothing leaves src/', () => {
  assert.deepEqual(problems({ 'src/floor/d.ts': "export * from '../core/a.ts';" }), [
    'src/floor/d.ts -> src/core/a.ts: "floor" is the floor, which imports nothing',
  ]);
  assert.deepEqual(problems({ 'src/shell/d.ts': "export * from '../../test/x.ts';" }), [
    'src/shell/d.ts -> test/x.ts: leaves src/',
  ]);
});

test('a room without I/O imports no module of Node and no package, not even their types', () => {
  assert.deepEqual(problems({ 'src/core/d.ts': "import type { Socket } from 'node:net';\nexport type D = Socket;" }), [
    'src/core/d.ts -> node:net: "core" does no I/O and imports no package and no module of Node\'s',
  ]);
  assert.equal(problems({ 'src/core/d.ts': "import 'argparse';" }).length, 1);
});

test('a room that is not in the table is told, and a row without its room unless it is yet to come', () => {
  assert.deepEqual(problems({ 'src/cellar/d.ts': 'export {};' }), [
    'room "cellar" of src/ is not in the table of docs/architecture.md',
  ]);
  assert.deepEqual(problems({}, HOUSE.replace('attic (yet to come)', 'attic')), [
    'room "attic" of the table in docs/architecture.md is not in src/',
  ]);
  assert.deepEqual(problems({ 'src/attic/d.ts': 'export {};' }), [
    'room "attic" is there, but docs/architecture.md still calls it yet to come',
  ]);
  assert.deepEqual(problems({}, HOUSE.replace('| shell | core', '| shell | core, cellar')), [
    'docs/architecture.md lets "shell" import "cellar", which is no room of its table',
  ]);
});

test('a table that cannot be read is no table without problems', () => {
  assert.throws(() => readHouse('# Plan\n'), /Cannot find the table of rooms/);
  assert.throws(() => readHouse(HOUSE.replace('| core | yes |', '| core | perhaps |')), /Cannot read this row/);
  assert.throws(() => readHouse(HOUSE.replace('attic (yet to come)', 'attic (soon)')), /Cannot read this row/);
  assert.throws(() => readHouse(HOUSE.replace('attic (yet to come)', 'core')), /two rows for "core"/);
});

test('docs/architecture.md is a plan of src/, and src/ keeps to it', () => {
  const found = importProblems({
    rooms: readHouse(PAGE),
    sources: readSources(['src'], ['.ts']),
  });
  assert.deepEqual(found, []);
});

test('the plan itself has no way round', () => {
  const rooms = readHouse(PAGE);
  const below = (room: string, way: readonly string[]): void => {
    assert.ok(!way.includes(room), [...way, room].join(' -> '));
    for (const other of rooms.get(room)?.mayImport ?? []) below(other, [...way, room]);
  };
  for (const room of rooms.keys()) below(room, []);
});

test('the rooms without I/O are those that compile without the types of Node', () => {
  const { include } = JSON.parse(readFileSync(join(REPOSITORY, 'tsconfig.core.json'), 'utf8')) as { include: string[] };
  const compiled = include.map((pattern) => /^src\/(\w+)/.exec(pattern)?.[1]).sort();
  const planned = [...readHouse(PAGE)].filter(([, { io }]) => !io).map(([room]) => room);
  assert.deepEqual(compiled, planned.sort());
});
