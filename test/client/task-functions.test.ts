/** Task management by name (RFC 7143 §11.5, §11.6): against our own target, and against one that answers anything. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import type { Session } from '../../src/client/session.ts';
import type { TaskManagementOutcome } from '../../src/client/task-functions.ts';
import { EndedByFunctionError } from '../../src/errors.ts';
import { ScsiStatusError } from '../../src/scsi/status-error.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { HeldStore } from '../device/stores.ts';
import { until } from '../support/loop-time.ts';
import { RawTarget } from '../support/raw-target.ts';
import { NIL } from '../support/speaker/pdu.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const TASK_MANAGEMENT = 0x02;
const READ_10 = 0x28;

/** Our target with two logical units whose reads wait until they are let go. */
async function heldTarget(t: TestContext) {
  const stores = [new HeldStore(), new HeldStore()] as const;
  const target = await createTarget({ name: NAME, luns: stores.map((store) => ({ store })) }).listen({ port: 0 });
  t.after(async () => {
    await letGo(stores);
    await target.close();
  });
  return { stores, url: (lun: number) => target.url(lun) };
}

function read(session: Session, lun: number): Promise<unknown> {
  const cdb = Uint8Array.of(READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0);
  return session.execute(lun, { cdb, dataIn: new Uint8Array(512) }).then(
    ({ status }) => status,
    (error: unknown) => error,
  );
}

/** Takes the unit attentions that wait. */
async function getReady(session: Session, ...luns: readonly number[]): Promise<void> {
  for (const lun of luns) {
    while ((await session.execute(lun, { cdb: new Uint8Array(6) })).status !== 0);
  }
}

/** Sends one read to each logical unit and waits until both are in their stores. */
async function oneReadEach(session: Session, stores: readonly HeldStore[]): Promise<readonly Promise<unknown>[]> {
  await getReady(session, 0, 1);
  const before = stores.map(({ held }) => held.length);
  const reads = stores.map((_, lun) => read(session, lun));
  await until(() => stores.every(({ held }, at) => held.length > (before[at] ?? 0)), 'the reads to begin');
  return reads;
}

async function letGo(stores: readonly HeldStore[]): Promise<void> {
  for (const store of stores) {
    store.open = true;
    while (store.held.length > 0) await store.releaseNext();
  }
}

function assertEndedBy(outcome: unknown, functionCode: number, functionName: string): void {
  assert.ok(outcome instanceof EndedByFunctionError, String(outcome));
  assert.deepEqual(
    [outcome.code, outcome.name, outcome.functionCode, outcome.functionName, outcome.commandSent],
    ['ISCSI_ABORTED', 'AbortError', functionCode, functionName, true],
  );
}

test('a LUN reset, ABORT TASK SET and CLEAR TASK SET end the commands of their LUN, each told which function it was', async (t) => {
  const { stores, url } = await heldTarget(t);
  await using session = await openSession(url(0));
  const functions: readonly [number, string, () => Promise<TaskManagementOutcome>][] = [
    [5, 'LOGICAL UNIT RESET', () => session.logicalUnitReset(0)],
    [2, 'ABORT TASK SET', () => session.abortTaskSet(0)],
    [4, 'CLEAR TASK SET', () => session.clearTaskSet(0)],
  ];
  for (const [code, name, send] of functions) {
    const [here, elsewhere] = await oneReadEach(session, stores);
    const { functionCode, functionName, response, responseCode, done, advice } = await send();
    assert.deepEqual(
      [functionCode, functionName, response, responseCode, done, advice],
      [code, name, 'functionComplete', 0, true, undefined],
    );
    assertEndedBy(await here, code, name);
    assert.equal(session.commandsUnderWay().length, 1, 'the other logical unit felt nothing');
    await letGo(stores);
    assert.equal(await elsewhere, 0);
    for (const store of stores) store.open = false;
  }
  await letGo(stores);
});

