/** `iscsi-ls`, `iscsi-inq` and `iscsi-readcapacity16` against our own target. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../src/cli/exit.ts';
import { createTarget } from '../../src/server/index.ts';
import { PATIENCE } from '../support/loop-time.ts';
import { freePort } from '../support/ports.ts';
import type { Cleanup } from '../support/process.ts';
import { REPOSITORY } from '../support/repository.ts';
import { runInShell, runTool, type ToolName } from './run-tool.ts';

const NAME = 'iqn.2003-01.org.example:disk';

async function serve(t: Cleanup) {
  const target = await createTarget({
    name: NAME,
    luns: [{ memory: '64M' }, { memory: '1M', blockSize: 4096 }, { memory: '1M', lun: 300 }],
  }).listen({ port: 0 });
  t.after(() => target.close());
  return { target, portal: `iscsi://127.0.0.1:${target.port}` };
}

test('iscsi-ls lists targets, with -U as URLs, and with -s their logical units with true sizes', async (t) => {
  const { target, portal } = await serve(t);
  const line = `Target:${NAME} Portal:127.0.0.1:${target.port},1\n`;
  const plain = await runTool('iscsi-ls', [portal]);
  assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, line, '']);
  const urls = await runTool('tsiscsi', ['ls', '--url', portal]);
  assert.deepEqual([urls.code, urls.stdout], [0, `${portal}/${NAME}/0\n`]);
  const luns = await runTool('iscsi-ls', ['-s', target.url(1)]);
  assert.equal(
    luns.stdout,
    `${line}Lun:0    Type:DIRECT_ACCESS (Size:64M)\nLun:1    Type:DIRECT_ACCESS (Size:1M)\nLun:300  Type:DIRECT_ACCESS (Size:1M)\n`,
  );
  assert.deepEqual([luns.code, luns.stderr], [0, '']);
});

test('iscsi-ls --json gives one document', async (t) => {
  const { target, portal } = await serve(t);
  const { code, stdout } = await runTool('iscsi-ls', ['--show', '--json', portal]);
  const document = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.deepEqual([document.schemaVersion, document.complete, document.targets.length], [1, true, 1]);
  const [{ name, portals }] = document.targets;
  assert.deepEqual(
    [name, portals[0].host, portals[0].port, portals[0].portalGroupTag],
    [NAME, '127.0.0.1', target.port, 1],
  );
  assert.deepEqual(
    portals[0].luns.map((lun: Record<string, unknown>) => [lun['lun'], lun['size'], lun['blocks'], lun['blockSize']]),
    [
      ['0', 67_108_864, 131_072, 512],
      ['1', 1_048_576, 256, 4096],
      ['300', 1_048_576, 2048, 512],
    ],
  );
});

test('iscsi-readcapacity16 shows the capacity, with -s the size alone, with --json a document', async (t) => {
  const { target } = await serve(t);
  const text = await runTool('iscsi-readcapacity16', [target.url(1)]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^RETURNED LOGICAL BLOCK ADDRESS:255\nLOGICAL BLOCK LENGTH IN BYTES:4096\n/);
  assert.match(text.stdout, /\nTotal size:1048576\n$/);
  const size = await runTool('iscsi-readcapacity16', ['-s', target.url(0)]);
  assert.equal(size.stdout, '67108864\n');
  const { schemaVersion, blocks, blockSize } = JSON.parse(
    (await runTool('iscsi-readcapacity16', ['--json', target.url(1)])).stdout,
  );
  assert.deepEqual(
    { schemaVersion, size: blocks * blockSize, blocks },
    { schemaVersion: 1, size: 1_048_576, blocks: 256 },
  );
});

test('iscsi-inq shows standard data, every page by decimal or hex number, and all pages at once', async (t) => {
  const { target } = await serve(t);
  const url = target.url(0);
  const standard = await runTool('iscsi-inq', [url]);
  assert.equal(standard.code, 0, standard.stderr);
  assert.match(standard.stdout, /^Peripheral Qualifier:CONNECTED\nPeripheral Device Type:DIRECT_ACCESS\nRemovable:0\n/);
  const decimal = await runTool('iscsi-inq', ['-e', '1', '-c', '131', url]);
  const hex = await runTool('iscsi-inq', ['--evpd=1', '--page=0x83', url]);
  assert.match(decimal.stdout, /Page Code:\(0x83\) DEVICE_IDENTIFICATION\nDEVICE DESIGNATOR #0\n/);
  assert.equal(hex.stdout, decimal.stdout);
  const all = await runTool('iscsi-inq', ['-a', url]);
  assert.equal(all.code, 0, all.stderr);
  for (const part of [standard.stdout, decimal.stdout]) assert.ok(all.stdout.includes(part));
});

test('iscsi-inq --json gives fields and bytes', async (t) => {
  const { target } = await serve(t);
  const { stdout } = await runTool('iscsi-inq', ['-e1', '-c0x80', '--json', target.url(0)]);
  const { schemaVersion, evpd, pageCode, pageName, data, raw } = JSON.parse(stdout);
  assert.deepEqual([schemaVersion, evpd, pageCode, pageName], [1, true, 128, 'UNIT_SERIAL_NUMBER']);
  assert.equal(raw.slice(0, 4), '0080');
  assert.equal(Buffer.from(raw.slice(8), 'hex').toString().trim(), data.serialNumber);
});

test('iscsi-inq -c without -e is refused by the target, and the hint says why', async (t) => {
  const { target } = await serve(t);
  const { code, stderr, stdout } = await runTool('iscsi-inq', ['-c', '0x83', '--json', target.url(0)]);
  assert.equal(code, 1);
  assert.match(stderr, /^iscsi-inq: INQUIRY ended with CHECK CONDITION: .*invalid field in CDB.*; -c needs -e 1\n$/);
  const { error } = JSON.parse(stdout);
  assert.equal(error.code, 'ISCSI_SCSI_STATUS');
  assert.deepEqual([error.sense.key, error.sense.asc, error.sense.ascq], ['ILLEGAL_REQUEST', 0x24, 0]);
});

test('a page that the device does not have is refused with a hint at the list of those that it has', async (t) => {
  const { target } = await serve(t);
  const { code, stderr, stdout } = await runTool('iscsi-inq', ['-e', '1', '-c', '0xc0', target.url(0)]);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /invalid field in CDB.*; it may have no such page: -e 1 alone lists those that it has\n$/);
  const listed = await runTool('iscsi-inq', ['-e', '1', target.url(0)]);
  assert.match(listed.stdout, /^Page:0x00 SUPPORTED_VPD_PAGES\n/);
});

test('each way not to get through has its exit code and one line', async (t) => {
  const { target, portal } = await serve(t);
  const closed = await freePort();
  const cases = [
    [
      'iscsi-ls',
      [`iscsi://127.0.0.1:${closed}`],
      3,
      `cannot connect to 127.0.0.1:${closed}: connection refused; is a target listening there?`,
    ],
    ['iscsi-ls', ['http://127.0.0.1'], 2, 'cannot read URL'],
    ['iscsi-ls', [], 2, 'the following arguments are required: PORTAL'],
    ['iscsi-inq', [`${portal}/${NAME}/7`], 5, `cannot open LUN 7 of ${NAME}`],
    ['iscsi-inq', [`${portal}/${NAME}x/0`], 5, `cannot log in to ${NAME}x`],
    ['iscsi-inq', ['-e', 'abc', target.url(0)], 2, "argument -e/--evpd: 'abc' is not a whole number"],
    ['iscsi-readcapacity16', ['--nope', target.url(0)], 2, 'unrecognized arguments: --nope'],
  ] as const;
  for (const [name, args, code, message] of cases) {
    const done = await runTool(name, args);
    assert.equal(done.code, code, `${name} ${args.join(' ')}: ${done.stderr}`);
    assert.equal(done.stdout, '');
    assert.ok(done.stderr.startsWith(`${name}: ${message}`), done.stderr);
    assert.match(done.stderr, /^[^\n]+\n$/);
  }
});

test('a password is in nothing that a tool prints', async () => {
  const url = `iscsi://alice%s3cr3t-pw@127.0.0.1:${await freePort()}`;
  for (const args of [[url], ['--json', url], ['--debug', url], [url, url], [`${url}:x:y`], ['--timeout', url]]) {
    const { stdout, stderr, code } = await runTool('iscsi-ls', args);
    assert.notEqual(code, 0);
    assert.doesNotMatch(stdout + stderr, /s3cr3t/, args.join(' '));
  }
});

test('a portal that never answers is given up after --connect-timeout', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  t.after(async () => void silent.close());
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  const done = await runTool('iscsi-ls', ['--connect-timeout', '0.3', `iscsi://127.0.0.1:${address.port}`]);
  assert.equal(done.code, 3);
  assert.match(done.stderr, /no answer within 300 ms/);
  assert.ok(done.duration < PATIENCE);
});

test('a reader that goes away ends iscsi-ls without a word', async (t) => {
  const { portal } = await serve(t);
  const { stdout, stderr } = await runInShell('"$@" | true; echo "$PIPESTATUS"', 'iscsi-ls', ['-s', portal]);
  assert.equal(stderr, '');
  assert.match(stdout, /^[01]\n$/); // 0 when everything was in the pipe before its reader went
});

test('standard output that cannot be written to is said', async (t) => {
  const { portal } = await serve(t);
  const { code, stderr } = await runInShell('"$@" >/dev/full', 'iscsi-ls', [portal]);
  assert.equal(code, 1);
  assert.match(stderr, /cannot write to standard output: no space left on the device/);
});

test('tsiscsi names its tools, and refuses others', async () => {
  const help = await runTool('tsiscsi', ['--help']);
  assert.equal(help.code, 0);
  for (const word of ['ls', 'inq', 'readcapacity16', 'dd', 'target'])
    assert.match(help.stdout, new RegExp(`^  ${word} `, 'm'));
  const unknown = await runTool('tsiscsi', ['swp']);
  assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
  assert.match(unknown.stderr, /^tsiscsi: there is no tool 'swp'/);
  const nested = await runTool('tsiscsi', ['help', 'dd']);
  assert.match(nested.stdout, /^usage: tsiscsi dd /);
  for (const option of ['-u', '--usage']) {
    const usage = await runTool('tsiscsi', [option]);
    assert.deepEqual([usage.code, usage.stdout], [0, 'usage: tsiscsi TOOL [OPTIONS] ...\n']);
  }
  for (const args of [['swp', '--json'], ['--json'], ['help', 'swp', '--json']]) {
    const { code, stdout, stderr } = await runTool('tsiscsi', args);
    assert.deepEqual([code, JSON.parse(stdout).error.code], [2, 'USAGE'], args.join(' '));
    assert.match(stderr, /^tsiscsi: [^\n]+; name one of ls, inq, [^\n]+\n$/);
  }
});

test('each tool calls itself as it was called', async () => {
  const dead = `iscsi://127.0.0.1:${await freePort()}/${NAME}/0`;
  for (const word of ['ls', 'inq', 'readcapacity16', 'dd', 'target']) {
    const args = word === 'dd' ? [dead, '-'] : word === 'target' ? ['-m', '1X'] : [dead];
    for (const [called, name, before] of [
      [`tsiscsi ${word}`, 'tsiscsi', [word]],
      [`tsiscsi ${word}`, 'tsiscsi', [`iscsi-${word}`]],
      [`iscsi-${word}`, `iscsi-${word}` as ToolName, []],
    ] as const) {
      const failed = await runTool(name, [...before, ...args]);
      assert.ok(failed.stderr.startsWith(`${called}: `), failed.stderr);
      const usage = await runTool(name, [...before, '-u']);
      assert.match(usage.stdout, new RegExp(`^usage: ${called} [^\n]+\n$`));
    }
  }
});

test('help and docs/tools.md list the keys of URLs and the exit codes', async () => {
  const { stdout: help } = await runTool('iscsi-inq', ['--help']);
  const page = await readFile(join(REPOSITORY, 'docs', 'tools.md'), 'utf8');
  const source = await readFile(join(REPOSITORY, 'src', 'client', 'url.ts'), 'utf8');
  const [, list = ''] = /const KNOWN_KEYS[^[]*\[([^\]]*)\]/.exec(source) ?? [];
  const keys = [...list.matchAll(/'(\w+)'/g)].map(([, key = '']) => key);
  assert.ok(keys.length >= 6);
  for (const key of keys) {
    assert.match(help, new RegExp(`^  (\\w+, )?${key}\\b`, 'm'), key);
    assert.ok(page.includes(`\`${key}\``), key);
  }
  for (const code of Object.values(EXIT)) {
    assert.match(help, new RegExp(`(: |, |,\n)${code} [a-z]`), `${code}`);
    assert.match(page, new RegExp(`^\\|.*\\b${code}\\b.*\\|`, 'm'), `${code}`);
  }
});
