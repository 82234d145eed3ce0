/** `iscsi-target`, and the demonstration. */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseListen, parsePortal } from '../../src/cli/target.ts';
import { connect } from '../../src/client/connect.ts';
import { PATIENCE } from '../support/loop-time.ts';
import { runProcess } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runTool, startNode, startTarget, startTool } from './run-tool.ts';

test('logical units stand in the order of the command line, and stdout has their URLs and nothing else', async (t) => {
  const file = join(await temporaryDirectory(t), 'disk.img');
  const { process: target, urls } = await startTarget(t, [
    '--name=iqn.2003-01.org.example:order',
    ...['--memory', '1M', '--file', `${file},size=2M`, '--memory', '3M'],
  ]);
  const portal = /^iscsi:\/\/127\.0\.0\.1:\d+/.exec(urls[0] ?? '')?.[0];
  assert.deepEqual(
    urls,
    [0, 1, 2].map((lun) => `${portal}/iqn.2003-01.org.example:order/${lun}`),
  );
  const sizes = await Promise.all(urls.map((url) => runTool('iscsi-readcapacity16', ['-s', url])));
  assert.deepEqual(
    sizes.map(({ stdout }) => stdout),
    ['1048576\n', '2097152\n', '3145728\n'],
  );
  assert.equal((await stat(file)).size, 2_097_152);
  assert.equal(target.stdout, `${urls.join('\n')}\n`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends it in order, and what was written is in the file`, async (t) => {
    const directory = await temporaryDirectory(t);
    const [data, file] = [join(directory, 'data'), join(directory, 'disk.img')];
    await writeFile(data, 'hello');
    const { process: target, urls } = await startTarget(t, ['-f', `${file},size=1M`]);
    assert.equal((await runTool('iscsi-dd', [data, urls[0] ?? ''])).code, 0);
    target.signal(signal);
    assert.deepEqual(await target.exited, { code: 0, signal: null });
    assert.match(target.stderr, /\niscsi-target: stopping\n$/);
    assert.equal((await readFile(file)).subarray(0, 5).toString(), 'hello');
    const again = await startTarget(t, ['-f', file]);
    const read = await runTool('iscsi-dd', ['--count', '5', '-q', again.urls[0] ?? '', '-']);
    assert.equal(read.stdout, 'hello');
  });
}

test('a file that cannot be flushed at the end is told, and decides the exit code', async (t) => {
  const directory = await temporaryDirectory(t);
  const [shim, data, file] = ['shim.mjs', 'data', 'disk.img'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(data, 'hello');
  // A disk that breaks when it is asked to keep what it took.
  await writeFile(
    shim,
    `import { open } from 'node:fs/promises';
const file = await open(${JSON.stringify(data)});
const failure = () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'fsync' }));
Object.assign(Object.getPrototypeOf(file), { sync: failure, datasync: failure });
await file.close();`,
  );
  await writeFile(file, new Uint8Array(1_048_576));
  const target = startTool(t, 'iscsi-target', ['--listen', '127.0.0.1:0', '-f', file], ['--import', shim]);
  await target.waitFor('stderr', /listening on /);
  {
    await using lun = await connect(target.stdout.trim());
    await lun.write(new Uint8Array(512).fill(1), { position: 0 });
  }
  target.signal('SIGTERM');
  assert.deepEqual(await target.exited, { code: 1, signal: null });
  assert.match(target.stderr, /\niscsi-target: cannot stop in order: cannot flush .*disk\.img, and what was written/i);
});

test('a tool that does not stop in order is given up after its patience, with a word', async (t) => {
  const program = join(await temporaryDirectory(t), 'stuck.mjs');
  const [process, tool] = ['process', 'tool'].map((name) => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    return JSON.stringify(new URL(`../../src/cli/${name}.${extension}`, import.meta.url).href);
  });
  await writeFile(
    program,
    `import { runAsProcess } from ${process};
