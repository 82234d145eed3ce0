/** `iscsi-dd … -`: what goes to standard output is the data and nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTarget } from '../../src/server/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runInShell, startInShell, startTarget } from './run-tool.ts';

/** The JSON document at the end of what a tool wrote to stderr. */
function documentIn(stderr: string) {
  return JSON.parse(stderr.slice(stderr.search(/^\{$/m)));
}

for (const destination of ['-', '/dev/stdout']) {
  test(`a target that dies in the middle of a copy to ${destination} adds nothing to the data`, async (t) => {
    const out = join(await temporaryDirectory(t), 'out.img');
    const { process: target, urls } = await startTarget(t, ['--memory', '512M']);
    const args = ['--json', '-p', '-m', '1', '-b', '1', urls[0] ?? '', destination];
    // Through a pipe, since a file that stdout leads to would be replaced as a whole.
    const copy = startInShell(t, `"$@" | cat >'${out}'; exit "$PIPESTATUS"`, 'iscsi-dd', args);
    await copy.waitFor('stderr', /[1-9]\S* [KM]iB of 512 MiB/);
    target.signal('SIGKILL');
    assert.deepEqual(await copy.exited, { code: 1, signal: null });
    const data = await readFile(out);
    assert.ok(
      data.every((byte) => byte === 0),
      'a disk of zeros gives zeros',
    );
    const { code, bytesComplete } = documentIn(copy.stderr).error;
    assert.match(code, /^ISCSI_/);
    assert.ok(data.length > 0 && bytesComplete === data.length, `${bytesComplete} of ${data.length} bytes`);
    assert.match(copy.stderr, /^iscsi-dd: .*the connection /im);
  });
}

test('nor does anything else that goes wrong, or is worth a warning', async (t) => {
  const directory = await temporaryDirectory(t);
  const from = join(directory, 'from');
  const data = randomBytes(1000);
  await writeFile(from, data);
  const target = await createTarget({ luns: [{ memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [[`${target.url(0)}?colour=red`, '-', '--count', '0'], 0, ''],
    [['-s', from, '-d', '-', '--hash'], 0, data.toString('latin1')],
    [['-p', '--dst=-', from], 0, data.toString('latin1')],
    [[from, '-', 'extra', '--nope'], 2, ''],
    [['--nope', '-d-', from], 2, ''],
    [[from, '-', '--skip', '2K'], 2, ''],
    [[from, 'x', '-d', '-'], 2, ''],
    [[join(directory, 'none'), '-'], 5, ''],
    [[join(directory, 'none'), '/proc/self/fd/1'], 5, ''],
    [[target.url(7), '-'], 5, ''],
    [['iscsi://', '-'], 2, ''],
  ];
  for (const [args, code, expected] of cases) {
    const out = join(directory, 'out');
    // In a pipe and not in a file, so that it is told from others by what it is.
    const script = `"$@" | cat >'${out}'; exit "$PIPESTATUS"`;
    const done = await runInShell(script, 'iscsi-dd', ['--json', ...args]);
    assert.equal(done.code, code, `${args.join(' ')}: ${done.stderr}`);
    assert.equal(await readFile(out, 'latin1'), expected, args.join(' '));
    const { schemaVersion, error } = documentIn(done.stderr);
    assert.deepEqual([schemaVersion, error === undefined], [1, code === 0], args.join(' '));
  }
});

test('a document goes to stdout when the data goes elsewhere', async (t) => {
  const from = join(await temporaryDirectory(t), 'from');
  await writeFile(from, 'data');
  const { stdout, stderr, code } = await runInShell(`"$@" --json <'${from}'`, 'iscsi-dd', ['-', `${from}.copy`]);
  assert.deepEqual([code, stderr, JSON.parse(stdout).bytes], [0, '', 4]);
});
