/**
 * Our initiator against tgt, a target that we did not write. Small runs go through a relay whose recording tshark
 * judges.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { connect, discover, openSession } from '../../src/index.ts';
import { loopTime } from '../support/loop-time.ts';
import { Pattern, seedOfRun, sha256OfFile } from '../support/pattern.ts';
import { requirePeer } from '../support/peers.ts';
import { freePort } from '../support/ports.ts';
import { startRelay } from '../support/relay.ts';
import { startTgtd, type Tgtd, type TgtdParameters } from '../support/tgtd.ts';
import { opcodesIn, relayProblems, unsolicitedData } from '../support/watch.ts';

const MiB = 2 ** 20;
const NAME = 'iqn.2003-01.org.example:disk';
/** Writes under way at once. */
const QUEUE_DEPTH = 8;
const TEXT_RESPONSE = 0x24;

interface Combination {
  readonly digests: boolean;
  readonly immediateData: boolean;
  readonly initialR2T: boolean;
}

const COMBINATIONS: readonly Combination[] = [true, false].flatMap((digests) =>
  [true, false].flatMap((immediateData) => [true, false].map((initialR2T) => ({ digests, immediateData, initialR2T }))),
);

function startDisk(t: TestContext, sizeMiB: number, combination?: Combination): Promise<Tgtd> {
  return startTgtd(t, {
    targets: [{ name: NAME, luns: [{ sizeMiB }], ...(combination ? { params: paramsOf(combination) } : {}) }],
  });
}

/** tgt leaves both values to the initiator when it is configured for InitialR2T=No and ImmediateData=Yes. */
function paramsOf({ digests }: Combination): TgtdParameters {
  const digest = digests ? 'CRC32C' : 'None';
  return { HeaderDigest: digest, DataDigest: digest, InitialR2T: 'No', ImmediateData: 'Yes' };
}

function optionsOf({ digests, immediateData, initialR2T }: Combination) {
  const offer = digests ? ('crc32c' as const) : ('none' as const);
  return { headerDigest: offer, dataDigest: offer, immediateData, initialR2T };
}

function titleOf({ digests, immediateData, initialR2T }: Combination): string {
  return `digests ${digests ? 'on' : 'off'}, ImmediateData=${yesNo(immediateData)}, InitialR2T=${yesNo(initialR2T)}`;
}

function yesNo(value: boolean): string {
  return value ? 'Yes' : 'No';
}

interface Writes {
  write(buffer: Uint8Array, options: { position: number }): Promise<unknown>;
}

/** Writes the first `length` bytes of the pattern, several pieces at a time. */
async function writePattern(lun: Writes, pattern: Pattern, length: number): Promise<void> {
  const chunks = pattern.chunks(length);
  const worker = async (): Promise<void> => {
    for (const { position, bytes } of chunks) await lun.write(bytes, { position });
  };
  await Promise.all(Array.from({ length: QUEUE_DEPTH }, worker));
}

/** SHA-256 of all that a stream delivers, in hex. */
async function sha256OfStream(source: NodeJS.ReadableStream): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    source,
    new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        hash.update(chunk);
        done();
      },
    }),
  );
  return hash.digest('hex');
}

test('discover() finds every target with its portals', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const names = [NAME, 'iqn.2003-01.org.example:other'];
  const tgtd = await startTgtd(t, { targets: names.map((name) => ({ name, luns: [{ sizeMiB: 1 }] })) });
  const found: string[] = [];
  for await (const target of discover(`iscsi://${tgtd.portal}`)) {
    assert.equal(target.portals.length, 1);
    found.push(target.name);
  }
  assert.deepEqual(found.sort(), [...names].sort());
});

