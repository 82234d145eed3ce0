/** The raw speakers against peers that we did not write: tgtd as a target, libiscsi's tools as initiators. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fromAscii } from '../../src/bytes/text.ts';
import type { Digest, OperationalPolicy } from '../../src/login/policy.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { frame } from '../../src/wire/draft.ts';
import type { Observation } from '../../src/wire/expectation.ts';
import { WireInitiator } from '../../src/wire/initiator.ts';
import { logIn, logInWithKeys } from '../../src/wire/initiator-login.ts';
import { scsiCommand } from '../../src/wire/initiator-pdus.ts';
import { WireListener } from '../../src/wire/listener.ts';
import { answerR2T, collect, runCommand } from '../../src/wire/run-command.ts';
import type { WireTarget } from '../../src/wire/target.ts';
import { answerLogin } from '../../src/wire/target-login.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';
import { iscsiInq, iscsiLs } from '../support/libiscsi-tools.ts';
import { requirePeer } from '../support/peers.ts';
import { startTgtd, type TgtdParameters } from '../support/tgtd.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const BLOCK = 512;
const NOTHING = new Uint8Array(0);

/** A raw initiator that is logged in to a tgtd of its own, its unit attention over; undefined when tgtd is not here. */
async function onTgtd(t: TestContext, params: TgtdParameters = {}, policy: Partial<OperationalPolicy> = {}) {
  if (!requirePeer(t, 'tgtd', 'tgt')) return undefined;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 16 }], params }] });
  const initiator = await WireInitiator.connect(tgtd.portal);
  t.after(() => initiator.close());
  const { parameters } = await logIn(initiator, { targetName: NAME, policy });
  await runCommand(initiator, { cdb: cdb('TEST_UNIT_READY', {}), lun: 1 });
  return { initiator, parameters, tgtd };
}

for (const digest of ['None', 'CRC32C'] as const) {
  test(`tgtd answers a login, an INQUIRY, a write and a read with digests ${digest}`, async (t) => {
    const wanted = { headerDigest: [digest], dataDigest: [digest], maxRecvDataSegmentLength: 4096 };
    const setup = await onTgtd(t, { HeaderDigest: digest, DataDigest: digest }, wanted);
    if (setup === undefined) return;
    const { initiator, parameters } = setup;
    const on = digest === 'CRC32C';
    assert.deepEqual([parameters.headerDigest, parameters.dataDigest], [on, on]);
    const inquiry = await runCommand(initiator, {
      cdb: cdb('INQUIRY', { allocationLength: 36 }),
      lun: 1,
      readLength: 255,
    });
    assert.equal(fromAscii(inquiry.data, 8, 16), 'IET     ');
    assert.deepEqual([inquiry.data.length, inquiry.residual], [36, -219]);

    const written = Uint8Array.from({ length: 32 * BLOCK }, (_, at) => (at * 7 + (at >> 9)) & 0xff);
    const range = { logicalBlockAddress: 8, transferLength: 32 };
    const write = await runCommand(initiator, { cdb: cdb('WRITE_10', range), lun: 1, dataOut: written });
    assert.equal(write.status, 0);
    assert.ok(write.r2ts.length > 0);
    const read = await runCommand(initiator, { cdb: cdb('READ_10', range), lun: 1, readLength: written.length });
    assert.deepEqual([read.status, read.residual], [0, 0]);
    assert.deepEqual(read.data, written);
    assert.equal(read.dataIns.length, 4, 'segments of 4096 bytes');
    for (const pdu of read.dataIns) {
      const verdict = on ? 'right' : 'absent';
      assert.deepEqual([pdu.headerDigest, pdu.dataDigest, pdu.broken], [verdict, verdict, undefined]);
    }
  });
}

