// Writes docs/clauses.md from tools/data/clauses.tsv and from what src/ and test/ cite. With --check it only tells
// (exit 1) whether the page would change. A citation that the table does not know is an error either way.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { citationsIn, clausesPage, readRules, unknownCitations } from './lib/clauses.mjs';
import { REPOSITORY, readSources } from './lib/syntax.mjs';

const PAGE = join(REPOSITORY, 'docs/clauses.md');

const rules = readRules(readFileSync(join(REPOSITORY, 'tools/data/clauses.tsv'), 'utf8'));
const citations = citationsIn(readSources(['src', 'test'], ['.ts']));
const unknown = unknownCitations(rules, citations);
const page = clausesPage(rules, citations);

if (unknown.length > 0) fail(unknown.join('\n'));
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page) {
  fail('docs/clauses.md is not what tools/make-clauses.mjs makes: run it');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
