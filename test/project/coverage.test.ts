import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/temporary.ts';
import { tool } from '../support/tool.ts';

const run = promisify(execFile);

interface FileCoverage {
  readonly file: string;
  readonly lines: number;
  readonly branches: number;
  readonly missedLines: readonly number[];
  readonly missedBranches: readonly number[];
}

interface Run {
  readonly data: string;
  readonly built: string;
  readonly maps: string;
  readonly sources: readonly string[];
}

interface Floor {
  readonly lines: number;
  readonly branches: number;
}

const { coverageOf } = await tool<{ coverageOf(run: Run): readonly FileCoverage[] }>('lib/coverage.mjs');
const { verdict } = await tool<{
  verdict(files: readonly FileCoverage[], floor: Floor): { readonly enough: boolean; readonly text: string };
}>('lib/coverage-verdict.mjs');

/** Every kind of line and branch. What runs depends on the arguments. */
const BRANCHES = `
const [mode, ...rest] = process.argv.slice(2);
function never() {
  return 1;
}
if (mode === 'a') {
  console.log('a');
} else console.log('not a');
const kind = mode === 'b' ? 'b' : 'not b';
const both = mode === 'c' && rest.length > 0;
const other = rest[0] ?? 'nothing';
for (const one of rest) console.log(one);
switch (mode) {
  case 'a':
  case 'd':
    console.log(kind, both, other);
    break;
  default:
}
try {
  if (mode === 'e') throw new Error('e');
} catch {
  console.log('caught');
}
const twice = (n) => n * 2;
if (mode === 'f') twice(1);
`;

/** Runs itself again, in a process of its own. */
const PARENT = `
const { execFileSync } = require('node:child_process');
execFileSync(process.execPath, [require('node:path').join(__dirname, 'branches.js'), ...process.argv.slice(2)]);
`;

const UNUSED = `
console.log('never loaded');
if (process.pid === 0) console.log('never');
`;

const SOURCES = ['src/branches.ts', 'src/parent.ts', 'src/unused.ts'];

/**
 * What ran of the files above when `commands` were run, one process after the other: a script and its arguments each.
 */
async function covered(
  t: { after(done: () => Promise<void>): void },
  ...commands: readonly (readonly [string, ...string[]])[]
): Promise<readonly FileCoverage[]> {
  const built = await afterRunning(t, ...commands);
  return coverageOf({ ...built, sources: SOURCES });
}

/** Runs `commands`; returns the directories in which {@link coverageOf} finds what they left. */
async function afterRunning(
  t: { after(done: () => Promise<void>): void },
  ...commands: readonly (readonly [string, ...string[]])[]
): Promise<{ readonly data: string; readonly built: string; readonly maps: string }> {
  const directory = await temporaryDirectory(t);
  const [data, built, maps] = ['data', 'dist', 'maps'].map((name) => join(directory, name)) as [string, string, string];
  await mkdir(data);
  await mkdir(join(built, 'src'), { recursive: true });
  await mkdir(join(maps, 'src'), { recursive: true });
  for (const [name, text] of Object.entries({ branches: BRANCHES, parent: PARENT, unused: UNUSED })) {
    await writeFile(join(built, 'src', `${name}.js`), text);
    await writeFile(join(maps, 'src', `${name}.js.map`), sameLines(`${name}.ts`, text));
  }
  for (const [script, ...parameters] of commands) {
    const env = { ...process.env, NODE_V8_COVERAGE: data };
    await run(process.execPath, [join(built, 'src', script), ...parameters], { env });
  }
  return { data, built, maps };
}

/** A source map by which each line comes from the line of the same number. */
function sameLines(source: string, text: string): string {
  const mappings = text.split('\n').map((_, at) => (at === 0 ? 'AAAA' : 'AACA'));
  return JSON.stringify({ version: 3, sources: [source], names: [], mappings: mappings.join(';') });
}

test('coverageOf() tells which lines and branches of a file ran', async (t) => {
  const [branches] = await covered(t, ['branches.js', 'a', 'x']);
  assert.deepEqual(branches, {
    file: 'src/branches.ts',
    lines: 17,
    branches: 13,
    missedLines: [4, 8, 21, 23, 26],
    missedBranches: [3, 8, 9, 10, 11, 21, 22, 25, 26],
  });
});

test('coverageOf() unites processes: what ran in one of them, ran', async (t) => {
  const commands = ['a', 'b', 'c', 'd', 'e', 'f'].map((mode) => ['branches.js', mode, 'x'] as const);
  const [branches] = await covered(t, ...commands, ['branches.js']);
  assert.deepEqual(branches?.missedLines, [4], 'only the function that is never called');
  assert.deepEqual(branches?.missedBranches, [3]);
});

test('coverageOf() counts nothing of a process that was killed while it wrote what it ran', async (t) => {
  const run = await afterRunning(t, ['branches.js', 'a', 'x']);
  const [report = ''] = await readdir(run.data);
  const text = await readFile(join(run.data, report), 'utf8');
  for (const length of [0, 1, text.lastIndexOf('}'), text.length - 1])
    await writeFile(join(run.data, `killed-${length}.json`), text.slice(0, length));
  const [branches] = coverageOf({ ...run, sources: SOURCES });
  assert.deepEqual(branches?.missedLines, [4, 8, 21, 23, 26], 'as told by the process that was not killed');
});

test('coverageOf() counts what a child process ran, and files that nobody loaded as missed', async (t) => {
  const [branches, parent, unused] = await covered(t, ['parent.js', 'a', 'x']);
  assert.equal(branches?.missedLines.length, 5, 'as when it is run by itself');
  assert.deepEqual(parent?.missedLines, []);
  assert.deepEqual(unused?.missedLines, [2, 3]);
  assert.deepEqual(unused?.missedBranches, [3]);
});

const SMALL = { file: 'src/small.ts', lines: 100, branches: 10, missedLines: [7], missedBranches: [] };
const LARGE = { file: 'src/large.ts', lines: 900, branches: 90, missedLines: [3, 1, 2], missedBranches: [2, 2] };

test('verdict() gives the figures in one line while no floor is missed', () => {
  assert.deepEqual(verdict([SMALL, LARGE], { lines: 99, branches: 98 }), {
    enough: true,
    text: '99.60 % of 1000 lines (floor 99), 98.00 % of 100 branches (floor 98)',
  });
});

test('verdict() names the files that miss most when a floor is missed, be it that of lines or of branches', () => {
  for (const floor of [
    { lines: 100, branches: 98 },
    { lines: 99, branches: 99 },
  ]) {
    const { enough, text } = verdict([SMALL, LARGE], floor);
    assert.equal(enough, false);
    assert.deepEqual(text.split('\n').slice(1), [
      '  src/large.ts: 5 missed; lines 1 2 3; branches in lines 2',
      '  src/small.ts: 1 missed; lines 7; branches in lines -',
    ]);
  }
});

test('verdict() of nothing is not enough', () => {
  assert.equal(verdict([], { lines: 1, branches: 1 }).enough, false);
});
