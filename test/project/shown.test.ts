/** docs/initiator-rules.md and docs/defects-avoided.md tell the truth: what they name is there, nothing is missing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';
import { type Syntax, tool } from '../support/tool.ts';

interface Titles {
  readonly titles: readonly string[];
  readonly strings: ReadonlySet<string>;
}

const { hasTitle, testTitlesIn } = await tool<{
  testTitlesIn(sources: Readonly<Record<string, string>>): Readonly<Record<string, Titles>>;
  hasTitle(file: Titles, title: string): boolean;
}>('lib/test-titles.mjs');
const { readRules } = await tool<{
  readRules(table: string): ReadonlyMap<string, { readonly code: string; readonly clause: string }>;
}>('lib/clauses.mjs');
const { readSources } = await tool<Syntax>('lib/syntax.mjs');

/** What the sources say that use a foreign witness. */
const WITNESSES: Readonly<Record<string, string>> = {
  tgt: "requirePeer(t, 'tgtd'",
  tshark: "requirePeer(t, 'tshark'",
  istgt: "requirePeer(t, 'istgt'",
  libiscsi: "'libiscsi-bin')",
  qemu: "requirePeer(t, 'qemu-",
  sg3_utils: "'sg3-utils')",
  'bytes of the standard': 'RFC',
};
/** How a cell begins that tells why something is not shown. */
const REASON = /^(not covered|cannot arise)[^:]*: ./;

interface Row {
  readonly code: string;
  readonly cells: readonly string[];
  readonly tests: readonly { readonly file: string; readonly title: string }[];
  readonly remarks: readonly string[];
}

/** The rows of all tables of a page; `column` is where the tests stand. */
function rowsOf(page: string, letter: string, column: number): readonly Row[] {
  const lines = readFileSync(join(REPOSITORY, 'docs', page), 'utf8').split('\n');
  return lines.filter((line) => line.startsWith(`| ${letter}-`)).map((line) => rowOf(line, column));
}

function rowOf(line: string, column: number): Row {
  const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
  const parts = (cells[column] ?? '').split('<br>').map((part) => ({ part, found: /^`(\S+)`: (.+)$/.exec(part) }));
  return {
    code: cells[1] ?? '',
    cells,
    tests: parts.flatMap(({ found }) => (found === null ? [] : [{ file: `test/${found[1]}`, title: found[2] ?? '' }])),
    remarks: parts.flatMap(({ part, found }) => (found === null ? [part] : [])),
  };
}

const rules = readRules(readFileSync(join(REPOSITORY, 'tools/data/clauses.tsv'), 'utf8'));
const sources = readSources(['test'], ['.test.ts']);
const PAGES = [
  { page: 'initiator-rules.md', letter: 'I', column: 4 },
  { page: 'defects-avoided.md', letter: 'D', column: 4 },
].map((one) => ({ ...one, rows: rowsOf(one.page, one.letter, one.column) }));

for (const { page, letter, rows } of PAGES) {
  test(`${page} has every ${letter}-… of tools/data/clauses.tsv once, in order`, () => {
    const codes = [...rules.keys()].filter((code) => code.startsWith(`${letter}-`));
    assert.ok(codes.length > 40);
    assert.deepEqual(
      rows.map(({ code }) => code),
      codes,
    );
  });

  test(`every row of ${page} names a test, or says why there is none`, () => {
    const bare = rows.filter(({ tests, remarks }) => tests.length === 0 && !remarks.some((text) => REASON.test(text)));
    assert.deepEqual(
      bare.map(({ code }) => code),
      [],
    );
  });

  test(`every test that ${page} names is where it is said to be`, () => {
    const named = rows.flatMap(({ code, tests }) => tests.map((one) => ({ code, ...one })));
    const files = [...new Set(named.map(({ file }) => file))];
    const found = testTitlesIn(Object.fromEntries(files.map((file) => [file, sources[file] ?? ''])));
    const lost = named.filter(({ file, title }) => {
      const titles = found[file];
      return titles === undefined || !hasTitle(titles, title);
    });
    assert.deepEqual(lost, []);
  });
}

test('the clauses of initiator-rules.md are those of tools/data/clauses.tsv', () => {
  const other = PAGES[0]?.rows.filter(({ code, cells }) => rules.get(code)?.clause !== cells[2]);
  assert.deepEqual(other, []);
});

test('every foreign witness that initiator-rules.md names is asked for in a file that the row names', () => {
  let named = 0;
  for (const { code, cells, tests } of PAGES[0]?.rows ?? []) {
    for (const witness of cells[5] === '-' ? [] : (cells[5] ?? '').split(', ')) {
      const needle = WITNESSES[witness];
      assert.ok(needle !== undefined, `${code}: ${witness} is no witness`);
      assert.ok(
        tests.some(({ file }) => sources[file]?.includes(needle)),
        `${code}: no file uses ${witness}`,
      );
      named++;
    }
  }
  assert.ok(named > 50);
});

test('hasTitle() takes a title as it stands, with … for values, or with values that are strings of the file', () => {
  const name = 'sample.test.ts';
  const text = [
    `${'test'}('plain (a|b)?', () => {});`,
    `for (const [title, count] of [['a NOP', 1]]) ${'test'}(\`\${title} ends it after \${count}\`, () => {});`,
    `// ${'test'}('in a comment', () => {});`,
  ].join('\n');
  const file = testTitlesIn({ [name]: text })[name];
  assert.ok(file !== undefined);
  const is = (title: string): boolean => hasTitle(file, title);
  assert.deepEqual(['plain (a|b)?', '… ends it after …', 'a NOP ends it after …'].map(is), [true, true, true]);
  assert.deepEqual(['plain', 'a ping ends it after …', 'in a comment', 'plain ab'].map(is), [
    false,
    false,
    false,
    false,
  ]);
});