test('tgtd answers ping, text, task management and logout, and closes behind the last', async (t) => {
  const setup = await onTgtd(t);
  if (setup === undefined) return;
  const { initiator } = setup;
  const ping = initiator.nop({ data: Uint8Array.of(1, 2, 3, 4, 5), immediate: false });
  const pong = await initiator.expect({ opcode: 'NOP_IN', initiatorTaskTag: ping.initiatorTaskTag });
  assert.deepEqual([...pong.data], [1, 2, 3, 4, 5]);
  assert.equal(initiator.numbers.expCmdSN, initiator.numbers.cmdSN);
  initiator.taskManagement({ functionCode: 5, lun: 1 });
  assert.equal((await initiator.expect('TASK_MANAGEMENT_RESPONSE')).read('TASK_MANAGEMENT_RESPONSE').response, 0);
  initiator.logout();
  assert.equal((await initiator.expect('LOGOUT_RESPONSE')).read('LOGOUT_RESPONSE').response, 0);
  assert.equal((await initiator.ended()).how, 'closed');
});

test('tgtd lists its targets in a discovery session that is spoken key by key', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 16 }] }] });
  const initiator = await WireInitiator.connect(tgtd.portal);
  t.after(() => initiator.close());
  const responses = await logInWithKeys(initiator, [
    ['InitiatorName', 'iqn.2003-01.org.example:host'],
    ['SessionType', 'Discovery'],
  ]);
  assert.equal(responses.at(-1)?.read('LOGIN_RESPONSE').statusClass, 0);
  initiator.text({ pairs: [['SendTargets', 'All']] });
  assert.deepEqual((await initiator.expect('TEXT_RESPONSE')).pairs, [
    ['TargetName', NAME],
    ['TargetAddress', `${tgtd.portal},1`],
  ]);
});

test('tgtd refuses a login to a target that it does not have, by status 0203', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 16 }] }] });
  const initiator = await WireInitiator.connect(tgtd.portal);
  t.after(() => initiator.close());
  const [response] = await logInWithKeys(initiator, [
    ['InitiatorName', 'iqn.2003-01.org.example:host'],
    ['TargetName', 'iqn.2003-01.org.example:none'],
  ]);
  const { statusClass, statusDetail } = response?.read('LOGIN_RESPONSE') ?? {};
  assert.deepEqual([statusClass, statusDetail], [2, 3]);
});

test('tgtd ignores a command beyond its window, and goes on with the next one', async (t) => {
  const setup = await onTgtd(t);
  if (setup === undefined) return;
  const { initiator } = setup;
  const { maxCmdSN } = initiator.numbers;
  initiator.command({ cdb: cdb('TEST_UNIT_READY', {}), lun: 1, cmdSN: (maxCmdSN + 1) >>> 0 });
  await initiator.nothing(150);
  assert.equal((await runCommand(initiator, { cdb: cdb('TEST_UNIT_READY', {}), lun: 1 })).status, 0);
  assert.equal(initiator.numbers.expCmdSN, initiator.numbers.cmdSN);
});

test('tgtd closes the connection on a header digest that is wrong, and on an opcode that is none', async (t) => {
  const digests = await onTgtd(t, { HeaderDigest: 'CRC32C' }, { headerDigest: ['CRC32C'] });
  if (digests === undefined) return;
  digests.initiator.nop({}, { headerDigest: 'wrong' });
  const afterDigest = await digests.initiator.observe();
  assert.equal(afterDigest.saw, 'end', JSON.stringify(afterDigest));

  const opcodes = await onTgtd(t);
  opcodes?.initiator.nop({}, { bytes: { 0: 0x5f } });
  const afterOpcode = await opcodes?.initiator.observe();
  assert.equal(afterOpcode?.saw, 'end', JSON.stringify(afterOpcode));
});

test('tgtd takes a command that comes in pieces of five bytes', async (t) => {
  const setup = await onTgtd(t);
  if (setup === undefined) return;
  const { initiator } = setup;
  const range = { logicalBlockAddress: 0, transferLength: 2 };
  const dataOut = new Uint8Array(2 * BLOCK).fill(0x5a);
  const length = { write: true, expectedDataTransferLength: dataOut.length };
  const command = { cdb: cdb('WRITE_10', range), lun: 1, initiatorTaskTag: 77, ...length };
  await initiator.sendPieces(frame(scsiCommand(initiator.numbers, command)), 5);
  const r2t = await initiator.expect('R2T');
  assert.deepEqual([r2t.initiatorTaskTag, r2t.read('R2T').desiredDataTransferLength], [77, dataOut.length]);
  answerR2T(initiator, r2t, dataOut);
  assert.equal((await collect(initiator, command, NOTHING)).status, 0);
  const read = await runCommand(initiator, { cdb: cdb('READ_10', range), lun: 1, readLength: dataOut.length });
  assert.deepEqual(read.data, dataOut);
});

