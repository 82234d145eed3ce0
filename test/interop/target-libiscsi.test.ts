/**
 * Our target under initiators that we did not write: libiscsi's tools and QEMU's iSCSI driver. Small runs are watched
 * by tshark.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startCapture } from '../support/capture.ts';
import { iscsiInq, iscsiLs, iscsiPerf, iscsiReadCapacity16, qemuImg, qemuIo } from '../support/libiscsi-tools.ts';
import { checkCapture } from '../support/oracle.ts';
import { Pattern, seedOfRun, sha256OfFile } from '../support/pattern.ts';
import { requirePeer } from '../support/peers.ts';
import type { Completed } from '../support/process.ts';
import { startRelay } from '../support/relay.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { relayProblems } from '../support/watch.ts';
import { NAME, serve } from './our-target.ts';

const MiB = 2 ** 20;
const DATA_OUT = 0x05;
const DATA_IN = 0x25;
const TEXT_RESPONSE = 0x24;

function libiscsiIsHere(t: TestContext): boolean {
  return requirePeer(t, 'iscsi-ls', 'libiscsi-bin');
}

/** QEMU without its block drivers would take the URL for an unknown protocol; that failure names itself. */
function qemuIsHere(t: TestContext): boolean {
  return requirePeer(t, 'qemu-img', 'qemu-utils') && requirePeer(t, 'qemu-io', 'qemu-utils');
}

function succeeded({ code, timedOut, stdout, stderr }: Completed): string {
  assert.equal(code, 0, `${timedOut ? 'killed at its deadline' : `exit code ${code}`}\n${stdout}\n${stderr}`);
  return stdout;
}

test('iscsi-ls -s shows the target and its disk', async (t) => {
  if (!libiscsiIsHere(t)) return;
  const { portal } = await serve(t, { sizeMiB: 16 });
  const lines = succeeded(await iscsiLs(['-s', `iscsi://${portal}`])).split('\n');
  assert.equal(lines[0], `Target:${NAME} Portal:${portal},1`);
  // The tool takes the last LBA for the count of blocks.
  assert.match(lines.slice(1).join('\n'), /^Lun:\d+ +Type:DIRECT_ACCESS \(Size:15M\)$/m);
});

test('iscsi-inq understands the standard INQUIRY data', async (t) => {
  if (!libiscsiIsHere(t)) return;
  const { url } = await serve(t, { sizeMiB: 16 });
  const text = succeeded(await iscsiInq([url]));
  for (const line of [
    'Peripheral Qualifier:CONNECTED',
    'Peripheral Device Type:DIRECT_ACCESS',
    'Removable:0',
    'ReponseDataFormat:2',
    'CmdQue:1',
  ]) {
    assert.ok(text.split('\n').includes(line), `"${line}" is missing in\n${text}`);
  }
  assert.match(text, /^Vendor:TSISCSI \nProduct:VIRTUAL DISK {4}\nRevision:.{4}$/m);
});