test('TARGET WARM RESET ends the commands of every logical unit; TARGET COLD RESET is not supported, and ends none', async (t) => {
  const { stores, url } = await heldTarget(t);
  await using session = await openSession(url(0));
  const reads = await oneReadEach(session, stores);
  const cold = await session.targetColdReset();
  assert.deepEqual([cold.response, cold.done], ['functionNotSupported', false]);
  assert.match(cold.advice ?? '', /LOGICAL UNIT RESET/);
  assert.equal(session.commandsUnderWay().length, 2);
  assert.equal((await session.targetWarmReset()).done, true);
  for (const one of reads) assertEndedBy(await one, 6, 'TARGET WARM RESET');
  await letGo(stores);
});

test('ABORT TASK ends the command that it names; of one that has been answered it says that there is none', async (t) => {
  const { stores, url } = await heldTarget(t);
  await using lun = await connect(url(0), { probe: false });
  const reads = await oneReadEach(lun.session, stores);
  const [task, ...more] = lun.commandsUnderWay();
  assert.ok(task !== undefined && more.length === 0, 'those of this logical unit alone');
  assert.equal((await lun.abortTask(task)).response, 'functionComplete');
  assertEndedBy(await reads[0], 1, 'ABORT TASK');
  const again = await lun.abortTask(task);
  assert.deepEqual([again.response, again.done], ['taskDoesNotExist', true]);
  await letGo(stores);
  assert.equal(await reads[1], 0);
});

test('the functions of a logical unit name its LUN', async (t) => {
  const { stores, url } = await heldTarget(t);
  await using lun = await connect(url(1), { probe: false });
  for (const send of [() => lun.logicalUnitReset(), () => lun.abortTaskSet(), () => lun.clearTaskSet()]) {
    const [elsewhere, here] = await oneReadEach(lun.session, stores);
    assert.equal((await send()).done, true);
    assert.ok((await here) instanceof EndedByFunctionError);
    await letGo(stores);
    assert.equal(await elsewhere, 0);
    for (const store of stores) store.open = false;
  }
  await letGo(stores);
});

test('a command that another initiator reset away ends with TASK ABORTED, which is told as a status', async (t) => {
  const { stores, url } = await heldTarget(t);
  await using one = await connect(url(0));
  await using other = await openSession(url(0));
  await getReady(one.session, 0);
  const outcome = one.read(new Uint8Array(512), { position: 0 }).catch((error: unknown) => error);
  await until(() => stores[0].held.length === 1, 'the read to begin');
  await other.logicalUnitReset(0);
  const error = await outcome;
  assert.ok(error instanceof ScsiStatusError, String(error));
  assert.equal(error.statusName, 'TASK_ABORTED');
  assert.match(error.hint ?? '', /another initiator aborted/);
  await letGo(stores);
});

test('a function for a LUN that is not there says so, with what to do', async (t) => {
  const { url } = await heldTarget(t);
  await using session = await openSession(url(0));
  const outcome = await session.logicalUnitReset(9);
  assert.deepEqual([outcome.response, outcome.done], ['lunDoesNotExist', false]);
  assert.match(outcome.meaning, /no such logical unit/);
  assert.match(outcome.advice ?? '', /list the logical units/);
  assert.equal((await session.clearAca(0)).response, 'functionNotSupported');
});

test('TASK REASSIGN is not supported at recovery level 0, and ends nothing', async (t) => {
  const { stores, url } = await heldTarget(t);
  await using session = await openSession(url(0));
  const reads = await oneReadEach(session, stores);
  const [task] = session.commandsUnderWay();
  assert.ok(task !== undefined);
  const outcome = await session.taskReassign(task);
  assert.deepEqual([outcome.response, outcome.done], ['reassignmentNotSupported', false]);
  await letGo(stores);
  assert.deepEqual(await Promise.all(reads), [0, 0]);
});

