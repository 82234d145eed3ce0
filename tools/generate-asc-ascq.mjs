// Writes src/spec/asc-ascq.ts from tools/data/asc-ascq.tsv. With --check it only tells (exit 1) whether the file would
// change.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const from = resolve(here, 'data/asc-ascq.tsv');
const to = resolve(here, '../src/spec/asc-ascq.ts');
const LINE_WIDTH = 120; // of biome.json: what is longer is written on several lines, as the formatter would

/** Words that keep capitals in the text, with their spelling. All others are written small. */
const SPELLING = new Map(
  `ACA ACK ACL ACS ATA CDB CIRC CRC DMA EAN ECC ECRC ESN ID IP ISRC I/O I_T L-EC LBA LU LUN LUNs LVD NAK PCIe PHY RAM ROD SA SCSI TLP UPC
  WORM XCDB NN iSCSI iuCRC Ultra`
    .split(/\s+/)
    .map((word) => [word.toUpperCase(), word]),
);

const rows = readFileSync(from, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t'));
const names = new Set();
const codes = [];
const ranges = [];
for (const [asc, ascq, meaning] of rows) {
  const [first, last] = ascq.split('-');
  if (last === undefined)
    codes.push([`  ${nameOf(meaning)}: `, [`asc: ${byte(asc)}`, `ascq: ${byte(ascq)}`, `text: ${quote(meaning)}`]]);
  else {
    const facts = [`asc: ${byte(asc)}`, `first: ${byte(first)}`, `last: ${byte(last)}`, `text: ${quote(meaning)}`];
    ranges.push(['  ', facts]);
  }
}

const text = `/**
 * Additional sense codes and qualifiers as assigned by T10: why a command ended as it did, finer than the sense key.
 * Made by tools/generate-asc-ascq.mjs from tools/data/asc-ascq.tsv; change those.
 */

/** One assigned pair. Spread it where \`asc\` and \`ascq\` are wanted. */
export interface AdditionalSense {
  /** Additional sense code. */
  readonly asc: number;
  /** Additional sense code qualifier. */
  readonly ascq: number;
  /** What it means, in words. */
  readonly text: string;
}

/** Every assigned pair by name. */
export const ASC_ASCQ = {
${codes.map(object).join('\n')}
} as const satisfies Readonly<Record<string, AdditionalSense>>;

/** Name of an assigned pair, such as \`LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE\`. */
export type AdditionalSenseName = keyof typeof ASC_ASCQ;

/** Codes whose qualifier, first to last, is a value of its own: it stands for NN in the text. */
export const ASC_ASCQ_RANGES = [
${ranges.map(object).join('\n')}
] as const;
`;

if (!process.argv.includes('--check')) writeFileSync(to, text);
else if (readFileSync(to, 'utf8') !== text) {
  console.error('src/spec/asc-ascq.ts is not what tools/generate-asc-ascq.mjs makes: run it');
  process.exit(1);
}

function object([lead, facts]) {
  const line = `${lead}{ ${facts.join(', ')} },`;
  return line.length <= LINE_WIDTH ? line : `${lead}{\n    ${facts.join(',\n    ')},\n  },`;
}

function byte(digits) {
  return `0x${digits.toLowerCase()}`;
}

function quote(meaning) {
  return `'${meaning.toUpperCase().replace(/I\/O|L-EC|[A-Z0-9_]+/g, (word) => SPELLING.get(word) ?? word.toLowerCase())}'`;
}

/** A constant's name: without advice in brackets, and every other sign an underscore. */
function nameOf(meaning) {
  const name = meaning
    .toUpperCase()
    .replace(/\((SHOULD )?USE .*\)/, '')
    .replaceAll('&', 'AND')
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  if (names.has(name)) throw new Error(`two codes are called ${name}`);
  names.add(name);
  return name;
}
