/**
 * What our initiator says to a target that does what tgt never does, read by tshark. The target is a script of ours;
 * the witness is the reader.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectOptions, openSession } from '../../src/index.ts';
import { checkNumbers, checkWrites } from '../support/initiator-oracle.ts';
import { PATIENCE } from '../support/loop-time.ts';
import { requirePeer } from '../support/peers.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { startRelay } from '../support/relay.ts';
import { type ShownPdu, shownPdus } from '../support/shown-pdus.ts';
import { senseData } from '../support/speaker/data.ts';
import { NIL } from '../support/speaker/pdu.ts';
import { relayProblems } from '../support/watch.ts';

const [NOP_OUT, COMMAND, TASK_MANAGEMENT, TEXT, DATA_OUT, LOGOUT] = [0x00, 0x01, 0x02, 0x04, 0x05, 0x06];
const [NOP_IN, R2T, ASYNC_MESSAGE] = [0x20, 0x31, 0x32];
const LUN_5 = 0x0005_0000_0000_0000n;
const READ_10 = Uint8Array.of(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0);
const WRITE_10 = Uint8Array.of(0x2a, 0, 0, 0, 0, 0, 0, 0, 4, 0);

/** A session with a scripted target, and all that was said in it, as tshark shows it; undefined without tshark. */
async function scripted(t: TestContext, script: RawTargetOptions, options: ConnectOptions = {}) {
  if (!requirePeer(t, 'tshark', 'tshark')) return undefined;
  const target = await RawTarget.listen(t, script);
  const relay = await startRelay(t, { to: target.port });
  const session = await openSession(target.url().replace(`:${target.port}`, `:${relay.port}`), options);
  const shown = (): Promise<readonly ShownPdu[]> => shownPdus(relay, target.port);
  return { target, relay, session, shown };
}

async function until(condition: () => boolean): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    assert.ok(performance.now() - started < PATIENCE, 'it does not come about');
    await sleep(1);
  }
}

function byInitiator(pdus: readonly ShownPdu[], opcode: number): readonly ShownPdu[] {
  return pdus.filter((pdu) => !pdu.byTarget && pdu.opcode === opcode);
}

test('I-082, I-083: tshark reads the tag and the LUN of a ping in its answer, and no answer to a NOP-In that wants none', async (t) => {
  const play = await scripted(t, {});
  if (play === undefined) return;
  const { target, session, shown } = play;
  const { connection } = target;
  connection.send(connection.voice.nopIn(), connection.voice.nopIn({ transferTag: 0x1234_5678, lun: LUN_5 }));
  await until(() => connection.ofOpcode(NOP_OUT).length === 1);
  connection.send(connection.voice.nopIn());
  await session.nop(Uint8Array.of(1));
  await session.close();
  const pdus = await shown();
  const [answer, own, ...more] = byInitiator(pdus, NOP_OUT);
  assert.deepEqual(more, []);
  assert.deepEqual([answer?.tag, answer?.transferTag, answer?.number('scsi.lun')], [NIL, 0x1234_5678, 5]);
  assert.deepEqual([answer?.bit('iscsi.I'), answer?.length], [true, 0]);
  assert.deepEqual([own?.transferTag, own?.tag === NIL, own?.bit('iscsi.I')], [NIL, false, true]);
  assert.equal(pdus.filter(({ opcode }) => opcode === NOP_IN).length, 4);
  checkNumbers(pdus);
});

test('I-009, I-010: tshark finds a CDB of 32 bytes and a bidirectional read length in their AHS, and none where none is due', async (t) => {
  const play = await scripted(t, {
    onCommand: ({ tag }, connection) => {
      connection.respond(tag, 2, senseData(5, 0x20, 0));
      return true;
    },
  });
  if (play === undefined) return;
  const { session, shown } = play;
  const long = Uint8Array.from({ length: 32 }, (_, at) => [0x7f, 0, 0, 0, 0, 0, 0, 24][at] ?? at);
  await session.execute(1, { cdb: long });
  await session.execute(1, { cdb: WRITE_10, dataIn: new Uint8Array(0x1234), dataOut: new Uint8Array(2048) });
  for (const length of [6, 10, 12, 16]) await session.execute(1, { cdb: new Uint8Array(length) });
  await session.close();
  const pdus = await shown();
  const [extended, bidirectional, ...short] = byInitiator(pdus, COMMAND);
  assert.deepEqual([extended?.number('iscsi.ahs.type'), extended?.number('iscsi.ahs.length')], [1, 17]);
  assert.equal(extended?.text('iscsi.ahs.extended_cdb'), Buffer.from(long.subarray(16)).toString('hex'));
  assert.deepEqual([bidirectional?.number('iscsi.ahs.type'), bidirectional?.number('iscsi.ahs.length')], [2, 5]);
  assert.equal(bidirectional?.number('iscsi.ahs.bidir.length'), 0x1234);
  assert.equal(bidirectional?.number('iscsi.scsicommand.expecteddatatransferlength'), 2048);
  assert.deepEqual(
    short.map((pdu) => pdu.number('iscsi.totalahslength')),
    [0, 0, 0, 0],
  );
  checkWrites(pdus, session.parameters);
  checkNumbers(pdus);
});

