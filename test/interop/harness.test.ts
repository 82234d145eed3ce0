/**
 * The harness itself, with nothing of ours in between: libiscsi's tools against tgtd, watched by tshark. What fails
 * here is the machine, the packages or the test support, not the library.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startCapture } from '../support/capture.ts';
import { iscsiInq, iscsiLs, iscsiPerf, iscsiTestCu, qemuIo, testCuResults } from '../support/libiscsi-tools.ts';
import { PATIENCE } from '../support/loop-time.ts';
import { checkCapture } from '../support/oracle.ts';
import { requirePeer } from '../support/peers.ts';
import { startRelay } from '../support/relay.ts';
import { startTgtd, type Tgtd, type TgtdParameters } from '../support/tgtd.ts';
import { relayProblems, unsolicitedData } from '../support/watch.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const LOGIN_RESPONSE_LENGTH_OFFSET = 7;

function peersAreHere(t: TestContext): boolean {
  return (
    requirePeer(t, 'tgtd', 'tgt') &&
    requirePeer(t, 'iscsi-ls', 'libiscsi-bin') &&
    requirePeer(t, 'qemu-io', 'qemu-utils') &&
    requirePeer(t, 'tshark', 'tshark')
  );
}

function startDisk(t: TestContext, params: TgtdParameters = {}): Promise<Tgtd> {
  return startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 16 }], params }] });
}

/** Writes and reads back at odd places, with every size class of a transfer. */
async function useDisk(url: string): Promise<void> {
  const script = ['write -P 0x11 0 4k', 'write -P 0x22 1M 1M', 'write -P 0x33 4M 512'];
  const checks = ['read -P 0x11 0 4k', 'read -P 0x22 1M 1M', 'read -P 0x33 4M 512', 'read -P 0 8M 64k'];
  const commands = [...script, 'flush', ...checks].flatMap((command) => ['-c', command]);
  const used = await qemuIo(['-f', 'raw', ...commands, url]);
  assert.equal(used.code, 0, used.stdout + used.stderr);
}

for (const ImmediateData of ['Yes', 'No'] as const) {
  for (const InitialR2T of ['Yes', 'No'] as const) {
    for (const HeaderDigest of ['None', 'CRC32C'] as const) {
      const params = { ImmediateData, InitialR2T, HeaderDigest };
      test(`libiscsi and tgtd pass the oracle with ${JSON.stringify(params)}`, async (t) => {
        if (!peersAreHere(t)) return;
        const tgtd = await startDisk(t, params);
        const relay = await startRelay(t, { to: tgtd.port });
        await useDisk(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`);
        // Data-Out and Data-In, R2T
        const expect = { opcodes: [0x05, 0x25, 0x31], headerDigest: HeaderDigest === 'CRC32C' };
        assert.deepEqual(await relayProblems(relay, tgtd.port, expect), []);
        const { immediate, dataOut } = await unsolicitedData(relay, tgtd.port);
        assert.equal(immediate > 0, ImmediateData === 'Yes', `${immediate} commands with immediate data`);
        assert.equal(dataOut > 0, InitialR2T === 'No', `${dataOut} unsolicited Data-Outs`);
      });
    }
  }
}

test('a live capture of several tools passes the oracle', async (t) => {
  if (!peersAreHere(t)) return;
  const tgtd = await startDisk(t, { HeaderDigest: 'CRC32C' });
  const capture = await startCapture(t, tgtd.port);
  if (!capture) return;
  await useDisk(tgtd.url(NAME, 1));
  for (const { code, stderr } of [
    await iscsiLs(['-s', `iscsi://${tgtd.portal}`]),
    await iscsiInq(['-e', '1', '-c', '131', tgtd.url(NAME, 1)]),
  ]) {
    assert.equal(code, 0, stderr);
  }
  // One connection of qemu-io, one of iscsi-inq, two of iscsi-ls: discovery and the target.
  const { problems, pdus } = await checkCapture(await capture.finish(), tgtd.port, { expect: { streams: 4 } });
  assert.deepEqual(problems, []);
  assert.ok(pdus > 50, `${pdus} PDUs`);
});

test('the oracle sees it when one length byte of a PDU is wrong', async (t) => {
  if (!peersAreHere(t)) return;
  const tgtd = await startDisk(t);
  // The first PDU to the initiator is the Login Response; its DataSegmentLength becomes 4 more or less than it is.
  const corrupt = { at: LOGIN_RESPONSE_LENGTH_OFFSET, xor: 0x04 };
  const relay = await startRelay(t, { to: tgtd.port, faults: () => ({ toInitiator: { corrupt } }) });
  await iscsiInq([`iscsi://127.0.0.1:${relay.port}/${NAME}/1`], { timeout: 1_000 });
  const problems = await relayProblems(relay, tgtd.port);
  assert.match(problems.join('\n'), /from the target: \d+ PDUs? add up to \d+ bytes, TCP carried \d+/);
});

test('a relay may cut every byte apart without libiscsi or tgtd minding', async (t) => {
  if (!peersAreHere(t)) return;
  const tgtd = await startDisk(t);
  const faults = { toTarget: { pieceLength: 1 }, toInitiator: { pieceLength: 1 } };
  const relay = await startRelay(t, { to: tgtd.port, faults: () => faults });
  const { code, stdout, stderr } = await iscsiInq([`iscsi://127.0.0.1:${relay.port}/${NAME}/1`]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Vendor:IET {5}$/m);
});

test('a tool against a target that stalls is killed at its deadline', async (t) => {
  if (!peersAreHere(t)) return;
  const tgtd = await startDisk(t);
  const relay = await startRelay(t, { to: tgtd.port, faults: () => ({ toInitiator: { stallAfter: 0 } }) });
  const { timedOut, duration } = await iscsiInq([`iscsi://127.0.0.1:${relay.port}/${NAME}/1`], { timeout: 500 });
  assert.ok(timedOut);
  assert.ok(duration < PATIENCE, `${duration} ms`);
});

test('iscsi-perf and iscsi-test-cu run to their end, and their results can be read', async (t) => {
  if (!peersAreHere(t)) return;
  const tgtd = await startDisk(t);
  const measured = await iscsiPerf(['-t', '1', '-m', '8', tgtd.url(NAME, 1)]);
  assert.equal(measured.code, 0, measured.stderr);
  assert.match(measured.stdout, /^iops average \d+ \(\d+ MB\/s\)/m);

  // tgt 1.0.85 has no COMPARE AND WRITE, and is lax about service actions of PR IN: a test of each kind.
  const tests = 'SCSI.Read10.Simple,SCSI.PrinServiceactionRange.Range,SCSI.CompareAndWrite.Simple';
  const tested = await iscsiTestCu(['-d', '-t', tests, tgtd.url(NAME, 1)]);
  const verdicts = testCuResults(tested.stdout).map(({ name, verdict }) => `${name} ${verdict}`);
  assert.deepEqual(
    verdicts.sort(),
    ['CompareAndWrite.Simple skipped', 'PrinServiceactionRange.Range failed', 'Read10.Simple passed'],
    tested.stdout + tested.stderr,
  );
});
