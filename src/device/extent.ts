/** Where READ, WRITE, VERIFY and their kin point to, and whether they may. */
import { extentAddress, extentBlocks } from '../scsi/fast.ts';
import { fail, invalidCdbField, LBA_OUT_OF_RANGE } from './answers.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

/**
 * Whether the extent lies inside the logical unit and is no longer than `limit` blocks; ends the task if not. Hot.
 *
 * Nothing at the very end (`blocks` 0 at the first address behind the last block) is inside: address plus length do not
 * exceed the capacity (SBC, "READ (10) command"). An address above 2^53 comes in rounded and is out of range all the
 * same.
 */
export function extentFits(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  address: number,
  blocks: number,
  limit: number,
): boolean {
  if (address + blocks > unit.blocks) {
    fail(unit, task, LBA_OUT_OF_RANGE);
    return false;
  }
  if (blocks > limit) {
    invalidCdbField(unit, task, lengthByte(task.cdb.getUint8(0)));
    return false;
  }
  return true;
}

/**
 * Bytes of the extent in `cdb`; 0 when it is longer than `limit` blocks or does not lie inside the logical unit, and
 * will be refused.
 */
export function extentLength(unit: DeviceLogicalUnit, cdb: DataView, limit: number): number {
  const blocks = extentBlocks(cdb, 0);
  if (blocks > limit || extentAddress(cdb, 0) + blocks > unit.blocks) return 0;
  return blocks * unit.blockSize;
}

/** The byte of the CDB where the length begins. */
export function lengthByte(opcode: number): number {
  switch (opcode >>> 5) {
    case 0:
      return 4;
    case 4:
      return 10;
    case 5:
      return 6;
    default:
      return 7;
  }
}
