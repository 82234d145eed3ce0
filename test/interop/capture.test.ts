/** Captures: ours as tshark reads them, and those of others as we read them. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts';
import type { CaptureEvent, PduEvent } from '../../src/capture/conversation.ts';
import { CaptureFile, type ConnectOptions, connect, discover } from '../../src/index.ts';
import { createTarget } from '../../src/server/index.ts';
import { OPCODES } from '../../src/spec/iscsi-opcodes.ts';
import { dialog } from '../capture/dialog.ts';
import { startCapture } from '../support/capture.ts';
import { iscsiInq, iscsiLs } from '../support/libiscsi-tools.ts';
import { checkCapture, readFields } from '../support/oracle.ts';
import { requirePeer } from '../support/peers.ts';
import { runProcess } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startTgtd } from '../support/tgtd.ts';
import { tshark } from '../support/tshark.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const KiB = 1024;

async function decoded(path: string): Promise<{ readonly pdus: PduEvent[]; readonly problems: string[] }> {
  const events: CaptureEvent[] = [];
  const decoder = new CaptureDecoder((event) => events.push(event));
  decoder.push(await readFile(path));
  decoder.end();
  const problems = events.flatMap((event) =>
    event.kind === 'pdu' ? event.problems : event.problem ? [event.line] : [],
  );
  return { pdus: events.filter((event) => event.kind === 'pdu'), problems };
}

/** How many PDUs of each opcode. */
function counts(opcodes: readonly number[]): Record<number, number> {
  const found: Record<number, number> = {};
  for (const opcode of opcodes) found[opcode] = (found[opcode] ?? 0) + 1;
  return found;
}

/** What tshark makes of a file as it is: opcodes, and whatever it complains of. */
async function asTshark(file: string, port: number) {
  const opcodes: number[] = [];
  const complaints: string[] = [];
  const fields = ['frame.number', 'iscsi.opcode', 'tcp.analysis.flags', '_ws.malformed', '_ws.expert.severity'];
  const args = [
    '-T',
    'fields',
    '-E',
    'occurrence=a',
    '-E',
    'aggregator=,',
    ...fields.flatMap((field) => ['-e', field]),
  ];
  await tshark(file, port, args, (line) => {
    const [frame, opcode = '', analysis = '', malformed = ''] = line.split('\t');
    opcodes.push(
      ...opcode
        .split(',')
        .filter((one) => one !== '')
        .map(Number),
    );
    if (analysis !== '' || malformed !== '') complaints.push(`frame ${frame}: ${analysis} ${malformed}`);
  });
  const filter = ['-Y', 'tcp.len > 0 && !iscsi && !tcp.reassembled_in && tcp.analysis.flags'];
  await tshark(file, port, filter, (line) => complaints.push(line));
  return { opcodes: counts(opcodes), complaints };
}

/** A session that does a little of everything. */
async function work(url: string, options: ConnectOptions, path: string) {
  await using lun = await connect(url, options);
  await lun.write(new Uint8Array(512), { position: 0 });
  await lun.write(new Uint8Array(300 * KiB), { position: 0 });
  await lun.read(new Uint8Array(512), { position: 0 });
  await lun.read(new Uint8Array(300 * KiB), { position: 0 });
  await lun.inquiry(0xc0).catch(() => undefined);
  await lun.flush();
  return lun.session.capture(path);
}

for (const digest of ['none', 'crc32c'] as const) {
  const options = { headerDigest: digest, dataDigest: digest };
  test(`tshark takes what the recorder wrote of a session with tgtd, digests ${digest}, and sees the same PDUs`, async (t) => {
    if (!requirePeer(t, 'tshark', 'tshark') || !requirePeer(t, 'tgtd', 'tgt')) return;
    const value = digest === 'none' ? 'None' : 'CRC32C';
    const params = { HeaderDigest: value, DataDigest: value } as const;
    const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 4 }], params }] });
    const file = join(await temporaryDirectory(t), 'ring.pcapng');
    const summary = await work(tgtd.url(NAME, 1), options, file);
    assert.equal(summary.complete, true);
    const seen = await asTshark(file, tgtd.port);
    assert.deepEqual(seen.complaints, []);
    const { pdus, problems } = await decoded(file);
    assert.deepEqual(counts(pdus.map(({ pdu }) => (pdu.headers[0] ?? 0) & 0x3f)), seen.opcodes);
    assert.ok((seen.opcodes[OPCODES.SCSI_COMMAND] ?? 0) >= 6);
    assert.ok(
      problems.every((problem) => /^INQUIRY evpd, page code 192/.test(problem)),
      problems.join('\n'),
    );
  });

  test(`tshark finds every length and digest right in a file with all data, digests ${digest}, over IPv6 too`, async (t) => {
    if (!requirePeer(t, 'tshark', 'tshark')) return;
    for (const host of ['127.0.0.1', '::1']) {
      await using target = await createTarget({ name: NAME, luns: [{ memory: '1M' }] }).listen({ host, port: 0 });
      const file = join(await temporaryDirectory(t), 'whole.pcapng');
      const ring = join(await temporaryDirectory(t), 'ring.pcapng');
      {
        using capture = CaptureFile.open(file, { wholeData: true });
        await work(target.url(0), { ...options, capture }, ring);
        for await (const { name } of discover(target.url(0), { capture })) assert.equal(name, NAME);
      }
      const on = digest === 'crc32c';
      const report = await checkCapture(file, target.port, {
        expect: {
          streams: 2,
          opcodes: [OPCODES.SCSI_COMMAND, OPCODES.DATA_IN],
        },
      });
      assert.deepEqual(report.problems, []);
      assert.equal(
        report.streams.some(({ headerDigest }) => headerDigest),
        on,
      );
      assert.deepEqual((await asTshark(file, target.port)).complaints, []);
    }
  });
}

