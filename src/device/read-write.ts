/**
 * READ and WRITE. On a RAM store with nothing in flight a READ is pulled piece by piece into the send buffer, and a
 * WRITE is stored and answered in the same call: nothing is allocated. Everything else goes through the order of tasks.
 */
import { extentAddress, extentBlocks } from '../scsi/fast.ts';
import { fail, perform, reading, storeFailure, TOO_LITTLE_DATA, writing } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import { andThen } from './eventually.ts';
import { extentFits, extentLength } from './extent.ts';
import type { DeviceTask } from './task.ts';

// FUA and FUA_NV of the 10-, 12- and 16-byte forms, where byte 1 has no address bits. FUA_NV (a non-volatile cache
// would do) is obsolete; there is no such cache here, and going to the medium does what it asks for, too.
const FUA_BITS = 0x0a;

/** Ends the task with the blocks of the extent. Hot. */
function read(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { cdb } = task;
  const address = extentAddress(cdb, 0);
  const blocks = extentBlocks(cdb, 0);
  if (!extentFits(unit, task, address, blocks, unit.limits.transfer)) return;
  if (blocks === 0) {
    task.good();
    return;
  }
  const position = address * unit.blockSize;
  const length = blocks * unit.blockSize;
  const fromMedium = unit.cacheIsNewer && forcesUnitAccess(cdb);
  if (unit.synchronous && !fromMedium) {
    if (unit.order.idle) pull(unit, task, position, length);
    else perform(unit, task, reading(position, length), nothing, () => pull(unit, task, position, length));
  } else readBuffered(unit, task, position, length, fromMedium);
}

/** Stores the blocks of the extent. Hot. */
function write(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { cdb, dataOut } = task;
  const address = extentAddress(cdb, 0);
  const blocks = extentBlocks(cdb, 0);
  if (!extentFits(unit, task, address, blocks, unit.limits.transfer)) return;
  const length = arrivedLength(unit, task, blocks);
  if (length < 0) return;
  if (length === 0) {
    task.good();
    return;
  }
  const position = address * unit.blockSize;
  const through = unit.volatileWriteCache && (unit.writesThrough || forcesUnitAccess(cdb));
  if (unit.order.idle && unit.synchronous && !through) writeAtOnce(unit, task, position, length);
  else {
    const store = () => unit.write(position, dataOut, 0, length);
    const work = through ? () => andThen(store(), () => unit.flush()) : store;
    perform(unit, task, writing(position, length), work, () => task.good());
  }
}

/**
 * How many bytes of data-out to use for `blocks` blocks; -1 when the task has been ended.
 *
 * An initiator that announces less data than its CDB tells of gets what RFC 7143 §11.4.5 describes: the whole blocks
 * that came are written, and the response shows the overflow. Part of a block would leave the rest of it to chance, so
 * then nothing is written at all.
 */
export function arrivedLength(unit: DeviceLogicalUnit, task: DeviceTask, blocks: number): number {
  const length = Math.min(blocks * unit.blockSize, task.dataOut.length);
  if (length % unit.blockSize === 0) return length;
  fail(unit, task, TOO_LITTLE_DATA);
  return -1;
}

function forcesUnitAccess(cdb: DataView): boolean {
  return cdb.getUint8(0) >>> 5 !== 0 && (cdb.getUint8(1) & FUA_BITS) !== 0;
}

function pull(unit: DeviceLogicalUnit, task: DeviceTask, position: number, length: number): void {
  try {
    task.dataInFrom(unit.source, position, length);
  } catch (error) {
    fail(unit, task, storeFailure(unit, error, 'read'));
  }
}

function readBuffered(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  position: number,
  length: number,
  flushFirst: boolean,
): void {
  let bytes: Uint8Array | undefined; // made when the read starts, not while it waits
  const fill = (): Eventually => {
    bytes = new Uint8Array(length);
    return unit.store.read(position, bytes, 0, length);
  };
  const work = flushFirst ? () => andThen(unit.flush(), fill) : fill;
  perform(unit, task, reading(position, length), work, () => task.dataIn(bytes ?? new Uint8Array(length), length));
}

function writeAtOnce(unit: DeviceLogicalUnit, task: DeviceTask, position: number, length: number): void {
  let result: Eventually;
  try {
    result = unit.write(position, task.dataOut, 0, length);
  } catch (error) {
    fail(unit, task, storeFailure(unit, error, 'write'));
    return;
  }
  if (result === undefined) task.good();
  else
    perform(
      unit,
      task,
      writing(position, length),
      () => result,
      () => task.good(),
    );
}

function nothing(): void {}

function transferLength(unit: DeviceLogicalUnit, cdb: DataView): number {
  return extentLength(unit, cdb, unit.limits.transfer);
}

const EXTENT = ['logicalBlockAddress', 'transferLength'] as const;
const CACHE = ['dpo', 'fua', 'fuaNv'] as const;
const READ = { run: read, needs: 'medium' } as const;
const WRITE = { run: write, needs: 'writable', dataOutLength: transferLength } as const;

/** READ(6), (10), (12), (16); WRITE(6), (10), (12), (16). */
export const READ_WRITE_COMMANDS: readonly Declaration[] = [
  declare({ name: 'READ_6', accepts: EXTENT, ...READ }),
  declare({ name: 'READ_10', accepts: [...EXTENT, ...CACHE], ...READ }),
  declare({ name: 'READ_12', accepts: [...EXTENT, ...CACHE], ...READ }),
  declare({ name: 'READ_16', accepts: [...EXTENT, ...CACHE], ...READ }),
  declare({ name: 'WRITE_6', accepts: EXTENT, ...WRITE }),
  declare({ name: 'WRITE_10', accepts: [...EXTENT, ...CACHE], ...WRITE }),
  declare({ name: 'WRITE_12', accepts: [...EXTENT, ...CACHE], ...WRITE }),
  declare({ name: 'WRITE_16', accepts: [...EXTENT, ...CACHE], ...WRITE }),
];