test('discover() joins a list of fifty targets that comes in several Text Responses', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const names = Array.from({ length: 50 }, (_, index) => `iqn.2003-01.org.example:${'long-name.'.repeat(15)}${index}`);
  const tgtd = await startTgtd(t, { targets: names.map((name) => ({ name, luns: [] })) });
  const relay = await startRelay(t, { to: tgtd.port });
  const found: string[] = [];
  // tgt cuts the text after so many bytes, in the middle of a pair.
  const options = { maxRecvDataSegmentLength: 1024 };
  for await (const target of discover(`iscsi://127.0.0.1:${relay.port}`, options)) found.push(target.name);
  assert.deepEqual(found.sort(), [...names].sort());
  const answers = opcodesIn(relay.connections[0]?.toInitiator.bytes() ?? new Uint8Array());
  const pieces = answers.filter((opcode) => opcode === TEXT_RESPONSE).length;
  assert.ok(pieces > 5, `${pieces} Text Responses`);
});

test('reportLuns() lists the logical units, and connect() learns size and block size', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const luns = [{ sizeMiB: 3 }, { sizeMiB: 8, blockSize: 4096 }];
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns }] });
  await using session = await openSession(tgtd.url(NAME, 1));
  assert.deepEqual(
    (await session.reportLuns()).map(({ number }) => number),
    [0, 1, 2], // LUN 0 is tgt's own controller
  );
  await using small = await connect(tgtd.url(NAME, 1));
  assert.deepEqual([small.blockSize, small.blocks, small.size], [512, 6144, 3 * MiB]);
  await using large = await connect(tgtd.url(NAME, 2));
  assert.deepEqual([large.blockSize, large.blocks, large.size], [4096, 2048, 8 * MiB]);
});

for (const combination of COMBINATIONS) {
  test(`256 MiB go in and come out unchanged with ${titleOf(combination)}`, async (t) => {
    if (!requirePeer(t, 'tgtd', 'tgt')) return;
    const pattern = new Pattern(seedOfRun());
    t.diagnostic(`SEED=${pattern.seed}`);
    const tgtd = await startDisk(t, 256, combination);
    const wanted = pattern.sha256(256 * MiB);

    await using lun = await connect(tgtd.url(NAME, 1), optionsOf(combination));
    await writePattern(lun, pattern, lun.size);
    await lun.flush();
    assert.equal(await sha256OfFile(tgtd.backingFile(NAME, 1)), wanted, 'what arrived at the target');
    assert.equal(await sha256OfStream(lun.createReadStream()), wanted, 'what came back');
  });

  test(`the wire passes the oracle with ${titleOf(combination)}`, async (t) => {
    if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'tshark', 'tshark')) return;
    const { digests, immediateData, initialR2T } = combination;
    const tgtd = await startDisk(t, 4, combination);
    const relay = await startRelay(t, { to: tgtd.port });
    const url = `iscsi://127.0.0.1:${relay.port}/${NAME}/1`;
    {
      await using session = await openSession(url, optionsOf(combination));
      const { parameters } = session;
      assert.deepEqual(
        [parameters.headerDigest, parameters.dataDigest, parameters.immediateData, parameters.initialR2T],
        [digests, digests, immediateData, initialR2T],
      );
      await using lun = await session.logicalUnit(1);
      await writePattern(lun, new Pattern(1), lun.size);
      await lun.flush();
      assert.equal(await sha256OfStream(lun.createReadStream()), new Pattern(1).sha256(lun.size));
    }
    const expect = { opcodes: [0x01, 0x05, 0x25, 0x06, 0x26], headerDigest: digests, dataDigest: digests };
    assert.deepEqual(await relayProblems(relay, tgtd.port, expect), []);
    const { immediate, dataOut } = await unsolicitedData(relay, tgtd.port);
    assert.equal(immediate > 0, immediateData, `${immediate} commands with immediate data`);
    assert.equal(dataOut > 0, !initialR2T, `${dataOut} unsolicited Data-Outs`);
  });
}

