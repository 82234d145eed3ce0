// `npm test`: builds, lints, checks the arrows between rooms, then runs every test with Node's own test runner, and
// holds what they ran of src/ to the floor of tools/lib/coverage-floor.mjs.
//
//   npm test                     everything
//   npm test -- --unit           without test/interop, and without coverage
//   npm test -- pdu login        only test files whose path contains one of the words, without coverage
//   npm test -- --no-build       the tests alone, from the dist/ that is there
//   npm test -- --no-coverage    without coverage
//
// The list of files comes from the sources, so that what is left in dist/ of a removed test never runs.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { coverageOf } from './lib/coverage.mjs';
import { FLOOR } from './lib/coverage-floor.mjs';
import { verdict } from './lib/coverage-verdict.mjs';
import { readSources } from './lib/syntax.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Source maps of what is in dist/, which is built without: nothing of them is for users. */
const MAPS = join(ROOT, '.cache', 'coverage');
const BIN = join(ROOT, 'node_modules', '.bin');
const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
// Node 20 takes --test-timeout for a whole file, later ones for each test.
// Long enough for a machine that has other things to do.
const TEST_TIMEOUT = NODE_MAJOR < 22 ? 600_000 : 240_000;
/**
 * A file that never ends (an open socket, a forgotten timer) must end the run, which later Nodes would not do by
 * themselves.
 */
const RUN_TIMEOUT = 3_600_000;
const started = performance.now();

const { values: options, positionals: words } = commandLine();
if (options.help) {
  console.log('Usage: npm test -- [--unit] [--no-build] [--no-coverage] [WORD ...]');
  process.exit(0);
}

console.log(`Node ${process.version}, ${availableParallelism()} cores`);
if (!options['no-build']) {
  await step('tsc -b', join(BIN, 'tsc'), ['-b']);
  await step('biome check .', join(BIN, 'biome'), ['check', '--error-on-warnings', '.']);
  await step('check-imports', process.execPath, ['tools/check-imports.mjs']);
}
const files = testFiles();
const measured = !options['no-coverage'] && !options.unit && words.length === 0;
const data = measured ? coverageDirectory() : undefined;
const test = [
  '--test',
  '--test-reporter=spec',
  `--test-timeout=${TEST_TIMEOUT}`,
  // Much of the interop tests is waiting for others, so two at a time pay even on two cores.
  `--test-concurrency=${Math.max(2, Math.min(8, availableParallelism()))}`,
  ...files,
];
await step(`node --test, ${files.length} files`, process.execPath, test, data ? { NODE_V8_COVERAGE: data } : {});
if (data) {
  await step('tsc -p tsconfig.coverage.json', join(BIN, 'tsc'), ['-p', 'tsconfig.coverage.json']);
  holdCoverage(data);
}
console.log(`npm test passed in ${seconds(started)}`);

function commandLine() {
  const flag = { type: 'boolean' };
  try {
    return parseArgs({
      allowPositionals: true,
      options: { unit: flag, 'no-build': flag, 'no-coverage': flag, help: { ...flag, short: 'h' } },
    });
  } catch (error) {
    return fail(error.message);
  }
}

function testFiles() {
  const sources = readdirSync(join(ROOT, 'test'), { recursive: true })
    .map((name) => join('test', name))
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => !(options.unit && name.startsWith(join('test', 'interop') + sep)))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .sort();
  if (sources.length === 0) fail(`no test file matches ${words.length === 0 ? 'test/**/*.test.ts' : words.join(' ')}`);
  const built = sources.map((name) => join('dist', name.replace(/\.ts$/, '.js')));
  const missing = built.filter((name) => !existsSync(join(ROOT, name)));
  if (missing.length > 0) fail(`not built: ${missing.join(', ')}`);
  return built;
}

/** Where every process of the run, those that tests start included, leaves what it ran. Gone with this process. */
function coverageDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'tsiscsi-coverage-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function holdCoverage(data) {
  const sources = Object.keys(readSources(['src'], ['.ts']));
  const { enough, text } = verdict(coverageOf({ data, built: join(ROOT, 'dist'), maps: MAPS, sources }), FLOOR);
  if (!enough) fail(`the tests run too little of src/: ${text}`);
  console.log(`\ncoverage of src/: ${text}`);
}

async function step(title, command, args, environment = {}) {
  const begun = performance.now();
  console.log(`\n> ${title}`);
  const outcome = await run(command, args, environment);
  if (outcome !== 'passed') fail(`${title}: ${outcome} after ${seconds(begun)}`);
  console.log(`> ${title}: passed in ${seconds(begun)}`);
}

/** `passed`, or in words how it ended. */
function run(command, args, environment) {
  return new Promise((settle) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...environment } });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGTERM'); // the test runner hands it on to its files
      setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
    }, RUN_TIMEOUT);
    child.on('error', (error) => settle(`could not be started (${error.message})`));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (late) settle(`did not end within ${RUN_TIMEOUT / 1000} s`);
      else settle(code === 0 ? 'passed' : `failed with ${signal ?? `exit code ${code}`}`);
    });
  });
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function fail(message) {
  console.error(`\nnpm test FAILED: ${message} (${seconds(started)} in all)`);
  process.exit(1);
}
