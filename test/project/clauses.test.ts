import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../support/repository.ts';
import { type Syntax, tool } from '../support/tool.ts';

type Citations = ReadonlyMap<string, readonly string[]>;
type Rules = ReadonlyMap<string, { readonly code: string; readonly clause: string; readonly rule: string }>;

const { citationsIn, clausesPage, readRules, unknownCitations } = await tool<{
  readRules(table: string): Rules;
  citationsIn(sources: Readonly<Record<string, string>>): Citations;
  unknownCitations(rules: Rules, citations: Citations): readonly string[];
  clausesPage(rules: Rules, citations: Citations): string;
}>('lib/clauses.mjs');
const { readSources } = await tool<Syntax>('lib/syntax.mjs');

/** Codes that are put together here, so that this file does not cite them. */
const code = (letter: string, number: string): string => `${letter}-${number}`;
const section = (number: string): string => `${'§'}${number}`;
const clause = (text: string): string => `${'clause'}: '${text}'`;

const RULES = ['# comment', `${code('I', '001')}\t${section('11')}\tBe | good`, `${section('11')}\tRFC 7143\tFormats`];

test('citationsIn() finds codes, sections, appendices and the clauses of errors', () => {
  const text = [
    `// ${code('I', '001')}, ${code('T', '020')} (${code('D', '07')}), not A-001 nor ${code('I', '1')}`,
    `// RFC 7143 ${section('11.7.3')}; ${section('6.2')}. RFC 3722 ${section('6.1')}; RFC 3720 ${'B'}.4; RFC 7143 ${'appendix'} C`,
    `throw new Error('a', { ${clause('11.13')} }); const ${'clause'} = '11.14'; key = { ${clause('RFC 7144 7.1')} };`,
    `${'require'}HeaderOnly(v, at, 'a NOP',\n '11.15');`,
  ];
  const found = citationsIn({ 'src/a.ts': text.join('\n') });
  const sections = ['11.7.3', '6.2', 'C', '11.13', '11.14', '11.15'].map(section);
  const others = [`RFC 3722 ${section('6.1')}`, `RFC 3720 ${section('B.4')}`, `RFC 7144 ${section('7.1')}`];
  const codes = [code('I', '001'), code('T', '020'), code('D', '07')];
  assert.deepEqual([...found.keys()].sort(), [...codes, ...sections, ...others].sort());
});

test('clausesPage() lists the files and the tests of a rule, and rules that nobody cites', () => {
  const rules = readRules([...RULES, `${code('T', '001')}\t${section('11')}\tBe quiet`].join('\n'));
  const citations = citationsIn({ 'src/a.ts': code('I', '001'), 'test/b.ts': code('I', '001') });
  const page = clausesPage(rules, citations);
  assert.ok(page.includes(`| ${code('I', '001')} | ${section('11')} | Be \\| good | a.ts | b.ts |\n`));
  assert.ok(page.includes(`| ${code('T', '001')} | ${section('11')} | Be quiet | - | - |\n`));
  assert.ok(!page.includes('Formats'), 'sections are listed when they are cited');
});

test('unknownCitations() tells what no row explains, and where it is cited', () => {
  const citations = citationsIn({ 'src/a.ts': `${code('I', '002')} ${section('11')}`, 'src/b.ts': code('I', '002') });
  assert.deepEqual(unknownCitations(readRules(RULES.join('\n')), citations), [
    `${code('I', '002')} is not in tools/data/clauses.tsv; cited in src/a.ts, src/b.ts`,
  ]);
});

test('readRules() refuses rows without a rule, and two about the same', () => {
  assert.throws(() => readRules(`${code('I', '001')}\t${section('11')}`), /Cannot read this row/);
  assert.throws(() => readRules([...RULES, ...RULES].join('\n')), /Two rows/);
});

const rules = readRules(readFileSync(join(REPOSITORY, 'tools/data/clauses.tsv'), 'utf8'));
const citations = citationsIn(readSources(['src', 'test'], ['.ts']));

test('every code and every clause that sources and tests cite is in tools/data/clauses.tsv', () => {
  assert.ok(citations.size > 300);
  assert.deepEqual(unknownCitations(rules, citations), []);
});

test('every clause that a rule names has its title in tools/data/clauses.tsv', () => {
  const named = [...rules.values()].flatMap(({ clause }) => clause.match(/§[0-9A-E.]+/g) ?? []);
  assert.deepEqual(
    named.filter((one) => !rules.has(one)),
    [],
  );
});

test('docs/clauses.md is what tools/make-clauses.mjs makes', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/clauses.md'), 'utf8');
  assert.ok(page === clausesPage(rules, citations), 'run node tools/make-clauses.mjs');
});