import { tool } from ${tool};
setInterval(() => {}, 1000); // what never ends
await runAsProcess(tool({ name: 'stuck', summary: '', operands: {}, options: {}, epilog: '', patience: 100,
  run: () => { console.log('running'); return new Promise(() => {}); } }));`,
  );
  const stuck = startNode(t, [program]);
  await stuck.waitFor('stdout', /running/);
  stuck.signal('SIGTERM');
  assert.deepEqual(await stuck.exited, { code: 1, signal: null });
  assert.match(stuck.stderr, /^stuck: cannot stop in order: something has not ended within 0\.1 s\n$/);
});

test('--block-size and --read-only count for all units', async (t) => {
  const { urls } = await startTarget(t, ['--block-size', '4K', '--read-only', '-m', '1M']);
  const { stdout } = await runTool('iscsi-readcapacity16', [urls[0] ?? '']);
  assert.match(stdout, /LOGICAL BLOCK LENGTH IN BYTES:4096\n/);
  const write = await runTool('iscsi-dd', ['/dev/zero', urls[0] ?? '', '--count', '4K']);
  assert.equal(write.code, 1);
  assert.match(write.stderr, /write protected/i);
});

test('what it cannot serve is refused in one line', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'disk.img');
  await writeFile(file, Buffer.alloc(1_048_576));
  const { urls } = await startTarget(t, ['-m', '1M']);
  const port = new URL((urls[0] ?? '').replace('iscsi:', 'http:')).port;
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[], 2, /there is nothing to serve; give --memory SIZE or --file PATH/],
    [['-m', '1X'], 2, /argument -m\/--memory: cannot read '1X' as a size/],
    [['-m', '0'], 2, /size/],
    [['-m', '1000'], 2, /1000/],
    [['-f', join(directory, 'none')], 5, /cannot open .*none: no such file or directory; to make it, say how large/],
    [['-f', join(directory, 'no', 'disk')], 5, /: no such file or directory; there is no directory .*no\n/],
    [['-f', join(directory, 'no', 'disk,size=1M')], 5, /: no such file or directory; there is no directory .*no\n/],
    [
      ['-f', join(directory, 'none,size=1M'), '--read-only'],
      5,
      /no such file or directory; it is not made with --read/,
    ],
    [['-f', join(file, 'disk,size=1M')], 1, /a part of the path is no directory\n/],
    [['-f', `${file},size=2M`], 2, /it has 1048576/],
    [['-m', '99P'], 2, /argument -m\/--memory: cannot use '99P' as a size: it is too large, less than 8P allowed\n/],
    [['-m', '1.3'], 2, /cannot use '1.3' as a size: it is no whole number of bytes\n/],
    [
      ['-m', '1M', '-l', 'no.such.host.invalid:0'],
      1,
      /cannot listen on no.such.host.invalid:0: (?!getaddrinfo).*; give --l/,
    ],
    [['-f', directory], 1, /director/],
    [['-m', '1M', '-n', 'disk'], 2, /name/],
    [['-m', '1M', '-l', 'localhost:99999'], 2, /'localhost:99999' is no address and port/],
    [
      ['-m', '1M', '-l', `127.0.0.1:${port}`],
      1,
      /cannot listen on 127\.0\.0\.1:\d+: the port is in use; is another target running\?/,
    ],
    [['-m', '1M', '-l', '192.0.2.1:0'], 1, /cannot listen on 192\.0\.2\.1:0: this machine has no such address/],
    [['-m', '1M', 'extra'], 2, /unrecognized arguments: extra/],
  ];
  for (const [args, code, message] of cases) {
    const done = await runTool('iscsi-target', args);
    assert.equal(done.code, code, `${args.join(' ')}: ${done.stderr}`);
    assert.match(done.stderr, message, args.join(' '));
    assert.match(done.stderr, /^iscsi-target: [^\n]+\n$/);
    assert.equal(done.stdout, '');
  }
});

test('parseListen() takes host and port in every form', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['127.0.0.1:3261', '127.0.0.1', 3261],
    ['localhost', 'localhost', 3260],
    ['3261', '127.0.0.1', 3261],
    [':0', '127.0.0.1', 0],
    ['[::1]:3261', '::1', 3261],
    ['[::]', '::', 3260],
  ];
  for (const [text, host, port] of cases) assert.deepEqual(parseListen(text), { host, port }, text);
  for (const text of ['::1', 'a:b', 'a:', '1.2.3.4:65536'])
    assert.throws(() => parseListen(text), { code: 'USAGE' }, text);
});

test('the limits, the budget and the portals of the command line reach the target', async (t) => {
  const { urls } = await startTarget(t, [
    ...['-m', '1M', '--max-sessions', '1', '--max-logins', '3', '--buffer-memory', '64M', '--keep-alive', '60'],
    ...['--login-time', '5', '--portal', 'storage.example', '--portal', '[2001:db8::1]:4000'],
  ]);
  const portal = /^iscsi:\/\/127\.0\.0\.1:(\d+)/.exec(urls[0] ?? '');
  const { stdout } = await runTool('iscsi-ls', [portal?.[0] ?? '']);
  assert.match(stdout, new RegExp(`storage\\.example:${portal?.[1]},1`));
  assert.match(stdout, /\[2001:db8::1\]:4000,1/);
  await using only = await connect(urls[0] ?? '');
  assert.equal(only.size, 1_048_576);
  await assert.rejects(connect(urls[0] ?? ''), { statusClass: 3, statusDetail: 2 });
});

test('parsePortal() takes host and port in every form', () => {
  assert.deepEqual(parsePortal('storage.example'), { host: 'storage.example' });
  assert.deepEqual(parsePortal('192.0.2.1:3261'), { host: '192.0.2.1', port: 3261 });
  assert.deepEqual(parsePortal('[2001:db8::1]'), { host: '2001:db8::1' });
  assert.deepEqual(parsePortal('[::1]:1'), { host: '::1', port: 1 });
  for (const text of ['', ':3260', '::1', 'a:b', '[]', 'a:1:2']) {
    assert.throws(() => parsePortal(text), { code: 'USAGE' }, text);
  }
});

test('listening to more than this machine without authentication is warned about in one line', async (t) => {
  const warnings = async (listen: string): Promise<number> => {
    const target = startTool(t, 'iscsi-target', ['-m', '1M', '--listen', listen]);
    await target.waitFor('stderr', /listening on /);
    return target.stderr.split('\n').filter((line) => /^iscsi-target: warning: there is no authentication/.test(line))
      .length;
  };
  assert.equal(await warnings('127.0.0.1:0'), 0);
  assert.equal(await warnings('localhost:0'), 0);
  assert.equal(await warnings('0.0.0.0:0'), 1);
});

test('the demonstration runs through and finds everything equal', async () => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`../../src/cli/demo.${extension}`, import.meta.url));
  const { code, stdout, stderr } = await runProcess(process.execPath, [program], { timeout: PATIENCE });
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/\(equal\)/g)?.length, 2);
});
