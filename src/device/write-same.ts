/**
 * WRITE SAME (SBC): one block, or with NDOB a block of zeros, onto each block of the range. With UNMAP the blocks of a
 * thin unit are discarded when they then read as the block that was sent, that is when it is zeros (LBPRZ); any other
 * block is written.
 */
import { sameLength } from '../bytes/compare.ts';
import { extentAddress, extentBlocks } from '../scsi/fast.ts';
import { fail, invalidCdbField, perform, TOO_LITTLE_DATA, writing } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import { repeated } from './compare.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import { extentFits, extentLength, lengthByte } from './extent.ts';
import { SLICE } from './pace.ts';
import { discardInSlices, inSlices } from './slices.ts';
import type { DeviceTask } from './task.ts';

const WRITE_SAME_16 = 0x93;
const UNMAP = 0x08;
const NDOB = 0x01; // WRITE SAME(16) only; reserved in the shorter form and refused before

function writeSame(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { cdb } = task;
  const address = extentAddress(cdb, 0);
  const blocks = extentBlocks(cdb, 0);
  if (blocks === 0) {
    invalidCdbField(unit, task, lengthByte(cdb.getUint8(0))); // WSNZ: no "to the end"
    return;
  }
  if (!extentFits(unit, task, address, blocks, unit.limits.writeSame)) return;
  const sent = sendsBlock(cdb);
  if (sent && task.dataOut.length < unit.blockSize) {
    fail(unit, task, TOO_LITTLE_DATA);
    return;
  }
  const block = sent ? task.dataOut.subarray(0, unit.blockSize) : new Uint8Array(unit.blockSize);
  const position = address * unit.blockSize;
  const length = blocks * unit.blockSize;
  const discards = (cdb.getUint8(1) & UNMAP) !== 0 && isZero(block);
  const work = () =>
    discards ? discardInSlices(unit, task, position, length) : repeat(unit, task, position, length, block);
  perform(unit, task, { ...writing(position, length), paced: true }, work, () => task.good());
}

function repeat(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  position: number,
  length: number,
  block: Uint8Array,
): Eventually {
  const bytes = repeated(block, Math.min(length, SLICE));
  return inSlices(unit, task, length, (at, slice) => unit.write(position + at, bytes, 0, slice));
}

function isZero(block: Uint8Array): boolean {
  return block[0] === 0 && sameLength(block, 0, new Uint8Array(block.length), 0, block.length) === block.length;
}

function sendsBlock(cdb: DataView): boolean {
  return cdb.getUint8(0) !== WRITE_SAME_16 || (cdb.getUint8(1) & NDOB) === 0;
}

function dataOutLength(unit: DeviceLogicalUnit, cdb: DataView): number {
  return sendsBlock(cdb) ? Math.min(extentLength(unit, cdb, unit.limits.writeSame), unit.blockSize) : 0;
}

/** WRITE SAME(10) and (16); UNMAP is accepted by thin units only. */
export function writeSameCommands(thin: boolean): readonly Declaration[] {
  const fields = ['logicalBlockAddress', 'numberOfLogicalBlocks', ...(thin ? (['unmap'] as const) : [])] as const;
  const shared = { run: writeSame, needs: 'writable', dataOutLength } as const;
  return [
    declare({ name: 'WRITE_SAME_10', accepts: fields, ...shared }),
    declare({ name: 'WRITE_SAME_16', accepts: [...fields, 'ndob'], ...shared }),
  ];
}