test('I-084, I-085: each function has its fields on the wire, and no others', async (t) => {
  const target = await RawTarget.listen(t, { onCommand: ({ cdb }) => cdb[0] === READ_10 });
  const session = await openSession(target.url());
  t.after(() => session.close());
  const waiting = read(session, 3);
  await until(() => session.commandsUnderWay().length === 1 && target.connection.ofOpcode(1).length === 1);
  const [task] = session.commandsUnderWay();
  assert.ok(task?.cmdSN !== undefined);
  const { initiatorTaskTag: tag, cmdSN } = task;
  const lun = 0x0003_0000;
  // TASK REASSIGN, resets of the target, then what a logical unit is named to, and at last what ends the command.
  const sent: readonly [Promise<TaskManagementOutcome>, readonly number[]][] = [
    [session.taskReassign(task, { expDataSN: 7 }), [0x88, 0, tag, 0, 7]],
    [session.clearAca(3), [0x83, lun, NIL, 0, 0]],
    [session.abortTask({ ...task, cmdSN: cmdSN + 1000 }), [0x81, lun, tag, cmdSN + 1000, 0]],
    [session.abortTaskSet(3), [0x82, lun, NIL, 0, 0]],
    [session.clearTaskSet(3), [0x84, lun, NIL, 0, 0]],
    [session.logicalUnitReset(3), [0x85, lun, NIL, 0, 0]],
    [session.targetWarmReset(), [0x86, 0, NIL, 0, 0]],
    [session.targetColdReset(), [0x87, 0, NIL, 0, 0]],
  ];
  await Promise.all(sent.map(([outcome]) => outcome));
  const pdus = target.connection.ofOpcode(TASK_MANAGEMENT);
  assert.deepEqual(
    pdus.map((pdu) => [pdu.flags, pdu.word(8), pdu.word(20), pdu.word(32), pdu.word(36)]),
    sent.map(([, fields]) => fields),
  );
  for (const pdu of pdus) {
    assert.ok(pdu.immediate, 'they pass a closed window');
    assert.deepEqual([pdu.word(4), pdu.word(12), pdu.data.length], [0, 0, 0]);
    assert.equal(pdu.word(24), cmdSN + 1, 'they carry the CmdSN that comes next, and do not use it up');
  }
  assertEndedBy(await waiting, 1, 'ABORT TASK');
});

test('each response of RFC 7143 §11.6.1 has its name, its meaning and what to do', async (t) => {
  const responses = [
    [0, 'functionComplete', true],
    [1, 'taskDoesNotExist', false],
    [2, 'lunDoesNotExist', false],
    [3, 'taskStillAllegiant', false],
    [4, 'reassignmentNotSupported', false],
    [5, 'functionNotSupported', false],
    [6, 'authorizationFailed', false],
    [7, 'functionSucceeded', false],
    [255, 'functionRejected', false],
  ] as const;
  let at = 0;
  const target = await RawTarget.listen(t, {
    onPdu: (pdu, { voice, socket }) => {
      if (pdu.opcode !== TASK_MANAGEMENT) return false;
      return socket.write(voice.taskManagementResponse(pdu.tag, responses[at++]?.[0]));
    },
  });
  await using session = await openSession(target.url());
  for (const [code, name, done] of responses) {
    const outcome = await session.logicalUnitReset(0);
    assert.deepEqual([outcome.responseCode, outcome.response, outcome.done], [code, name, done]);
    assert.ok(outcome.meaning.length > 10);
    assert.equal(outcome.advice === undefined, code === 0 || code === 7, name);
  }
});

test('a LUN that is written in the other addressing method is the same logical unit', async (t) => {
  const target = await RawTarget.listen(t, { onCommand: ({ cdb }) => cdb[0] === READ_10 });
  const session = await openSession(target.url());
  t.after(() => session.close());
  const reads = [read(session, 3), read(session, 4)];
  await until(() => target.connection.ofOpcode(1).length === 2);
  await session.logicalUnitReset({ high: 0x4003_0000, low: 0 });
  assertEndedBy(await reads[0], 5, 'LOGICAL UNIT RESET');
  assert.equal(session.commandsUnderWay().length, 1);
  session.abandon(new EndedByFunctionError(0, 'the end of the test'));
  await reads[1];
});
