// What the codes and clauses that sources and tests cite stand for, and where they are cited.

/**
 * A row of tools/data/clauses.tsv.
 *
 * @typedef {object} Rule
 * @property {string} code As it is cited: `I-001`, `§11.7.3`, `RFC 3720 §B.4`.
 * @property {string} clause Where it stands.
 * @property {string} rule The rule, or the title of the section.
 */

/**
 * @param {string} table The text of tools/data/clauses.tsv.
 * @returns {ReadonlyMap<string, Rule>} By code.
 */
export function readRules(table) {
  const rules = new Map();
  for (const line of table.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [code = '', clause, rule] = line.split('\t');
    if (rule === undefined || rule === '') throw new Error(`Cannot read this row of the rules: ${line}`);
    if (rules.has(code)) throw new Error(`Two rows of the rules are about ${code}`);
    rules.set(code, { code, clause, rule });
  }
  return rules;
}

const SECTION = String.raw`[0-9]+(?:\.[0-9]+)*|[A-E](?:\.[0-9]+)*`;
/** Where a citation can stand. The groups are the document, where it is said, and what is cited. */
const CITATIONS = [
  /\b(?<cited>[IT]-\d{3}|D-\d{2})\b/g,
  new RegExp(String.raw`(?:RFC (?<document>\d{4}) )?(?:§|\b[Aa]ppendix )(?<section>${SECTION})`, 'g'),
  /\bRFC (?<document>\d{4}) (?<section>[A-E]\.\d+)/g,
  new RegExp(String.raw`\bclause(?::| =) '(?:RFC (?<document>\d{4}) )?(?<section>${SECTION})'`, 'g'),
  new RegExp(String.raw`\brequire\w+\([^;]*?'(?<section>${SECTION})'\)`, 'g'), // the rules of pdu/ take a clause last
];

/**
 * The files that cite each code.
 *
 * @param {Readonly<Record<string, string>>} sources Text by name.
 * @returns {ReadonlyMap<string, readonly string[]>} By code, in order of the sources.
 */
export function citationsIn(sources) {
  const found = new Map();
  for (const [file, text] of Object.entries(sources)) {
    for (const code of new Set(CITATIONS.flatMap((pattern) => [...text.matchAll(pattern)].map(codeOf)))) {
      found.set(code, [...(found.get(code) ?? []), file]);
    }
  }
  return found;
}

/** A section without a document is one of RFC 7143. */
function codeOf({ groups: { cited, document = '7143', section } }) {
  if (cited !== undefined) return cited;
  return document === '7143' ? `§${section}` : `RFC ${document} §${section}`;
}

/**
 * Citations that no row explains, each with its files; empty when all is known.
 *
 * @param {ReadonlyMap<string, Rule>} rules
 * @param {ReadonlyMap<string, readonly string[]>} citations
 * @returns {readonly string[]}
 */
export function unknownCitations(rules, citations) {
  const unknown = [...citations].filter(([code]) => !rules.has(code));
  return unknown.map(([code, files]) => `${code} is not in tools/data/clauses.tsv; cited in ${files.join(', ')}`);
}

const PARTS = [
  {
    title: 'Rules for an initiator',
    text: 'What RFC 7143 asks of an initiator. The clauses are its own.',
    has: (code) => code.startsWith('I-'),
    all: true,
  },
  {
    title: 'Rules for a target',
    text: 'What RFC 7143 asks of a target. The clauses are its own, unless another document is named.',
    has: (code) => code.startsWith('T-'),
    all: true,
  },
  {
    title: 'Defects to be avoided',
    text: 'Each was seen in an initiator in wide use; the rule says what ours does instead.',
    has: (code) => code.startsWith('D-'),
    all: false,
  },
  {
    title: 'Sections of RFC 7143',
    text: 'Those that are cited, with their titles.',
    has: (code) => code.startsWith('§'),
    all: false,
  },
  {
    title: 'Other documents',
    text: 'Those that are cited, with what they say there.',
    has: (code) => code.startsWith('RFC '),
    all: false,
  },
];

/**
 * docs/clauses.md.
 *
 * @param {ReadonlyMap<string, Rule>} rules
 * @param {ReadonlyMap<string, readonly string[]>} citations
 * @returns {string}
 */
export function clausesPage(rules, citations) {
  const parts = PARTS.map((part) => {
    const rows = [...rules.values()].filter(({ code }) => part.has(code) && (part.all || citations.has(code)));
    return `## ${part.title}\n\n${part.text} ${counted(rows, citations)}\n\n${tableOf(rows, citations)}\n`;
  });
  return `# Clauses

What the codes and clauses stand for that sources and tests cite, and where they do. Made by \`tools/make-clauses.mjs\` from
\`tools/data/clauses.tsv\` and from the sources: change those, and run it. A rule without files and tests is not cited: it may
be kept all the same, or be about something that is not there yet.

${parts.join('\n')}`;
}

function counted(rows, citations) {
  const cited = rows.filter(({ code }) => citations.has(code)).length;
  return cited === rows.length ? `${rows.length} in all.` : `${rows.length} in all, of which ${cited} are cited.`;
}

function tableOf(rows, citations) {
  const lines = rows.map(({ code, clause, rule }) => {
    const files = citations.get(code) ?? [];
    const cells = [code, clause, rule.replaceAll('|', '\\|'), listed(files, 'src/'), listed(files, 'test/')];
    return `| ${cells.join(' | ')} |`;
  });
  return ['| code | clause | rule | files | tests |', '| --- | --- | --- | --- | --- |', ...lines].join('\n');
}

/** The files of one directory, without its name. */
function listed(files, directory) {
  const names = files.filter((file) => file.startsWith(directory)).map((file) => file.slice(directory.length));
  return names.length === 0 ? '-' : names.join(', ');
}
