/**
 * What an error says of a call that takes several commands: "not sent" only when none of them was at the target.
 * Whoever reads that sends the whole again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { CLOCK } from '../../src/node/clock.ts';
import type { ScsiPort } from '../../src/scsi/port.ts';
import { ScsiTask } from '../../src/scsi/scsi-task.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { RawDiskPort } from './raw-disk-port.ts';

const WRITE_10 = 0x2a;
const UNSENT = new IscsiError('ISCSI_CONNECTION_LOST', 'The connection ended', { commandSent: false });

/** Carries commands to a disk until `limit` WRITEs were carried out: further ones never leave this side. */
class DyingPort implements ScsiPort {
  readonly unitName = 'LUN 0';
  readonly deviceName = 'a raw disk';
  readonly timeout = 30_000;
  readonly clock = CLOCK;
  readonly device = {};
  limit = 0;
  readonly #port: RawDiskPort;

  constructor(disk: RawDisk) {
    this.#port = new RawDiskPort(disk);
  }

  newTask(): ScsiTask {
    return new ScsiTask();
  }

  submit(task: ScsiTask): void {
    const { settle } = task;
    if (task.cdb.getUint8(0) === WRITE_10 && this.limit-- <= 0) settle(task, UNSENT);
    else this.#port.submit(task);
  }

  abort(task: ScsiTask, reason: IscsiError): void {
    this.#port.abort(task, reason);
  }
}

async function opened(): Promise<{ readonly lun: LogicalUnit; readonly port: DyingPort }> {
  const disk = new RawDisk();
  disk.maximumTransfer = 4;
  const port = new DyingPort(disk);
  return { lun: await LogicalUnit.open(port), port };
}

const BLOCK = 512;

for (const { what, position, length } of [
  { what: 'a long write', position: 0, length: 40 * BLOCK },
  { what: 'an unaligned write', position: 100, length: 3 * BLOCK },
]) {
  test(`the error of ${what} says "not sent" only when no command of it was`, async () => {
    const { lun, port } = await opened();
    const write = (): Promise<unknown> => lun.write(new Uint8Array(length), { position });
    await assert.rejects(write(), { code: 'ISCSI_CONNECTION_LOST', commandSent: false });
    port.limit = 1;
    await assert.rejects(write(), { code: 'ISCSI_CONNECTION_LOST', commandSent: true });
    port.limit = 100;
    await write();
  });
}
