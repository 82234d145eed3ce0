/**
 * What our initiator says to tgt, read by tshark: two witnesses that we did not write, one for what is accepted, the
 * other for what stands on the wire.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConnectOptions,
  cdb,
  connect,
  discover,
  type IscsiLogicalUnit,
  openSession,
  type Session,
} from '../../src/index.ts';
import { checkNumbers, checkWrites } from '../support/initiator-oracle.ts';
import { PATIENCE } from '../support/loop-time.ts';
import { Pattern } from '../support/pattern.ts';
import { requirePeer } from '../support/peers.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { type ShownPdu, shownPdus } from '../support/shown-pdus.ts';
import { NIL } from '../support/speaker/pdu.ts';
import { startTgtd, type Tgtd, type TgtdParameters } from '../support/tgtd.ts';
import { headersIn } from '../support/watch.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const MiB = 2 ** 20;
const [NOP_OUT, COMMAND, TASK_MANAGEMENT, LOGIN, TEXT, LOGOUT] = [0x00, 0x01, 0x02, 0x03, 0x04, 0x06];
const [NOP_IN, SCSI_RESPONSE, LOGIN_RESPONSE, TEXT_RESPONSE, DATA_IN, R2T] = [0x20, 0x21, 0x23, 0x24, 0x25, 0x31];
const LU_RESET = 5;

/** A tgtd with one disk, and a relay before it; undefined where a witness is missing. */
async function witnesses(t: TestContext, params: TgtdParameters = {}) {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'tshark', 'tshark')) return undefined;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 4 }], params }] });
  const relay = await startRelay(t, { to: tgtd.port });
  const open = (options: ConnectOptions = {}): Promise<Session> =>
    openSession(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`, options);
  return { tgtd, relay, open };
}

function byInitiator(pdus: readonly ShownPdu[], opcode: number): readonly ShownPdu[] {
  return pdus.filter((pdu) => !pdu.byTarget && pdu.opcode === opcode);
}

/** Writes of lengths around every limit, several under way at once, and what the target then has. */
async function writeAroundLimits(session: Session, tgtd: Tgtd, limits: readonly number[]): Promise<void> {
  const lun = await session.logicalUnit(1);
  const pattern = new Pattern(7);
  const expected = Buffer.from(new Uint8Array(lun.size));
  let position = 0;
  const writes: Promise<unknown>[] = [];
  for (const length of limits.flatMap((limit) => [limit - 512, limit, limit + 512])) {
    const bytes = pattern.bytes(position, length);
    bytes.copy(expected, position);
    writes.push(lun.write(bytes, { position }));
    position += length;
  }
  await Promise.all(writes);
  await lun.flush();
  assert.ok((await readFile(tgtd.backingFile(NAME, 1))).equals(expected));
}

for (const immediateData of [true, false]) {
  for (const initialR2T of [true, false]) {
    test(`every write keeps to what was agreed: ImmediateData=${immediateData}, InitialR2T=${initialR2T}`, async (t) => {
      const bursts = { FirstBurstLength: 8192, MaxBurstLength: 16_384, MaxRecvDataSegmentLength: 4096 };
      const setup = await witnesses(t, { ...bursts, InitialR2T: 'No', ImmediateData: 'Yes' });
      if (setup === undefined) return;
      const session = await setup.open({ immediateData, initialR2T });
      const agreed = session.parameters;
      assert.deepEqual([agreed.firstBurstLength, agreed.maxBurstLength], [8192, 16_384]);
      assert.deepEqual([agreed.immediateData, agreed.initialR2T], [immediateData, initialR2T]);
      assert.equal(agreed.targetMaxRecvDataSegmentLength, 4096);
      await writeAroundLimits(session, setup.tgtd, [1024, 4096, 8192, 16_384, 24_576, 65_536]);
      await session.close();

      const pdus = await shownPdus(setup.relay, setup.tgtd.port);
      assert.equal(checkWrites(pdus, agreed), 18);
      checkNumbers(pdus);
      assert.ok(pdus.some(({ opcode }) => opcode === R2T));
    });
  }
}

/** Waits until the target has said something by itself and has been answered. */
async function pingOf(relay: Relay): Promise<void> {
  const [connection] = relay.connections;
  assert.ok(connection !== undefined);
  const before = [connection.toInitiator.length, connection.toTarget.length];
  const started = performance.now();
  while (connection.toInitiator.length === before[0] || connection.toTarget.length === before[1]) {
    assert.ok(performance.now() - started < PATIENCE, 'tgtd does not ping');
    await sleep(20);
  }
}

/** Everything that a session at error recovery level 0 can say. */
async function sayEverything(session: Session, relay: Relay): Promise<void> {
  const lun = await session.logicalUnit(1);
  for (const length of [1, 2, 3, 4, 5]) {
    const ping = new Uint8Array(length).fill(0xee);
    assert.deepEqual(await session.nop(ping), ping);
  }
  const blocks = Array.from({ length: 150 }, (_, at) => at * 4096); // more than the window of 128
  await Promise.all(blocks.map((position) => lun.write(new Uint8Array(4096).fill(position >> 12), { position })));
  await Promise.all(blocks.map((position) => lun.read(new Uint8Array(4096), { position })));
  assert.equal(await session.taskManagement({ functionCode: LU_RESET, lun: 1 }), 0);
  const stop = new AbortController();
  const read = lun.read(new Uint8Array(MiB), { position: 0, signal: stop.signal });
  stop.abort();
  await Promise.allSettled([read]);
  await pingOf(relay);
}

test('numbers, tags, padding, pings and task management of a whole session are as they must be', async (t) => {
  const setup = await witnesses(t, { nop_interval: 1, nop_count: 5 });
  if (setup === undefined) return;
  const session = await setup.open();
  await sayEverything(session, setup.relay);
  await session.close();
  const pdus = await shownPdus(setup.relay, setup.tgtd.port);

  checkNumbers(pdus);
  assert.equal(pdus.find(({ byTarget }) => !byTarget)?.opcode, LOGIN, 'I-021');
  checkPings(pdus);
  checkTaskManagement(pdus);
  const last = byInitiator(pdus, LOGOUT);
  assert.deepEqual([last.length, last[0]?.number('iscsi.logout.reason')], [1, 0]);
  assert.equal(
    pdus.findLast(({ byTarget }) => !byTarget),
    last[0],
    'I-095: nothing follows the Logout Request',
  );
});

function checkPings(pdus: readonly ShownPdu[]): void {
  const [answers, own] = [true, false].map((isAnswer) =>
    byInitiator(pdus, NOP_OUT).filter(({ transferTag }) => (transferTag !== NIL) === isAnswer),
  );
  assert.deepEqual(
    own?.map((ping) => [ping.text('iscsi.pingdata'), ping.text('iscsi.padding'), ping.bit('iscsi.I')]),
    [1, 2, 3, 4, 5].map((length) => ['ee'.repeat(length), '00'.repeat(-length & 3), true]),
    'I-004, I-083',
  );
  assert.ok(answers !== undefined && answers.length > 0);
  const asked = pdus.filter(({ opcode, transferTag }) => opcode === NOP_IN && transferTag !== NIL);
  assert.ok(asked.length - answers.length <= 1, 'the last one may have met the Logout Request');
  const echo = (pdu: ShownPdu): unknown[] => [pdu.transferTag, pdu.number('scsi.lun')];
  assert.deepEqual(
    answers.map(echo),
    asked.slice(0, answers.length).map(echo),
    'I-082: tag and LUN, and none that was not asked for',
  );
  assert.ok(answers.every((pdu) => pdu.tag === NIL && pdu.bit('iscsi.I') && pdu.length === 0));
}

function checkTaskManagement(pdus: readonly ShownPdu[]): void {
  const [reset, abort, ...more] = byInitiator(pdus, TASK_MANAGEMENT);
  assert.deepEqual(more, []);
  for (const request of [reset, abort]) {
    assert.deepEqual([request?.length, request?.number('iscsi.totalahslength')], [0, 0], 'I-084');
    assert.deepEqual([request?.number('scsi.lun'), request?.bit('iscsi.I')], [1, true]);
  }
  assert.deepEqual(
    [reset?.number('iscsi.taskmanfun.function'), reset?.number('iscsi.taskmanfun.referencedtasktag')],
    [LU_RESET, NIL],
  );
  const tag = abort?.number('iscsi.taskmanfun.referencedtasktag');
  const task = byInitiator(pdus, COMMAND).find((pdu) => pdu.tag === tag);
  assert.equal(abort?.number('iscsi.taskmanfun.function'), 1);
  assert.equal(abort?.number('iscsi.refcmdsn'), task?.number('iscsi.cmdsn'), 'I-085');
}

test('logins are as they must be, also one in which tgt makes proposals of its own', async (t) => {
  const setup = await witnesses(t, { MaxRecvDataSegmentLength: 4096, ErrorRecoveryLevel: 2, MaxConnections: 4 });
  if (setup === undefined) return;
  const sessions = [await setup.open(), await setup.open()];
  await Promise.all(sessions.map((session) => session.close()));
  const isids = new Set<string>();
  for (const connection of [0, 1]) {
    const pdus = await shownPdus(setup.relay, setup.tgtd.port, connection);
    isids.add(checkLogin(pdus).text('iscsi.isid'));
    checkNumbers(pdus);
  }
  assert.equal(isids.size, 2, 'I-049');
});

/** @returns The first request. */
function checkLogin(pdus: readonly ShownPdu[]): ShownPdu {
  const requests = byInitiator(pdus, LOGIN);
  const [first] = requests;
  assert.ok(first !== undefined && requests.length > 1, 'I-034: tgt answered T=0 first');
  const phase = pdus.map(({ opcode }) => opcode).slice(0, 2 * requests.length);
  assert.deepEqual(phase, Array(requests.length).fill([LOGIN, LOGIN_RESPONSE]).flat(), 'I-031: one at a time, once');
  for (const name of ['InitiatorName=', `TargetName=${NAME}`, 'SessionType=Normal'])
    assert.ok(
      first.pairs.some((pair) => pair.startsWith(name)),
      `I-022, I-023: ${name}`,
    );
  const keys = requests.flatMap(({ pairs }) => pairs.map((pair) => pair.slice(0, pair.indexOf('='))));
  assert.equal(new Set(keys).size, keys.length, 'I-024: no key twice');
  assert.ok(
    keys.every((key) => !/^(AuthMethod|CHAP_)/.test(key)),
    'I-048',
  );
  assert.ok(first.pairs.includes('ErrorRecoveryLevel=0'), 'I-106');
  const fields = ['iscsi.isid', 'iscsi.tsih', 'iscsi.cid', 'iscsi.versionmin', 'iscsi.versionmax'] as const;
  const constant = (request: ShownPdu): string[] => fields.map((field) => request.text(field));
  for (const request of requests) {
    assert.deepEqual([request.tag, ...constant(request)], [first.tag, ...constant(first)], 'I-026');
    assert.deepEqual([request.number('iscsi.versionmin'), request.number('iscsi.versionmax')], [0, 0], 'I-025');
    assert.deepEqual([request.number('iscsi.tsih'), request.number('iscsi.totalahslength')], [0, 0], 'I-027');
    assert.deepEqual([request.number('iscsi.login.csg'), request.number('iscsi.login.nsg')], [1, 3]);
  }
  return first;
}

test('a discovery session is login, text and logout; a long list is asked for part by part', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !requirePeer(t, 'tshark', 'tshark')) return;
  const names = Array.from({ length: 20 }, (_, index) => `iqn.2003-01.org.example:${'long-name.'.repeat(15)}${index}`);
  const tgtd = await startTgtd(t, { targets: names.map((name) => ({ name, luns: [] })) });
  const relay = await startRelay(t, { to: tgtd.port });
  const found: string[] = [];
  for await (const target of discover(`iscsi://127.0.0.1:${relay.port}`, { maxRecvDataSegmentLength: 1024 }))
    found.push(target.name);
  assert.deepEqual(found.sort(), [...names].sort());

  const pdus = await shownPdus(relay, tgtd.port);
  const opcodes = new Set(pdus.filter(({ byTarget }) => !byTarget).map(({ opcode }) => opcode));
  assert.deepEqual(opcodes, new Set([LOGIN, TEXT, LOGOUT]), 'I-103');
  const [first, ...rest] = byInitiator(pdus, TEXT);
  assert.deepEqual([first?.pairs, first?.transferTag, first?.bit('iscsi.text.F')], [['SendTargets=All'], NIL, true]);
  assert.ok(rest.length > 2);
  const told = headersIn(relay.connections[0]?.toInitiator.bytes() ?? new Uint8Array());
  const parts = told.filter((header) => header.getUint8(0) === TEXT_RESPONSE);
  for (const [index, next] of rest.entries()) {
    const part = parts[index];
    assert.deepEqual([part?.getUint32(8), part?.getUint32(12)], [0, 0], 'tgt has no LUN here');
    assert.deepEqual([next.tag, next.bit('iscsi.I'), next.length], [first?.tag, first?.bit('iscsi.I'), 0], 'I-092');
    assert.deepEqual([next.transferTag, next.number('scsi.lun')], [part?.getUint32(20), 0], 'I-093');
  }
  const keys = byInitiator(pdus, LOGIN).flatMap(({ pairs }) => pairs.map((pair) => pair.slice(0, pair.indexOf('='))));
  assert.equal(new Set(keys).size, keys.length);
  const normal = [
    'TargetName',
    'InitialR2T',
    'ImmediateData',
    'MaxBurstLength',
    'FirstBurstLength',
    'MaxOutstandingR2T',
  ];
  assert.deepEqual(
    normal.filter((key) => keys.includes(key)),
    [],
    'I-023, D-40: what has a meaning in Normal sessions only',
  );
  assert.equal(byInitiator(pdus, LOGOUT)[0]?.number('iscsi.logout.reason'), 0);
});

