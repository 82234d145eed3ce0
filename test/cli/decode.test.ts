/** `iscsi-decode`, and `--capture` of the other tools, as processes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { createTarget } from '../../src/server/index.ts';
import type { Cleanup } from '../support/process.ts';
import { startRelay } from '../support/relay.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runInShell, runTool, startTarget } from './run-tool.ts';

const NAME = 'iqn.2003-01.org.example:disk';

/** A target with two disks, and a capture of `iscsi-inq` that asks the second for a page that it does not have. */
async function inquiry(t: Cleanup) {
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }, { memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'inq.pcapng');
  const run = await runTool('iscsi-inq', ['--capture', file, '-e', '1', '-c', '0xc0', target.url(1)]);
  return { file, directory, target, run };
}

test('a capture is shown line by line, with what is wrong, and the exit code says so', async (t) => {
  const { file, run, target } = await inquiry(t);
  assert.equal(run.code, 1);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const { code, stdout, stderr } = await runTool('iscsi-decode', [file]);
  assert.deepEqual([code, stderr], [6, '']);
  const lines = stdout.split('\n');
  assert.match(
    lines[0] ?? '',
    new RegExp(`^  0\\.000000 #1 - 127\\.0\\.0\\.1:\\d+ to 127\\.0\\.0\\.1:${target.port}$`),
  );
  assert.ok(lines.some((line) => /#1 > Login Request: operational, on to full feature \[0x00000000\]$/.test(line)));
  assert.ok(
    lines.some((line) => /#1 > SCSI Command: INQUIRY evpd, page code 192, allocation length 255, LUN 1/.test(line)),
  );
  assert.ok(
    lines.some((line) =>
      /#1 < SCSI Response: CHECK CONDITION, 255 bytes less than asked for \[0x[0-9a-f]{8}\] after \d+\.\d{3} ms$/.test(
        line,
      ),
    ),
  );
  assert.ok(
    lines.includes(
      '              ! INQUIRY evpd, page code 192, allocation length 255 ended with CHECK CONDITION: ILLEGAL REQUEST, invalid field in CDB (05/24/00), byte 2 of the CDB',
    ),
    stdout,
  );
  assert.match(lines.at(-2) ?? '', /^\d+ packets, 1 iSCSI connection, \d+ PDUs; 1 thing is wrong$/);
});

test('-v shows fields, keys, CDBs and data; -e, -l, -t and -c choose', async (t) => {
  const { file } = await inquiry(t);
  const verbose = await runTool('iscsi-decode', ['-v', file]);
  for (const expected of [
    /InitiatorName=iqn\./,
    /CDB 1201c000ff00/,
    /cmdSN \d+/,
    /0000 {2}00 00 06 12/,
    /sense: ILLEGAL REQUEST/,
  ]) {
    assert.match(verbose.stdout, expected);
  }
  const errors = await runTool('iscsi-decode', ['-e', file]);
  assert.equal(errors.stdout.trimEnd().split('\n').length, 3);
  const tag = /CHECK CONDITION.* \[(0x[0-9a-f]{8})\]/.exec(errors.stdout)?.[1] ?? '';
  const ofTag = await runTool('iscsi-decode', ['-t', tag, file]);
  assert.deepEqual(ofTag.stdout.split('\n').filter((line) => line.includes('#1')).length, 2);
  const ofLun = await runTool('iscsi-decode', ['-l', '0', file]);
  assert.equal(ofLun.stdout.trimEnd().split('\n').length, 1, 'nothing of LUN 0 but the totals');
  const second = await runTool('iscsi-decode', ['-l', '1', file]);
  assert.ok(second.stdout.split('\n').length > 4);
  const none = await runTool('iscsi-decode', ['-c', '2', file]);
  assert.equal(none.stdout.trimEnd().split('\n').length, 1);
  const port = await runTool('iscsi-decode', ['-p', '1', file]);
  assert.match(port.stderr, /there is no iSCSI in it; --port tells where it is/);
});

test('--json is one document with events, commands, sense and totals', async (t) => {
  const { file } = await inquiry(t);
  const { code, stdout } = await runTool('iscsi-decode', ['--json', file]);
  assert.equal(code, 6);
  const { schemaVersion, events, totals, complete } = JSON.parse(stdout);
  assert.deepEqual([schemaVersion, complete, totals.connections, totals.problems], [1, true, 1, 1]);
  const command = events.find((event: { command?: { name: string } }) => event.command?.name === 'INQUIRY');
  assert.equal(command.from, 'initiator');
  assert.equal(command.lun, '1');
  const refused = events.find((event: { sense?: object }) => event.sense !== undefined);
  assert.deepEqual([refused.sense.key, refused.sense.asc, refused.problems.length], ['ILLEGAL_REQUEST', 0x24, 1]);
  assert.ok(events.some((event: { keys?: string[] }) => event.keys?.includes(`TargetName=${NAME}`)));
  const nothing = await runTool('iscsi-decode', ['--json', '-c', '9', file]);
  assert.deepEqual(JSON.parse(nothing.stdout).events, []);
});

test('what is no capture, is cut, is damaged or is not there, is said in a line', async (t) => {
  const { file, directory } = await inquiry(t);
  const bytes = await readFile(file);
  const [noise, cut, damaged] = ['noise', 'cut', 'damaged'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(noise, Buffer.alloc(1000, 0x41));
  await writeFile(cut, bytes.subarray(0, bytes.length - 30));
  const broken = Buffer.from(bytes);
  broken.writeUInt32LE(0xffff_fff0, bytes.length - 4);
  await writeFile(damaged, broken);
  const run = async (...args: readonly string[]) => {
    const { code, stderr } = await runTool('iscsi-decode', args);
    return [code, stderr.trimEnd()];
  };
  assert.deepEqual(await run(noise), [
    1,
    'iscsi-decode: cannot read the file as a capture: it is neither pcapng nor pcap',
  ]);
  assert.match(String((await run(cut))[1]), /^iscsi-decode: the file ends within a packet: \d+ bytes of it are there$/);
  const [code, text] = await run(damaged);
  assert.equal(code, 1);
  assert.match(
    String(text),
    /^iscsi-decode: cannot read the capture any further: at byte \d+ it has a block with two lengths$/,
  );
  assert.deepEqual(await run(join(directory, 'none')), [
    5,
    `iscsi-decode: cannot read ${join(directory, 'none')}: no such file or directory`,
  ]);
  const [usage, words] = await run('-l', 'x', file);
  assert.equal(usage, 2);
  assert.match(String(words), /^iscsi-decode: argument -l\/--lun: /);
  const json = await runTool('iscsi-decode', ['--json', noise]);
  assert.equal(JSON.parse(json.stdout).error.code, 'NOT_A_CAPTURE');
  const damagedJson = JSON.parse((await runTool('iscsi-decode', ['--json', damaged])).stdout);
  assert.deepEqual([damagedJson.complete, damagedJson.error.code], [false, 'NOT_A_CAPTURE']);
});

test('of a session that was lost and came back, it shows both connections, and what was sent again', async (t) => {
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  const relay = await startRelay(t, { to: target.port });
  const url = `iscsi://127.0.0.1:${relay.port}/${NAME}/0`;
  const lun = await connect(url, { reconnect: { firstDelay: 1, maxDelay: 20 } });
  const back = once(lun.session, 'reconnected');
  const write = lun.write(new Uint8Array(512).fill(7), { position: 2 * 512 });
  relay.connections[0]?.cut(); // what is submitted goes to the socket in this turn, and into the recording
  await write;
  await back;
  const file = join(await temporaryDirectory(t), 'twice.pcapng');
  await lun.session.capture(file);
  await lun.close();
  const { code, stdout } = await runTool('iscsi-decode', [file]);
  const lines = stdout.trimEnd().split('\n');
  const starts = lines.filter((line) => /#[12] - 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+$/.test(line));
  assert.equal(starts.length, 2, stdout);
  for (const number of [1, 2])
    assert.ok(
      lines.some((line) => line.includes(`#${number} > Login Request: operational`)),
      stdout,
    );
  const writes = lines.filter((line) => /> SCSI Command: WRITE\(10\) logical block address 2,/.test(line));
  assert.deepEqual(
    writes.map((line) => /#\d/.exec(line)?.[0]),
    ['#1', '#2'],
    stdout,
  );
  assert.ok(
    lines.some((line) => /! .*without a logout/.test(line)),
    stdout,
  );
  assert.match(lines.at(-1) ?? '', /2 iSCSI connections, \d+ PDUs; 2 things are wrong$/);
  assert.equal(code, 6);
});

test('that a session has forgotten its older PDUs is told, and nothing is wrong with it', async (t) => {
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  const lun = await connect(target.url(), { recordLength: 16_384 });
  for (let number = 0; number < 600; number++) await lun.read(new Uint8Array(512), { position: 512 * number });
  const file = join(await temporaryDirectory(t), 'forgotten.pcapng');
  await lun.session.capture(file);
  await lun.close();
  const { code, stdout } = await runTool('iscsi-decode', ['--port', `${target.port}`, file]);
  assert.match(stdout, /^ *[\d.]+ #1 - older PDUs made room for later ones$/m);
  assert.match(stdout, /1 iSCSI connection, \d+ PDUs; nothing is wrong$/m);
  assert.equal(code, 0);
});

test('a capture comes from standard input too, and whoever stops reading is no problem', async (t) => {
  const { file } = await inquiry(t);
  const piped = await runInShell(`"$@" - < ${file}`, 'iscsi-decode', []);
  assert.match(piped.stdout, /1 iSCSI connection/);
  const head = await runInShell(`"$@" ${file} | head -1`, 'iscsi-decode', []);
  assert.deepEqual([head.stdout.trimEnd().split('\n').length, head.stderr], [1, '']);
});

test('--capture is in every tool that talks to somebody, the target included; --capture-data has all data', async (t) => {
  const directory = await temporaryDirectory(t);
  const [served, copied] = [join(directory, 'served.pcapng'), join(directory, 'copied.pcapng')];
  const { process, urls } = await startTarget(t, ['--memory', '1M', '--capture', served]);
  const [url = ''] = urls;
  const copy = join(directory, 'copy');
  for (const [tool, args] of [
    ['iscsi-ls', ['-s', url]],
    ['iscsi-readcapacity16', [url]],
    ['iscsi-doctor', [url]],
    ['iscsi-dd', ['--capture-data', url, copy]],
  ] as const) {
    const file = tool === 'iscsi-dd' ? copied : join(directory, `${tool}.pcapng`);
    const { code, stderr } = await runTool(tool, ['--capture', file, ...args]);
    assert.equal(code, 0, stderr);
    const { stdout } = await runTool('iscsi-decode', [file]);
    assert.match(stdout, /iSCSI connections?, \d+ PDUs; nothing is wrong$/m, tool);
  }
  assert.ok((await stat(copied)).size > 2 ** 20);
  await process.stop('SIGTERM');
  const { stdout } = await runTool('iscsi-decode', [served]);
  assert.match(stdout, /SCSI Command: READ CAPACITY\(16\)/);
});

test('a capture that cannot be written, and options that do not go together, are refused before anything is sent', async () => {
  const url = 'iscsi://127.0.0.1:1/iqn.2003-01.org.example:none/0';
  const run = async (...args: readonly string[]) => {
    const { code, stderr } = await runTool('iscsi-inq', [...args, url]);
    return [code, stderr.trimEnd()];
  };
  assert.deepEqual(await run('--capture', '/nowhere/file'), [
    5,
    'iscsi-inq: cannot write the capture /nowhere/file: no such file or directory',
  ]);
  assert.deepEqual(await run('--capture-data'), [2, 'iscsi-inq: --capture-data goes with --capture FILE']);
  assert.deepEqual(await run('--capture', '-'), [2, "iscsi-inq: argument --capture: '-' is no file name"]);
});

test('passwords of the URL are in no capture', async (t) => {
  const { directory, target } = await inquiry(t);
  const file = join(directory, 'secret.pcapng');
  const url = target.url(0).replace('://', '://user%very-secret-word@');
  await runTool('iscsi-inq', ['--capture', file, url]);
  assert.ok(!(await readFile(file)).includes('very-secret-word'));
});
