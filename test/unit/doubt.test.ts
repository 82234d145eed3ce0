/** What one logical unit says of changes puts all of its device in doubt: nothing is written before a look at each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from '../../src/client/connect.ts';
import { type IscsiError, withCommandSent } from '../../src/errors.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import type { ScsiTask } from '../../src/scsi/scsi-task.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { RawTarget } from '../support/raw-target.ts';
import { senseData, senseSegment } from '../support/speaker/data.ts';
import { RawDiskPort } from './raw-disk-port.ts';
import { OVER_ONE_SESSION, TWO_WAYS, TwoDisks } from './two-disks.ts';
import { RAW_WAYS } from './ways.ts';

const REPORTED_LUNS_CHANGED = [6, 0x3f, 0x0e] as const;
const LOGICAL_UNIT_NOT_SUPPORTED = [5, 0x25, 0x00] as const;
const BLOCK = new Uint8Array(512).fill(7);

/** Another disk takes the place of the second one. */
function swapSecond(disks: TwoDisks): void {
  disks.second.serial = 'STRANGER';
  disks.second.name = 99;
}

const WRITE_10 = 0x2a;

function writesOf(disk: RawDisk): number {
  return disk.log.filter(({ operation }) => operation === WRITE_10 || operation === 0x42).length;
}

for (const { name, open } of TWO_WAYS) {
  test(`${name}: a swap of the second, told on the first, lets nothing be written to the stranger`, async (t) => {
    const { disks, first, second } = await open(t);
    await second.write(BLOCK, { position: 0 });
    swapSecond(disks);
    disks.refusals.push(REPORTED_LUNS_CHANGED);
    await first.read(new Uint8Array(512), { position: 0 }); // overcome: the first is what it was
    const before = writesOf(disks.second);
    for (const write of [
      () => second.write(BLOCK, { position: 0 }),
      () => second.write(new Uint8Array(5), { position: 3 }),
      () => second.read(new Uint8Array(512), { position: 0 }),
      () => second.flush(),
    ]) {
      await assert.rejects(write(), { code: 'ISCSI_IDENTITY' });
    }
    assert.equal(writesOf(disks.second), before);
    await first.write(BLOCK, { position: 0 });
    assert.equal(writesOf(disks), 1);
  });

  test(`${name}: a raw command that is answered so counts as well, and so does testUnitReady()`, async (t) => {
    for (const meet of ['raw', 'testUnitReady'] as const) {
      const { disks, first, second, execute } = await open(t);
      swapSecond(disks);
      disks.refusals.push(REPORTED_LUNS_CHANGED);
      if (meet === 'raw') await execute({ cdb: cdb('TEST_UNIT_READY', {}) });
      else await first.testUnitReady();
      await assert.rejects(second.write(BLOCK, { position: 0 }), { code: 'ISCSI_IDENTITY' });
      assert.equal(writesOf(disks.second), 0);
    }
  });

  test(`${name}: a change that was none is gone on with, also when it is told during the look`, async (t) => {
    const { disks, first, second } = await open(t);
    disks.refusals.push(REPORTED_LUNS_CHANGED);
    await first.testUnitReady();
    disks.second.refusals.push(REPORTED_LUNS_CHANGED, REPORTED_LUNS_CHANGED);
    await Promise.all([first.write(BLOCK, { position: 0 }), second.write(BLOCK, { position: 512 })]);
    assert.deepEqual([writesOf(disks), writesOf(disks.second)], [1, 1]);
    const { log } = disks.second;
    await second.write(BLOCK, { position: 512 });
    assert.equal(log.length, 2);
  });
}

for (const { name, open } of RAW_WAYS) {
  for (const [title, sense] of [
    ['that it does not exist', LOGICAL_UNIT_NOT_SUPPORTED],
    ['that it has no medium', [2, 0x3a, 0x00] as const],
    ['that its medium may have changed', [6, 0x28, 0x00] as const],
    ['that its identifier has changed', [6, 0x3f, 0x05] as const],
  ] as const) {
    test(`${name}: a logical unit that says ${title}, and works again, is looked at before it is written`, async (t) => {
      const { lun, disk, changes } = await open(t);
      disk.refusals.push(sense);
      disk.serial = 'STRANGER';
      await lun.read(new Uint8Array(512), { position: 0 }).catch(() => undefined);
      await assert.rejects(lun.write(BLOCK, { position: 0 }), { code: 'ISCSI_IDENTITY' });
      assert.equal(changes(), 0);
    });
  }

  test(`${name}: a logical unit that was gone for a while and is the same is gone on with`, async (t) => {
    const { lun, disk, changes } = await open(t);
    disk.refusals.push(LOGICAL_UNIT_NOT_SUPPORTED, LOGICAL_UNIT_NOT_SUPPORTED);
    await assert.rejects(lun.write(BLOCK, { position: 0 }), { code: 'ISCSI_SCSI_STATUS' });
    await assert.rejects(lun.write(BLOCK, { position: 0 }), { code: 'ISCSI_SCSI_STATUS' }); // while it is looked at
    await lun.write(BLOCK, { position: 0 });
    assert.equal(changes(), 1);
  });

  test(`${name}: a device that reports a change at every question ends the call with an error, in time`, async (t) => {
    const disk = new RawDisk();
    let always = false;
    const { lun, changes } = await open(t, {
      disk,
      onCommand: ({ cdb: bytes, dataOut }, answer) => {
        if (!always || bytes[0] !== 0x9e) return false;
        disk.refusals.push(REPORTED_LUNS_CHANGED);
        answer(disk.execute(Uint8Array.of(0, 0, 0, 0, 0, 0), dataOut, 0));
        return true;
      },
    });
    always = true;
    disk.refusals.push(REPORTED_LUNS_CHANGED);
    await assert.rejects(lun.write(BLOCK, { position: 0 }), { code: /ISCSI_(SCSI_STATUS|IDENTITY)/ });
    assert.equal(changes(), 0);
  });
}

