// Holds the imports of src/ to the table of rooms in docs/architecture.md, and fails on circles. Imports of types count
// as all others do.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHouse } from './lib/house.mjs';
import { importProblems } from './lib/imports.mjs';
import { REPOSITORY, readSources } from './lib/syntax.mjs';

const rooms = readHouse(readFileSync(join(REPOSITORY, 'docs/architecture.md'), 'utf8'));
const sources = readSources(['src'], ['.ts']);
const problems = importProblems({ rooms, sources });
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`check-imports: ${Object.keys(sources).length} files in ${rooms.size} rooms, arrows and circles in order`);
