import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PATIENCE } from './loop-time.ts';
import { runProcess } from './process.ts';
import { REPOSITORY } from './repository.ts';

const MODULE = new URL('./long-run.js', import.meta.url).href;

/** What a program with the options `seconds`, `seed` and the word `micro` makes of its arguments. */
async function run(...args: readonly string[]) {
  const script = `
    import { longRunOptions } from '${MODULE}';
    console.log(JSON.stringify(longRunOptions('soak', 'Soaks.', { seconds: 300, seed: undefined }, ['micro'])));`;
  const { code, stdout, stderr } = await runProcess(
    process.execPath,
    ['--input-type=module', '-e', script, '--', ...args],
    {
      timeout: PATIENCE,
    },
  );
  return { code, stdout: stdout.trim(), stderr: stderr.trim() };
}

test('longRunOptions() gives the numbers that were given, and the defaults of the others', async () => {
  assert.deepEqual(JSON.parse((await run()).stdout), { numbers: { seconds: 300 } });
  const given = await run('micro', '--seconds', '5', '--seed=0');
  assert.deepEqual(JSON.parse(given.stdout), { numbers: { seconds: 5, seed: 0 }, word: 'micro' });
});

test('longRunOptions() says with --help what runs, and its options', async () => {
  const { code, stdout, stderr } = await run('--help');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^usage: npm run soak -- \[micro\] \[--OPTION N\]\n\nSoaks\.\n/);
  assert.match(stdout, /^ {2}--seconds N +300\n {2}--seed N +chosen by chance$/m);
});

for (const name of ['bench', 'bench:against', 'fuzz', 'soak']) {
  test(`npm run ${name} -- --help explains it, and runs nothing`, async () => {
    const { scripts } = JSON.parse(await readFile(`${REPOSITORY}/package.json`, 'utf8'));
    const [, program = ''] = /&& node (\S+)$/.exec(scripts[name]) ?? [];
    const words = [`${REPOSITORY}/${program}`, '--help'];
    const { code, stdout, stderr, timedOut } = await runProcess(process.execPath, words, { timeout: PATIENCE });
    assert.deepEqual([code, stderr, timedOut], [0, '', false]);
    assert.ok(stdout.startsWith(`usage: npm run ${name} -- `), stdout);
    assert.match(stdout, /--seconds N/);
  });
}

for (const [args, complaint] of [
  [['--seconds', 'abc'], 'soak: Cannot use --seconds abc: a whole number above 0 allowed'],
  [['--seconds', '0'], 'soak: Cannot use --seconds 0: a whole number above 0 allowed'],
  [['40'], 'soak: Cannot use "40": micro allowed'],
  [['--second', '5'], "soak: Unknown option '--second'"],
] as const) {
  test(`longRunOptions() ends with one line and exit code 2 at ${args.join(' ')}`, async () => {
    const { code, stderr } = await run(...args);
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(complaint) && !stderr.includes('\n'), stderr);
  });
}
