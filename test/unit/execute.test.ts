/** One command through a port, and what a port may rely on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cdb } from '../../src/scsi/cdb.ts';
import type { ScsiTask } from '../../src/scsi/scsi-task.ts';
import { execute } from '../../src/unit/execute.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { RawDiskPort } from './raw-disk-port.ts';

const TEST_UNIT_READY = cdb('TEST_UNIT_READY', {});

/** A port that notes aborts, and answers before `submit` returns when it is told to. */
class NotingPort extends RawDiskPort {
  readonly aborts: ScsiTask[] = [];
  atOnce = false;

  override submit(task: ScsiTask): void {
    if (this.atOnce) {
      const { settle } = task;
      task.received = task.dataIn.length;
      settle(task, undefined);
      task.reset();
    } else super.submit(task);
  }

  override abort(...parameters: Parameters<RawDiskPort['abort']>): void {
    this.aborts.push(parameters[0]);
    super.abort(...parameters);
  }
}

test('a signal aborts the task that it belongs to, and none that has settled', async () => {
  const port = new NotingPort(new RawDisk(), () => true); // nothing is answered
  const stop = new AbortController();
  const command = execute(port, { cdb: TEST_UNIT_READY, signal: stop.signal });
  stop.abort(new Error('no longer needed'));
  await assert.rejects(command, { code: 'ISCSI_ABORTED', cause: new Error('no longer needed') });
  assert.equal(port.aborts.length, 1);
  await assert.rejects(execute(port, { cdb: TEST_UNIT_READY, signal: stop.signal }), { code: 'ISCSI_ABORTED' });
  assert.equal(port.aborts.length, 1, 'a signal that was aborted before sends nothing');
  assert.equal(port.underWay, 0);
});

test('a task that settles before submit returns is never aborted, by read, write and execute alike', async () => {
  const port = new NotingPort(new RawDisk());
  const lun = await LogicalUnit.open(port);
  port.atOnce = true;
  const stop = new AbortController();
  const { signal } = stop;
  await execute(port, { cdb: TEST_UNIT_READY, signal });
  await lun.read(new Uint8Array(512), { position: 0, signal });
  await lun.write(new Uint8Array(512), { position: 0, signal });
  stop.abort();
  assert.deepEqual(port.aborts, []);
});

test('what no port can carry is ISCSI_USAGE', async () => {
  const port = new NotingPort(new RawDisk());
  for (const length of [0, 5, 261]) {
    await assert.rejects(execute(port, { cdb: new Uint8Array(length) }), { code: 'ISCSI_USAGE' });
  }
  await assert.rejects(execute(port, { cdb: TEST_UNIT_READY, timeout: Number.NaN }), { code: 'ISCSI_USAGE' });
});

test('opening a LUN that does not exist names the device, and those there are when somebody can be asked', async () => {
  const disk = new RawDisk();
  const port = new RawDiskPort(disk, undefined, 3);
  const message = 'Cannot open LUN 3 of a raw disk: there is no such logical unit';
  await assert.rejects(LogicalUnit.open(port), { code: 'ISCSI_LUN_NOT_FOUND', message, hint: undefined });
  const inventory = new RawDiskPort(disk);
  await assert.rejects(LogicalUnit.open(port, { inventory }), { message, hint: 'it has LUN 0' });
  const silent = new RawDiskPort(disk, ({ cdb: bytes }, answer) => {
    if (bytes[0] === 0xa0) answer({ status: 0x18 });
    return bytes[0] === 0xa0;
  });
  const hint = 'and it does not say which there are';
  await assert.rejects(LogicalUnit.open(port, { inventory: silent }), { message, hint });
});