test('writes that waited for the command window when a change was told are sent after the look, or never', async (t) => {
  for (const swapped of [false, true]) {
    const held: (() => void)[] = [];
    let holding = false;
    const { disks, first, second } = await OVER_ONE_SESSION.open(t, {
      window: 4,
      onCommand: (command, connection) => {
        if (!holding || command.cdb[0] !== 0x28) return false;
        held.push(() => connection.respond(command.tag, 2, senseData(...REPORTED_LUNS_CHANGED)));
        return true;
      },
    });
    holding = true;
    // Four reads fill the window, so that the writes wait in the session.
    const reads = Array.from({ length: 4 }, () => first.read(new Uint8Array(512), { position: 0 }));
    while (held.length < 4) await new Promise((resolve) => setImmediate(resolve));
    const writes = Array.from({ length: 20 }, (_, at) => second.write(BLOCK, { position: at * 512 }));
    for (const write of writes) write.catch(() => undefined);
    holding = false;
    if (swapped) swapSecond(disks);
    for (const answer of held) answer();
    const outcomes = await Promise.allSettled(writes);
    await Promise.all(reads);
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'done'));
    assert.deepEqual(new Set(codes), new Set([swapped ? 'ISCSI_IDENTITY' : 'done']));
    assert.equal(writesOf(disks.second), swapped ? 0 : 20);
    await first.write(BLOCK, { position: 0 });
  }
});

test('a change that the target tells unasked, by Asynchronous Message, puts all logical units in doubt', async (t) => {
  const disks = new TwoDisks();
  const target = await RawTarget.listen(t, { disk: disks });
  let told = 0;
  const session = await openSession(target.url(), { onEvent: () => told++ });
  t.after(() => session.close());
  const second = await session.logicalUnit(1);
  swapSecond(disks);
  const { connection } = target;
  connection.send(connection.voice.asyncMessage(0, [0, 0, 0], senseSegment(senseData(...REPORTED_LUNS_CHANGED))));
  while (told === 0) await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(second.write(BLOCK, { position: 0 }), { code: 'ISCSI_IDENTITY' });
  assert.equal(writesOf(disks.second), 0);
});

/** A port whose writes wait until they are taken back, as in a session whose window is closed. */
class WaitingPort extends RawDiskPort {
  /** Whether what waits was sent already, in a session that was lost. */
  sentBefore = false;
  waits = false;
  readonly #waiting: ScsiTask[] = [];

  override submit(task: ScsiTask): void {
    if (this.waits && task.dataOut.length > 0) this.#waiting.push(task);
    else super.submit(task);
  }

  recallUnsent(reason: IscsiError): void {
    this.waits = false;
    for (const task of this.#waiting.splice(0)) task.settle(task, withCommandSent(reason, this.sentBefore));
  }
}

for (const sentBefore of [false, true]) {
  const what = sentBefore
    ? 'was sent in a session that was lost is not sent as a new one'
    : 'was never sent is sent then';
  test(`a write that is taken back and ${what}`, async () => {
    const disk = new RawDisk();
    const port = new WaitingPort(disk);
    const lun = await LogicalUnit.open(port);
    Object.assign(port, { sentBefore, waits: true });
    const write = lun.write(BLOCK, { position: 0 });
    const outcome = write.then(
      () => 'written',
      (error: IscsiError) => [error.code, error.commandSent],
    );
    disk.refusals.push(REPORTED_LUNS_CHANGED);
    await lun.read(new Uint8Array(512), { position: 512 });
    assert.deepEqual(await outcome, sentBefore ? ['ISCSI_CONNECTION_LOST', true] : 'written');
    assert.equal(writesOf(disk), sentBefore ? 0 : 1);
    await lun.write(BLOCK, { position: 0 });
  });
}