test('what the target side writes is taken by tshark as well', async (t) => {
  if (!requirePeer(t, 'tshark', 'tshark') || !requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const file = join(await temporaryDirectory(t), 'target.pcapng');
  const capture = CaptureFile.open(file, { wholeData: true });
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }], capture }).listen({ port: 0 });
  const { port } = target;
  const { code, stderr } = await iscsiLs(['-s', `iscsi://127.0.0.1:${port}`]);
  await target.close();
  capture.close();
  assert.equal(code, 0, stderr);
  assert.deepEqual((await checkCapture(file, port, { expect: { streams: 2 } })).problems, []);
  assert.deepEqual((await asTshark(file, port)).complaints, []);
});

/** A live capture, made by dumpcap, of libiscsi's tools and tgtd, none of which is ours. */
async function foreign(t: TestContext): Promise<{ readonly file: string; readonly port: number } | undefined> {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return undefined;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 4 }] }] });
  const capture = await startCapture(t, tgtd.port);
  if (capture === undefined) return undefined;
  await iscsiLs(['-s', `iscsi://${tgtd.portal}`]);
  await iscsiInq([tgtd.url(NAME, 1)]);
  await iscsiInq([tgtd.url('iqn.2003-01.org.example:none', 1)]);
  await iscsiInq([tgtd.url(NAME, 9)]);
  return { file: await capture.finish(), port: tgtd.port };
}

test("a capture of libiscsi's tools and tgtd has the PDUs that tshark finds, and what went wrong in words", async (t) => {
  const made = await foreign(t);
  if (made === undefined) return;
  const rows = await readFields(made.file, made.port, ['iscsi.opcode']);
  const { pdus, problems } = await decoded(made.file);
  const opcodes = rows.flatMap((row) => row['iscsi.opcode'].map(Number));
  assert.ok(opcodes.length > 20);
  assert.deepEqual(counts(pdus.map(({ pdu }) => (pdu.headers[0] ?? 0) & 0x3f)), counts(opcodes));
  assert.ok(
    problems.some((problem) => /^login refused: not found/.test(problem)),
    problems.join('\n'),
  );
  assert.ok(problems.some((problem) => /TEST UNIT READY ended with CHECK CONDITION: ILLEGAL REQUEST/.test(problem)));
  assert.ok(pdus.some(({ text }) => text.includes(`TargetName=${NAME}`)));

  if (!requirePeer(t, 'editcap', 'wireshark-common')) return;
  for (const format of ['pcap', 'nsecpcap']) {
    const file = `${made.file}.${format}`;
    const { code, stderr } = await runProcess('editcap', ['-F', format, made.file, file], { timeout: 60_000 });
    assert.equal(code, 0, stderr);
    const again = await decoded(file);
    assert.deepEqual(
      again.pdus.map(({ line }) => line),
      pdus.map(({ line }) => line),
      format,
    );
  }
});

test('packets that text2pcap made of a hex dump are read', async (t) => {
  if (!requirePeer(t, 'text2pcap', 'wireshark-common')) return;
  const directory = await temporaryDirectory(t);
  const dump = dialog().map(({ fromInitiator, bytes }) => {
    const octets = toHex(bytes).replace(/(..)/g, ' $1');
    return `${fromInitiator ? 'O' : 'I'}\n000000${octets}\n`;
  });
  const [text, file] = [join(directory, 'dump.txt'), join(directory, 'dump.pcapng')];
  await writeFile(text, dump.join(''));
  const { code, stderr } = await runProcess('text2pcap', ['-D', '-T', '40000,3260', text, file], { timeout: 60_000 });
  assert.equal(code, 0, stderr);
  const { pdus } = await decoded(file);
  assert.deepEqual(
    pdus.map(({ pdu }) => (pdu.headers[0] ?? 0) & 0x3f),
    dialog().map(({ bytes }) => (bytes[0] ?? 0) & 0x3f),
  );
});