test('I-016, I-017: tshark finds every digest good, over AHS and padding, and none where there is no data', async (t) => {
  const play = await scripted(
    t,
    { answers: { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C', MaxRecvDataSegmentLength: '512' } },
    { headerDigest: 'crc32c', dataDigest: 'crc32c' },
  );
  if (play === undefined) return;
  const { session, relay, target } = play;
  for (const length of [0, 1, 2, 3, 4, 512]) await session.nop(new Uint8Array(length).fill(0xee));
  await session.execute(0, { cdb: new Uint8Array(32), dataOut: new Uint8Array(1027).fill(5) });
  await session.execute(0, { cdb: READ_10, dataIn: new Uint8Array(512) });
  await session.close();
  const expect = { opcodes: [NOP_OUT, COMMAND, DATA_OUT, LOGOUT], headerDigest: true, dataDigest: true };
  assert.deepEqual(await relayProblems(relay, target.port, expect), []);
});

test('I-074, I-075: tshark reads the answers to four R2Ts that came at once, each with its tag and LUN, in their order', async (t) => {
  const ranges = [1, 512, 513, 1022];
  const play = await scripted(t, {
    answers: { ImmediateData: 'No', InitialR2T: 'Yes', MaxOutstandingR2T: '4', MaxRecvDataSegmentLength: '512' },
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== COMMAND) return false;
      let offset = 0;
      for (const [r2tSN, length] of ranges.entries()) {
        connection.send(
          connection.voice.r2t(pdu.tag, { r2tSN, offset, length, transferTag: 0x70 + r2tSN, lun: LUN_5 }),
        );
        offset += length;
      }
      return true;
    },
  });
  if (play === undefined) return;
  const { target, session, shown } = play;
  const writing = session.execute(5, { cdb: WRITE_10, dataOut: new Uint8Array(2048).fill(7) });
  const { connection } = target;
  await until(() => connection.ofOpcode(DATA_OUT).length === 6);
  connection.respond(connection.ofOpcode(COMMAND)[0]?.tag ?? 0, 0);
  assert.equal((await writing).status, 0);
  await session.close();
  const pdus = await shown();
  assert.equal(pdus.filter(({ opcode }) => opcode === R2T).length, 4);
  assert.equal(checkWrites(pdus, session.parameters), 1);
  const tags = byInitiator(pdus, DATA_OUT).map(({ transferTag }) => transferTag);
  assert.deepEqual(tags, [0x70, 0x71, 0x72, 0x72, 0x73, 0x73]);
});

test('I-063: tshark sees no command beyond a window of three, nor beyond one that was closed', async (t) => {
  const play = await scripted(t, { window: 3 });
  if (play === undefined) return;
  const { target, session, shown } = play;
  const reads = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => session.execute(0, { cdb: READ_10, dataIn: new Uint8Array(512) })));
  await reads(20);
  const { connection } = target;
  connection.voice.window = 0;
  connection.send(connection.voice.nopIn());
  await session.nop();
  const later = reads(5);
  await session.nop(); // immediate: passes the closed window
  connection.voice.window = 2;
  connection.send(connection.voice.nopIn());
  await later;
  await session.close();
  const pdus = await shown();
  assert.equal(byInitiator(pdus, COMMAND).length, 25);
  checkNumbers(pdus);
});

test('I-085, I-091, I-100: tshark reads the tag and the CmdSN of their commands in ABORT TASK, after a timeout and after a Reject', async (t) => {
  const play = await scripted(t, {
    onCommand: ({ pdu }, connection) => {
      if (pdu.header[32] === 0x2a) connection.send(connection.voice.reject(0x02, pdu.header));
      return true;
    },
  });
  if (play === undefined) return;
  const { session, shown } = play;
  const read = session.execute(5, { cdb: READ_10, dataIn: new Uint8Array(512), timeout: 400 });
  await assert.rejects(read, { code: 'ISCSI_TIMEOUT' });
  const write = session.execute(5, { cdb: WRITE_10, dataOut: new Uint8Array(2048) });
  await assert.rejects(write, { code: 'ISCSI_REJECT' });
  await session.close();
  const pdus = await shown();
  const commands = byInitiator(pdus, COMMAND);
  const aborts = byInitiator(pdus, TASK_MANAGEMENT);
  assert.deepEqual(
    aborts.map((abort) => [
      abort.number('iscsi.taskmanfun.function'),
      abort.number('scsi.lun'),
      abort.number('iscsi.taskmanfun.referencedtasktag'),
      abort.number('iscsi.refcmdsn'),
    ]),
    commands.map((command) => [1, 5, command.tag, command.number('iscsi.cmdsn')]),
  );
  assert.equal(aborts.length, 2);
  checkNumbers(pdus);
});

test('I-096, I-098, I-099: tshark reads the Text Request that event 4 asks for, the Logout Request that event 1 asks for, and no command behind it', async (t) => {
  const play = await scripted(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== TEXT) return false;
      connection.send(connection.voice.textResponse(pdu.tag, new Uint8Array(0)));
      return true;
    },
  });
  if (play === undefined) return;
  const { target, session, shown } = play;
  const { connection } = target;
  connection.send(connection.voice.asyncMessage(4, [0, 0, 3]));
  await until(() => connection.ofOpcode(TEXT).length === 1);
  await session.nop(); // the answer to the text is here
  connection.send(connection.voice.asyncMessage(1, [0, 0, 3]));
  await until(() => connection.ofOpcode(LOGOUT).length === 1);
  await assert.rejects(session.execute(0, { cdb: READ_10, dataIn: new Uint8Array(512) }), { code: 'ISCSI_CLOSED' });
  await session.closed;
  const pdus = await shown();
  assert.equal(pdus.filter(({ opcode }) => opcode === ASYNC_MESSAGE).length, 2);
  const [text] = byInitiator(pdus, TEXT);
  assert.deepEqual([text?.length, text?.bit('iscsi.text.F'), text?.transferTag], [0, true, NIL]);
  const [logout] = byInitiator(pdus, LOGOUT);
  assert.equal(logout?.number('iscsi.logout.reason'), 0);
  assert.equal(
    pdus.findLast(({ byTarget }) => !byTarget),
    logout,
  );
  checkNumbers(pdus);
});