/** Listens for one initiator of libiscsi, and hands its connections to `script` one after the other until `over`. */
async function listen(t: TestContext, script: (target: WireTarget) => Promise<void>) {
  const listener = await WireListener.open({ patience: 10_000 });
  const over = new AbortController();
  const served = (async () => {
    while (!over.signal.aborted) await script(await listener.accept({ within: 20_000, signal: over.signal }));
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  t.after(() => listener.close());
  const stop = async (): Promise<void> => {
    over.abort();
    await served;
  };
  return { portal: `127.0.0.1:${listener.address.port}`, stop };
}

/** Answers what libiscsi sends to a LUN that can be inquired and is ready, until it logs out. */
async function serveDisk(target: WireTarget, digest: Digest): Promise<void> {
  await answerLogin(target, { policy: { headerDigest: [digest] }, tolerateRepeatedNames: true });
  for (;;) {
    const pdu = await target.next();
    assert.equal(pdu.broken, undefined);
    assert.equal(pdu.headerDigest, digest === 'None' ? 'absent' : 'right');
    if (pdu.is('LOGOUT_REQUEST')) {
      target.logoutResponse(pdu);
      await target.close();
      return;
    }
    if (pdu.is('TEXT_REQUEST')) {
      const address = ['TargetAddress', '192.0.2.1:3260,1'] as const;
      target.textResponse(pdu, { pairs: [['TargetName', NAME], address] });
    } else if (pdu.is('SCSI_COMMAND')) answerCommand(target, pdu);
    else target.reject(pdu, { reason: 0x05 });
  }
}

function answerCommand(target: WireTarget, command: WirePdu): void {
  const { cdb: sent, expectedDataTransferLength } = command.read('SCSI_COMMAND');
  if (sent.getUint8(0) !== 0x12) {
    target.scsiResponse(command);
    return;
  }
  const standard = new Uint8Array(36).fill(0x20);
  standard.set([0x00, 0x00, 0x05, 0x02, 31, 0, 0, 0]);
  standard.set(new TextEncoder().encode('TSISCSI RAW SPEAKER     0001'), 8);
  const data = standard.subarray(0, expectedDataTransferLength);
  const missing = expectedDataTransferLength - data.length;
  target.dataIn(command, { data, hasStatus: true, underflow: missing > 0, residualCount: missing });
}

test('iscsi-ls finds the target that a raw speaker names', async (t) => {
  if (!requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const { portal, stop } = await listen(t, (target) => serveDisk(target, 'None'));
  const { code, stdout, stderr } = await iscsiLs([`iscsi://${portal}`]);
  await stop();
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim(), `Target:${NAME} Portal:192.0.2.1:3260,1`);
});

for (const digest of ['None', 'CRC32C'] as const) {
  test(`iscsi-inq shows what a raw speaker says with header digest ${digest}`, async (t) => {
    if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
    const { portal, stop } = await listen(t, (target) => serveDisk(target, digest));
    const { code, stdout, stderr } = await iscsiInq([`iscsi://${portal}/${NAME}/0?header_digest=crc32c`]);
    await stop();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Vendor:TSISCSI $/m);
    assert.match(stdout, /^Product:RAW SPEAKER {5}$/m);
  });
}

test('libiscsi ends the connection on a response whose header digest is wrong', async (t) => {
  if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const seen: Observation[] = [];
  const { portal, stop } = await listen(t, async (target) => {
    await answerLogin(target, { policy: { headerDigest: ['CRC32C'] }, tolerateRepeatedNames: true });
    const command = await target.expect('SCSI_COMMAND');
    target.scsiResponse(command, {}, { headerDigest: 'wrong' });
    seen.push(await target.observe({ within: 1_000 }));
    await target.close();
  });
  await iscsiInq([`iscsi://${portal}/${NAME}/0?header_digest=crc32c`], { timeout: 1_500 });
  await stop();
  assert.equal(seen[0]?.saw, 'end', 'neither a further command nor silence');
});
