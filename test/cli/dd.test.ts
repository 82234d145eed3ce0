/** `iscsi-dd` in every direction, and what it leaves behind when it fails. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { fileDestination } from '../../src/cli/copy-destination.ts';
import type { BlockStore } from '../../src/server/index.ts';
import { createTarget } from '../../src/server/index.ts';
import type { Cleanup } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runInShell, runTool, startInShell, startTarget, startTool } from './run-tool.ts';

const MiB = 2 ** 20;
/** A line of progress that tells of data, however slow the machine. */
const SOMETHING = /[1-9]\S* [KM]iB of 512 MiB/;

async function serve(t: Cleanup) {
  const directory = await temporaryDirectory(t);
  const disk = join(directory, 'disk.img');
  const target = await createTarget({
    luns: [{ memory: 8 * MiB }, { file: disk, size: 4 * MiB, blockSize: 4096 }],
  }).listen({ port: 0 });
  t.after(() => target.close());
  return { directory, disk, memory: target.url(0), file: target.url(1) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('a file goes to a logical unit and comes back, whatever its length', async (t) => {
  const { directory, memory } = await serve(t);
  for (const length of [0, 1, 511, 512, 3 * MiB + 12_345]) {
    const data = randomBytes(length);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    await writeFile(from, data);
    const out = await runTool('iscsi-dd', ['-s', from, '-d', memory, '--hash', '--json']);
    assert.equal(out.code, 0, out.stderr);
    const { schemaVersion, bytes, sha256: hash, source, destination } = JSON.parse(out.stdout);
    assert.deepEqual([schemaVersion, bytes, hash], [1, length, sha256(data)]);
    assert.deepEqual(
      [source, destination],
      [
        { kind: 'file', path: from },
        { kind: 'lun', url: memory },
      ],
    );
    const back = await runTool('iscsi-dd', [memory, to, '--count', String(length), '--block-size', '4K', '-m', '3']);
    assert.equal(back.code, 0, back.stderr);
    assert.match(back.stdout, new RegExp(`^${length} bytes \\(.*\\) copied in `));
    assert.ok((await readFile(to)).equals(data), `${length} bytes`);
  }
  assert.deepEqual((await readdir(directory)).sort(), ['disk.img', 'from', 'to'], 'no .partial is left');
});

test('one logical unit goes to another, the last block included', async (t) => {
  const { directory, disk, memory, file } = await serve(t);
  const data = randomBytes(8 * MiB);
  const from = join(directory, 'from');
  await writeFile(from, data);
  assert.equal((await runTool('iscsi-dd', [from, memory])).code, 0);
  const copied = await runTool('iscsi-dd', ['-6', '-p', '-b', '7', '-s', memory, '-d', file, '--skip', '4M']);
  assert.equal(copied.code, 0, copied.stderr);
  assert.match(copied.stderr, /100% {2}4 MiB of 4 MiB/);
  assert.ok((await readFile(disk)).equals(data.subarray(4 * MiB)));
});

test('standard input and output are ends like others', async (t) => {
  const { directory, disk, file } = await serve(t);
  const data = randomBytes(1_234_567);
  const from = join(directory, 'from');
  await writeFile(from, data);
  const written = await runInShell(`cat '${from}' | "$@"`, 'iscsi-dd', ['-', file, '--seek', '1000']);
  assert.equal(written.code, 0, written.stderr);
  assert.ok((await readFile(disk)).subarray(1000, 1000 + data.length).equals(data));
  const read = await runInShell('"$@" | sha256sum', 'iscsi-dd', [
    file,
    '-',
    '--skip',
    '1000',
    '--count',
    `${data.length}`,
    '--hash',
  ]);
  assert.equal(read.stdout, `${sha256(data)}  -\n`);
  assert.match(read.stderr, new RegExp(`^${data.length} bytes .*\nsha256 ${sha256(data)}\n$`));
});

test('what does not fit is refused before a byte is written', async (t) => {
  const { directory, disk, memory, file } = await serve(t);
  await writeFile(join(directory, 'large'), randomBytes(4 * MiB + 1));
  for (const args of [
    [join(directory, 'large'), file],
    [memory, file],
    [memory, file, '--count', '4M', '--seek', '1'],
  ]) {
    const { code, stdout, stderr } = await runTool('iscsi-dd', [...args, '--json']);
    assert.equal(code, 1);
    assert.match(stderr, /^iscsi-dd: cannot fit \d+ bytes .*nothing was written\n$/);
    assert.equal(JSON.parse(stdout).error.code, 'DOES_NOT_FIT');
  }
  assert.ok((await readFile(disk)).every((byte) => byte === 0));
});

test('a pipe that is longer than the logical unit ends in an error that says what is overwritten', async (t) => {
  const { file } = await serve(t);
  const { code, stderr } = await runInShell('head -c 5M /dev/zero | "$@"', 'iscsi-dd', ['-', file]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^iscsi-dd: the source is longer than the 4 MiB of the logical unit; the logical unit (?:is|may be) partly overwritten/,
  );
});

test('a target that dies in the middle leaves FILE.partial, and FILE as it was', async (t) => {
  const directory = await temporaryDirectory(t);
  const to = join(directory, 'to');
  await writeFile(to, 'precious');
  const { process: target, urls } = await startTarget(t, ['--memory', '512M']);
  const copy = startTool(t, 'iscsi-dd', [urls[0] ?? '', to, '-m', '1', '-b', '1', '-p', '--no-reconnect']);
  await copy.waitFor('stderr', SOMETHING);
  target.signal('SIGKILL');
  const { code } = await copy.exited;
  assert.equal(code, 1);
  assert.match(copy.stderr, /iscsi-dd: .*the connection .*; the first \S+ [KM]iB are kept in \S+\.partial/i);
  assert.equal(await readFile(to, 'utf8'), 'precious');
  const { size } = await stat(`${to}.partial`);
  assert.ok(size > 0 && size < 512 * MiB, `${size} bytes`);
});

test('a target that does not come back is waited for as long as --reconnect says, or until Ctrl-C', async (t) => {
  const directory = await temporaryDirectory(t);
  for (const [reconnect, code, says] of [
    ['0.4', 1, /cannot get the lost session back: .*; the first \S+ [KM]iB are kept in \S+\.partial/],
    ['100', 130, /interrupted by SIGINT/],
  ] as const) {
    const { process: target, urls } = await startTarget(t, ['--memory', '512M']);
    const to = join(directory, reconnect);
    const copy = startTool(t, 'iscsi-dd', [urls[0] ?? '', to, '-m', '1', '-b', '1', '-p', '--reconnect', reconnect]);
    await copy.waitFor('stderr', SOMETHING);
    target.signal('SIGKILL');
    await copy.waitFor('stderr', /is lost, trying to get it back/);
    if (code === 130) copy.signal('SIGINT');
    assert.equal((await copy.exited).code, code, copy.stderr);
    assert.match(copy.stderr, says);
    assert.match(copy.stderr, /trying to get it back: [a-z]/);
  }
});

test('Ctrl-C ends it with 130 and says what is there', async (t) => {
  const directory = await temporaryDirectory(t);
  const to = join(directory, 'to');
  const { urls } = await startTarget(t, ['--memory', '512M']);
  const copy = startTool(t, 'iscsi-dd', [urls[0] ?? '', to, '-m', '1', '-b', '1', '-p']);
  await copy.waitFor('stderr', SOMETHING);
  copy.signal('SIGINT');
  assert.deepEqual(await copy.exited, { code: 130, signal: null });
  assert.match(copy.stderr, /iscsi-dd: interrupted by SIGINT; the first \S+ [KM]iB are kept in /);
  assert.deepEqual(await readdir(directory), ['to.partial']);
});

test('Ctrl-C ends it also while it waits for standard input', async (t) => {
  const { directory, memory } = await serve(t);
  const silent = join(directory, 'silent');
  await promisify(execFile)('mkfifo', [silent]);
  const writer = await open(silent, 'r+'); // without one, opening it would wait already
  t.after(() => writer.close());
  for (const from of ['-', '/dev/stdin', silent]) {
    const copy = startInShell(t, `exec "$@" <'${silent}'`, 'iscsi-dd', ['-p', from, memory]);
    await copy.waitFor('stderr', /^0 B {2}0 B\/s\n/); // the copy is under way
    copy.signal('SIGINT');
    assert.deepEqual(await copy.exited, { code: 130, signal: null }, from);
    assert.match(copy.stderr.replaceAll('0 B  0 B/s\n', ''), /^iscsi-dd: interrupted by SIGINT\n$/);
  }
});

test('a reader that goes away is an error', async (t) => {
  const { memory } = await serve(t);
  const { stdout, stderr } = await runInShell('"$@" | head -c 10 >/dev/null; echo "$PIPESTATUS"', 'iscsi-dd', [
    memory,
    '-',
  ]);
  assert.equal(stdout, '1\n');
  assert.match(stderr, /^iscsi-dd: cannot write to standard output: the reader has closed it/);
});

test('a full disk is an error', async (t) => {
  const { memory } = await serve(t);
  const { code, stderr } = await runTool('iscsi-dd', [memory, '/dev/full']);
  assert.equal(code, 1);
  assert.match(stderr, /^iscsi-dd: cannot write to \/dev\/full: no space left on the device/);
});

test('a file is replaced as a whole: mode and links stay', async (t) => {
  const { directory, memory } = await serve(t);
  const [real, link] = [join(directory, 'real'), join(directory, 'link')];
  await writeFile(real, randomBytes(9 * MiB));
  await chmod(real, 0o640);
  await symlink(real, link);
  assert.equal((await runTool('iscsi-dd', [memory, link])).code, 0);
  const { size, mode } = await stat(real);
  assert.deepEqual([size, mode & 0o777], [8 * MiB, 0o640]);
  assert.deepEqual((await readdir(directory)).sort(), ['disk.img', 'link', 'real']);
});

test('--seek changes an existing file in place', async (t) => {
  const { directory, memory } = await serve(t);
  const to = join(directory, 'to');
  await writeFile(to, Buffer.alloc(3000, 'x'));
  assert.equal((await runTool('iscsi-dd', [memory, to, '--seek', '1000', '--count', '1000'])).code, 0);
  const expected = Buffer.alloc(3000, 'x').fill(0, 1000, 2000);
  assert.ok((await readFile(to)).equals(expected));
});

test('an unreadable block is an error; with -n it becomes zeros, and the exit code tells', async (t) => {
  const directory = await temporaryDirectory(t);
  const target = await createTarget({ luns: [{ store: damaged(64, 37) }] }).listen({ port: 0 });
  t.after(() => target.close());
  const to = join(directory, 'to');
  const strict = await runTool('iscsi-dd', [target.url(), to]);
  assert.equal(strict.code, 1);
  assert.match(strict.stderr, /MEDIUM ERROR/);
  const lenient = await runTool('iscsi-dd', ['-n', '--json', target.url(), to]);
  assert.equal(lenient.code, 6, lenient.stderr);
  assert.match(lenient.stderr, /^iscsi-dd: 512 B of the source could not be read and became zeros\n$/);
  assert.equal(JSON.parse(lenient.stdout).unreadableBytes, 512);
  const expected = Buffer.alloc(64 * 512, 0xab).fill(0, 37 * 512, 38 * 512);
  assert.ok((await readFile(to)).equals(expected));
});

test('operands that cannot be are refused with 2, missing files with 5', async (t) => {
  const { directory, memory } = await serve(t);
  await mkdir(join(directory, 'folder'));
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /a source is needed/],
    [[memory], 2, /a destination is needed/],
    [['-s', memory, 'a', 'b'], 2, /'b' is one operand too many/],
    [['-x', memory, memory], 2, /--xcopy is not supported yet/],
    [['-b', '8', '--block-size', '1M', memory, 'x'], 2, /cannot both be given/],
    [['-m', '1024', '--block-size', '2M', memory, '/dev/null'], 2, /in flight are too much/],
    [[memory, memory, '--seek', '1M'], 2, /source and destination are the same/],
    [['https://example.org/x', memory], 2, /cannot copy with a https:\/\/ URL/],
    [[memory, '/dev/null', '--skip', '9M'], 2, /--skip 9437184 lies behind the end/],
    [[join(directory, 'none'), memory], 5, /cannot open .*none: no such file/],
    [[join(directory, 'folder'), memory], 1, /cannot read .*folder: it is a directory/],
    [[memory, join(directory, 'folder')], 1, /cannot write to .*folder: it is a directory/],
    [
      [memory, join(directory, 'no', 'file')],
      5,
      /cannot open .*no\/file\.partial: no such file or directory; there is no directory .*no\n/,
    ],
  ];
  for (const [args, code, message] of cases) {
    const done = await runTool('iscsi-dd', args);
    assert.equal(done.code, code, `${args.join(' ')}: ${done.stderr}`);
    assert.match(done.stderr, message);
    assert.match(done.stderr, /^[^\n]+\n$/);
  }
});