test('I-066, I-083: in a silent session tgt is pinged, and answers', async (t) => {
  const setup = await witnesses(t);
  if (setup === undefined) return;
  const session = await setup.open({ keepaliveInterval: 50 });
  const [connection] = setup.relay.connections;
  const before = connection?.toInitiator.length ?? 0;
  const started = performance.now();
  while ((connection?.toInitiator.length ?? 0) < before + 3 * 48) {
    assert.ok(performance.now() - started < PATIENCE, 'no answers to pings');
    await sleep(20);
  }
  await session.close();
  const pdus = await shownPdus(setup.relay, setup.tgtd.port);
  const pings = byInitiator(pdus, NOP_OUT);
  assert.ok(pings.length >= 3);
  assert.ok(pings.every((ping) => ping.tag !== NIL && ping.transferTag === NIL && ping.bit('iscsi.I')));
  const echoes = pdus.filter(({ opcode }) => opcode === NOP_IN).map(({ tag }) => tag);
  assert.deepEqual(echoes, pings.map(({ tag }) => tag).slice(0, echoes.length));
  checkNumbers(pdus);
});

test('I-068, I-071: tgt gives the status of a read in its Data-In, that of a write apart, and a residual where less comes', async (t) => {
  const setup = await witnesses(t);
  if (setup === undefined) return;
  const session = await setup.open();
  await session.execute(1, { cdb: new Uint8Array(6) }); // its unit attention
  const inquiry = await session.execute(1, {
    cdb: cdb('INQUIRY', { allocationLength: 255 }),
    dataIn: new Uint8Array(255),
  });
  const range = { logicalBlockAddress: 0, transferLength: 1 };
  const write = await session.execute(1, { cdb: cdb('WRITE_10', range), dataOut: new Uint8Array(512).fill(3) });
  const read = await session.execute(1, { cdb: cdb('READ_10', range), dataIn: new Uint8Array(512) });
  assert.deepEqual(
    [inquiry.status, inquiry.dataInLength, inquiry.residual],
    [0, 66, { kind: 'underflow', count: 189 }],
  );
  assert.deepEqual([write.status, read.status, read.dataInLength], [0, 0, 512]);
  await session.close();

  const pdus = await shownPdus(setup.relay, setup.tgtd.port);
  const statuses = pdus.filter((pdu) => pdu.opcode === SCSI_RESPONSE || pdu.opcode === DATA_IN);
  assert.deepEqual(
    statuses.map((pdu) => [pdu.opcode, pdu.opcode === SCSI_RESPONSE || pdu.bit('iscsi.scsidata.S')]),
    [SCSI_RESPONSE, DATA_IN, SCSI_RESPONSE, DATA_IN].map((opcode) => [opcode, true]),
  );
  checkNumbers(pdus);
});