// Release 1.19 reads page codes as decimal numbers.
const PAGES: readonly (readonly [page: string, code: number, expected: readonly RegExp[]])[] = [
  ['00h', 0x00, [/^Page:0x80 UNIT_SERIAL_NUMBER$/m, /^Page:0x83 DEVICE_IDENTIFICATION$/m, /^Page:0xb0 BLOCK_LIMITS$/m]],
  ['80h', 0x80, [/^Unit Serial Number:\[ *\S.*\]$/m]],
  [
    '83h',
    0x83,
    [/^Page Code:\(0x83\) DEVICE_IDENTIFICATION$/m, /^DEVICE DESIGNATOR #0$/m, /^Designator Type:\(3\) NAA$/m],
  ],
  ['B0h', 0xb0, [/^wsnz:[01]$/m, /^maximum transfer length:\d+$/m, /^maximum unmap lba count:\d+$/m]],
];
for (const [page, code, expected] of PAGES) {
  test(`iscsi-inq understands VPD page ${page}`, async (t) => {
    if (!libiscsiIsHere(t)) return;
    const { url } = await serve(t, { sizeMiB: 16 });
    const text = succeeded(await iscsiInq(['-e', '1', '-c', String(code), url]));
    for (const pattern of expected) assert.match(text, pattern);
  });
}

test('iscsi-readcapacity16 computes the size', async (t) => {
  if (!libiscsiIsHere(t)) return;
  const { url } = await serve(t, { sizeMiB: 16 });
  const text = succeeded(await iscsiReadCapacity16([url]));
  assert.match(text, /^RETURNED LOGICAL BLOCK ADDRESS:32767$/m);
  assert.match(text, /^LOGICAL BLOCK LENGTH IN BYTES:512$/m);
  assert.match(text, /^Total size:16777216$/m);
});

for (const how of [[], ['-r'], ['-R', '-b', '256']]) {
  test(`iscsi-perf ${how.join(' ')} reads for a second without an error`, async (t) => {
    if (!libiscsiIsHere(t)) return;
    const { url } = await serve(t, { sizeMiB: 64 });
    const text = succeeded(await iscsiPerf(['-t', '1', '-m', '64', ...how, url]));
    const average = /^iops average (\d+) /m.exec(text)?.[1];
    assert.ok(Number(average) > 100, text);
  });
}

test('qemu-io reads back the patterns that it wrote, at odd sizes and places', async (t) => {
  if (!qemuIsHere(t)) return;
  const { url } = await serve(t, { sizeMiB: 64 });
  const regions = ['0 512', '3584 1024', '64k 64k', '1M 1M', '9437696 8M', '67108352 512'];
  const patterns = regions.map((region, index) => `-P ${index + 1} ${region}`);
  const commands = [
    ...patterns.map((rest) => `write ${rest}`),
    'flush',
    ...patterns.map((rest) => `read ${rest}`),
    'read -P 0 512 3072', // between two of them, and never written
    'write -z 64k 64k',
    'read -P 0 64k 64k',
    'discard 1M 1M',
  ];
  succeeded(await qemuIo(['-f', 'raw', ...commands.flatMap((command) => ['-c', command]), url]));
});

test('qemu-img copies 256 MiB in and out again, and finds both equal', async (t) => {
  if (!qemuIsHere(t)) return;
  const pattern = new Pattern(seedOfRun());
  t.diagnostic(`SEED=${pattern.seed}`);
  const directory = await temporaryDirectory(t);
  const [source, copy] = [join(directory, 'source'), join(directory, 'copy')];
  await pattern.writeTo(source, 256 * MiB);
  const { url } = await serve(t, { sizeMiB: 256 });

  succeeded(await qemuImg(['convert', '-n', '-f', 'raw', '-O', 'raw', source, url]));
  assert.match(succeeded(await qemuImg(['compare', '-f', 'raw', '-F', 'raw', source, url])), /Images are identical/);
  await rm(source);
  succeeded(await qemuImg(['convert', '-f', 'raw', '-O', 'raw', url, copy]));
  assert.equal(await sha256OfFile(copy), pattern.sha256(256 * MiB));
});

test('a capture of all tools passes the oracle', async (t) => {
  if (!libiscsiIsHere(t) || !qemuIsHere(t)) return;
  const { port, portal, url } = await serve(t, { sizeMiB: 16 });
  const capture = await startCapture(t, port);
  if (!capture) return;
  succeeded(await iscsiLs(['-s', `iscsi://${portal}`]));
  for (const [, code] of PAGES) succeeded(await iscsiInq(['-e', '1', '-c', String(code), url]));
  succeeded(await iscsiReadCapacity16([url]));
  succeeded(await qemuIo(['-f', 'raw', '-c', 'write -P 7 0 4M', '-c', 'read -P 7 0 4M', url]));
  const image = join(await temporaryDirectory(t), 'image');
  await new Pattern(1).writeTo(image, 16 * MiB);
  succeeded(await qemuImg(['convert', '-n', '-f', 'raw', '-O', 'raw', image, url]));
  succeeded(await qemuImg(['compare', '-f', 'raw', '-F', 'raw', image, url]));
  // One request at a time: at full speed there would be more packets than can be looked at.
  succeeded(await iscsiPerf(['-t', '1', '-m', '1', '-b', '1', url]));
  // Discovery, the session of iscsi-ls, one for each page, one for each of the other five.
  const expect = { streams: 2 + PAGES.length + 5, opcodes: [DATA_OUT, DATA_IN, TEXT_RESPONSE] };
  assert.deepEqual((await checkCapture(await capture.finish(), port, { expect })).problems, []);
});

for (const piece of [1, 47, 1461]) {
  test(`requests that arrive ${piece} bytes at a time are understood, and the answers pass the oracle`, async (t) => {
    if (!qemuIsHere(t) || !requirePeer(t, 'tshark', 'tshark')) return;
    const { port, url } = await serve(t, { sizeMiB: 16 });
    const relay = await startRelay(t, { to: port, faults: () => ({ toTarget: { pieceLength: piece } }) });
    const relayed = url.replace(`:${port}/`, `:${relay.port}/`);
    succeeded(await qemuIo(['-f', 'raw', '-c', 'write -P 7 512 8k', '-c', 'read -P 7 512 8k', relayed]));
    assert.deepEqual(await relayProblems(relay, port), []);
  });
}

test('every byte of 256 MiB in, compared and out through qemu-img, and of iscsi-perf with 32 requests at once, passes the oracle', async (t) => {
  if (!libiscsiIsHere(t) || !qemuIsHere(t) || !requirePeer(t, 'tshark', 'tshark')) return;
  const directory = await temporaryDirectory(t);
  const source = join(directory, 'source');
  await new Pattern(1).writeTo(source, 256 * MiB);
  const { port, url } = await serve(t, { sizeMiB: 256 });
  const runs: readonly (readonly [least: number, run: (relayed: string) => Promise<Completed>])[] = [
    [256 * MiB, (relayed) => qemuImg(['convert', '-n', '-f', 'raw', '-O', 'raw', source, relayed])],
    [256 * MiB, (relayed) => qemuImg(['compare', '-f', 'raw', '-F', 'raw', source, relayed])],
    [256 * MiB, (relayed) => qemuImg(['convert', '-f', 'raw', '-O', 'raw', relayed, join(directory, 'copy')])],
    [4 * MiB, (relayed) => iscsiPerf(['-t', '1', '-m', '32', relayed])],
  ];
  for (const [least, run] of runs) {
    // A relay loses nothing, unlike a capture of the loopback at this speed.
    const relay = await startRelay(t, { to: port });
    succeeded(await run(url.replace(`:${port}/`, `:${relay.port}/`)));
    const bytes = relay.connections.map(({ toTarget, toInitiator }) => Math.max(toTarget.length, toInitiator.length));
    assert.ok(Math.max(...bytes) > least, `${bytes} bytes on the connections`);
    assert.deepEqual(await relayProblems(relay, port), []);
    await relay.stop();
  }
});