test('a failed copy says of what it has left how much is good, and nothing where nothing is', async (t) => {
  const directory = await temporaryDirectory(t);
  const target = await createTarget({ luns: [{ store: damaged(64, 0) }, { memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  const [from, at] = [target.url(0), (name: string): string => join(directory, name)];
  await writeFile(at('there'), 'old');
  await writeFile(at('long'), Buffer.alloc(2 * MiB));
  const nothing = /MEDIUM ERROR.*; the medium is damaged$/;
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[from, at('file')], nothing],
    [[from, '-'], nothing],
    [[from, at('there'), '--seek', '1K'], nothing],
    [[from, target.url(1)], nothing],
    [[at('long'), target.url(1), '--seek', '512'], /cannot fit/],
    [
      ['-', target.url(1), '--seek', '512K', '-m', '1'],
      /the logical unit is partly overwritten \(512 KiB from byte 524288 on\)/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await runInShell(`"$@" <'${at('long')}'`, 'iscsi-dd', args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr.trimEnd(), message, args.join(' '));
    assert.doesNotMatch(stderr, /\b0 B\b/);
  }
  assert.deepEqual((await readdir(directory)).sort(), ['long', 'there'], 'no empty .partial is left');
  const inPlace = await fileDestination(at('there'), 1, undefined);
  await inPlace.write(Buffer.from('gap'), 5, new AbortController().signal);
  assert.equal(await inPlace.abandon(0), `${at('there')} may be partly overwritten`);
});

/** A store full of AB whose block `bad` cannot be read. */
function damaged(blocks: number, bad: number): BlockStore {
  const blockSize = 512;
  return {
    blockSize,
    blocks,
    readOnly: true,
    volatileWriteCache: false,
    thin: false,
    synchronous: false,
    async read(position, into, at, length) {
      if (position <= bad * blockSize && bad * blockSize < position + length) throw new Error('damaged');
      into.fill(0xab, at, at + length);
    },
    write: () => undefined,
    flush: () => undefined,
    discard: () => undefined,
    close: () => undefined,
  };
}

test('--statistics says on stderr what each logical unit was asked, and nothing else changes', async (t) => {
  const { directory, memory } = await serve(t);
  const from = join(directory, 'from');
  await writeFile(from, randomBytes(MiB));
  const out = await runTool('iscsi-dd', [from, memory, '--statistics', '--json', '--block-size', '64K']);
  assert.equal(out.code, 0, out.stderr);
  assert.equal(JSON.parse(out.stdout).bytes, MiB);
  assert.match(
    out.stderr,
    /LUN 0 of iqn\S+: 16 write commands, 1 MiB, half of them within [\d.]+ (µs|ms|s), 99% within /,
  );
  assert.match(out.stderr, /LUN 0 of iqn\S+: 1 flush command, half/);
  assert.match(out.stderr, /: 1 command sent again\n/, 'the unit attention of a new session');
  assert.doesNotMatch(out.stderr, /read command|failed/);
  const plain = await runTool('iscsi-dd', [from, memory, '--json']);
  assert.doesNotMatch(plain.stderr, /commands/);
});