test('I-047: a target name of 223 bytes is logged in to', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const name = `iqn.2003-01.org.example:${'n'.repeat(199)}`;
  const tgtd = await startTgtd(t, { targets: [{ name, luns: [{ sizeMiB: 1 }] }] });
  await using session = await openSession(tgtd.url(name, 1));
  assert.equal((await session.logicalUnit(1)).blocks, 2048);
});

/** Any bytes of a disk of 1 MiB, in eight Data-Ins. */
const read = (lun: IscsiLogicalUnit): Promise<unknown> => lun.read(new Uint8Array(65_536), { position: 0 });
/** CHECK CONDITION: a block behind the end. */
const failing = (lun: IscsiLogicalUnit): Promise<unknown> =>
  lun.execute({ cdb: cdb('READ_10', { logicalBlockAddress: 1e6, transferLength: 1 }), dataIn: new Uint8Array(512) });

/** Where the answer of tgt is damaged by a flipped bit, counted from its first byte. */
const DAMAGE = [
  { title: 'I-018: a header of tgt that is damaged on the way ends the session', ask: read, at: 9, livesOn: false },
  {
    title: 'I-019: a Data-In of tgt that is damaged on the way costs its command alone',
    ask: read,
    at: 48 + 4 + 100,
    livesOn: true,
  },
  {
    title: 'I-020: sense data of tgt that is damaged on the way ends the session',
    ask: failing,
    at: 48 + 4 + 4,
    livesOn: false,
  },
] as const;

for (const { title, ask, at, livesOn } of DAMAGE) {
  test(title, async (t) => {
    if (!requirePeer(t, 'tgtd', 'tgt')) return;
    const params = { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' } as const;
    const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }], params }] });
    let before = Number.POSITIVE_INFINITY;
    const relay = await startRelay(t, {
      to: tgtd.port,
      faults: (connection) => (connection === 0 ? {} : { toInitiator: { corrupt: { at: before + at, xor: 0x10 } } }),
    });
    const options = { headerDigest: 'crc32c', dataDigest: 'crc32c', maxRecvDataSegmentLength: 8192 } as const;
    const run = async (): Promise<unknown> => {
      await using lun = await connect(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`, options);
      before = Math.min(before, relay.connections[0]?.toInitiator.length ?? 0);
      const outcome = await ask(lun).catch((error: { code: string }) => error.code);
      assert.equal(lun.session.open, outcome !== 'ISCSI_DIGEST' || livesOn);
      if (lun.session.open) await read(lun);
      return outcome;
    };
    assert.notEqual(await run(), 'ISCSI_DIGEST'); // the first connection shows where the answer begins
    assert.equal(await run(), 'ISCSI_DIGEST');
  });
}