test('reads and writes may begin and end anywhere', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startDisk(t, 4);
  const file = tgtd.backingFile(NAME, 1);
  const expected = new Pattern(5).bytes(0, 4 * MiB);
  await new Pattern(5).writeTo(file, 4 * MiB);
  await using lun = await connect(tgtd.url(NAME, 1));
  for (const [position, length] of [
    [0, 1],
    [511, 2],
    [513, 3],
    [1000, 70_001],
    [4 * MiB - 7, 7],
    [65_536, 1_048_576],
  ] as const) {
    const into = new Uint8Array(length);
    const { bytesRead } = await lun.read(into, { position });
    assert.equal(bytesRead, length);
    assert.deepEqual(
      Buffer.from(into),
      expected.subarray(position, position + length),
      `read ${length} at ${position}`,
    );
    const bytes = new Pattern(length).bytes(0, length);
    await lun.write(bytes, { position });
    bytes.copy(expected, position);
    assert.ok((await readFile(file)).equals(expected), `wrote ${length} at ${position}`);
  }
});

for (const pieceLength of [1, 47, 1461]) {
  test(`answers that arrive ${pieceLength} bytes at a time are understood`, async (t) => {
    if (!requirePeer(t, 'tgtd', 'tgt')) return;
    const tgtd = await startDisk(t, 1);
    await new Pattern(6).writeTo(tgtd.backingFile(NAME, 1), MiB);
    const relay = await startRelay(t, { to: tgtd.port, faults: () => ({ toInitiator: { pieceLength } }) });
    await using lun = await connect(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`);
    const into = new Uint8Array(64 * 1024);
    await lun.read(into, { position: 0 });
    assert.deepEqual(Buffer.from(into), new Pattern(6).bytes(0, into.length));
  });
}

test('a target that demands CHAP is a clear error that names no secret', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const chap = { user: 'somebody', password: 'a-secret-of-16-b' };
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }], chap }] });
  const withWrong = tgtd.url(NAME, 1).replace('iscsi://', `iscsi://${chap.user}%not-${chap.password}@`);
  for (const url of [tgtd.url(NAME, 1), withWrong]) {
    await assert.rejects(connect(url), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ISCSI_AUTHENTICATION');
      assert.ok(!`${error.message} ${error.stack}`.includes(chap.password));
      return true;
    });
  }
});

test('a target name or a LUN that does not exist is a clear error', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startDisk(t, 1);
  await assert.rejects(connect(tgtd.url('iqn.2003-01.org.example:nobody', 1)), { code: 'ISCSI_TARGET_NOT_FOUND' });
  await assert.rejects(connect(tgtd.url(NAME, 9)), { code: 'ISCSI_LUN_NOT_FOUND' });
});

test('when tgtd is killed, every command under way ends with an error at once', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startDisk(t, 16);
  // The relay holds answers back, so that there are commands under way when the target dies.
  const relay = await startRelay(t, { to: tgtd.port, faults: () => ({ toInitiator: { delay: 20 } }) });
  await using lun = await connect(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`);
  const reads = Array.from({ length: 16 }, (_, index) => lun.read(new Uint8Array(MiB), { position: index * MiB }));
  const outcomes = Promise.allSettled(reads);
  await tgtd.stop();
  const passed = loopTime();
  const lost = (await outcomes).filter(({ status }) => status === 'rejected');
  assert.ok(passed() < 5_000, 'it took too long');
  assert.ok(lost.length > 0, 'nothing was under way');
  for (const outcome of lost) {
    assert.equal((outcome as PromiseRejectedResult).reason.code, 'ISCSI_CONNECTION_LOST');
  }
});

test('a portal where nothing listens is passed over for the portals that tgtd tells in discovery', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startDisk(t, 1);
  const closed = await freePort();
  for await (const { name, portals } of discover(`iscsi://127.0.0.1:${closed}`, {
    portals: [{ host: '127.0.0.1', port: tgtd.port }],
  })) {
    await using session = await openSession(`iscsi://127.0.0.1:${closed}/${name}`, { portals });
    assert.equal(session.targetPortal, tgtd.portal);
  }
});
