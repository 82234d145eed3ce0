// `npm run release`: looks whether everything is ready for a release, and publishes only when told to.
//
//   npm run release -- --check       says what is wrong, one line each; exit code 1 when anything is
//   npm run release -- --publish     the same, and publishes when nothing is wrong
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packedFiles } from './choose-packed.mjs';
import { lockProblems, tarballProblems, treeProblems, versionProblems } from './release-checks.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What npm packs besides what "files" names, and what "files" names one by one. */
const ALWAYS = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'];
const options = commandLine();

const manifest = JSON.parse(read('package.json'));
const lock = JSON.parse(read('package-lock.json'));
const { version } = manifest;
const problems = [
  ...check('version', () => versionProblems({ version, changelog: read('CHANGELOG.md'), lock })),
  ...check('working tree', () =>
    treeProblems({ version, status: output('git', ['status', '--porcelain']), tags: output('git', ['tag']) }),
  ),
  ...check('lock file', () => lockProblems({ manifest, lock })),
  ...check('build', () => build()),
  ...check('tarball', () => tarballProblems({ packed: packed(), expected: expected() })),
  ...check('types and links, in a project that installs the tarball', () => consumerProblems()),
];
for (const problem of problems) console.error(`release: ${problem}`);
if (problems.length > 0) {
  console.error(`release: ${version} is not ready, ${problems.length} problem(s)`);
  process.exit(1);
}
console.log(`release: ${version} is ready`);
if (options.publish) publish();

function commandLine() {
  const flag = { type: 'boolean' };
  try {
    const { values } = parseArgs({ options: { check: flag, publish: flag, help: { ...flag, short: 'h' } } });
    if (values.check !== values.publish && !values.help) return values;
  } catch (error) {
    console.error(`release: ${error.message}`);
  }
  console.error('Usage: npm run release -- --check | --publish');
  process.exit(2);
}

/** What `problemsOf` finds, or why it could not look. */
function check(title, problemsOf) {
  try {
    const found = problemsOf();
    console.log(`release: ${title}: ${found.length === 0 ? 'in order' : `${found.length} problem(s)`}`);
    return found;
  } catch (error) {
    console.log(`release: ${title}: could not be looked at`);
    return [`${title}: ${error.message.trim()}`];
  }
}

function build() {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  return status === 0 ? [] : ['The build fails: mend what it says above'];
}

/** The paths in the tarball that `npm publish` would make now. */
function packed() {
  const told = JSON.parse(output('npm', ['pack', '--dry-run', '--ignore-scripts', '--json', '--offline']));
  return Object.values(told)[0].files.map(({ path }) => path);
}

function expected() {
  const documents = output('git', ['ls-files', 'docs', 'examples']).split('\n');
  return [...ALWAYS, ...documents.filter((path) => path !== ''), ...packedFiles()];
}

function consumerProblems() {
  const args = ['tools/run-tests.mjs', '--unit', '--no-build', 'test/package'];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return [];
  const failed = new Set([...stdout.matchAll(/^\s*✖ (.+) \([\d.]+ms\)$/gm)].map(([, name]) => name));
  return [...failed, ...(failed.size === 0 ? ['the tests could not be run'] : [])].map(
    (name) => `Fails: ${name}: run "npm test -- package" and mend it`,
  );
}

function publish() {
  // npm would print where it publishes to; what it calls an error is shown.
  const { status } = spawnSync('npm', ['publish', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    console.error('release: npm publish failed: nothing was released');
    process.exit(1);
  }
  console.log(`release: ${version} is published; now: git tag v${version} && git push --tags`);
}

function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
}

function read(name) {
  return readFileSync(join(ROOT, name), 'utf8');
}
