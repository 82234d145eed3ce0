/** UNMAP (SBC), for thin units. Everything in the parameter list is checked before anything is unmapped. */
import type { UnmapRange } from '../scsi/data/unmap-list.ts';
import { readUnmapList } from '../scsi/data/unmap-list.ts';
import { fail, invalidParameter, LBA_OUT_OF_RANGE, PARAMETER_LIST_LENGTH_ERROR, perform, writing } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { inPieces } from './eventually.ts';
import { discardInSlices } from './slices.ts';
import type { DeviceTask } from './task.ts';

const HEADER = 8;
const DESCRIPTOR = 16;
const NUMBER_OF_BLOCKS = 8; // within a descriptor

function unmap(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const listLength = dataOutLength(unit, task.cdb);
  if (listLength === 0) {
    task.good();
    return;
  }
  if (listLength < HEADER || task.dataOut.length < listLength) {
    fail(unit, task, PARAMETER_LIST_LENGTH_ERROR);
    return;
  }
  const list = readUnmapList(task.dataOut.subarray(0, listLength));
  const end = HEADER + list.blockDescriptorDataLength;
  if (end > listLength) {
    fail(unit, task, PARAMETER_LIST_LENGTH_ERROR);
    return;
  }
  if (list.unmapDataLength + 2 < end) {
    invalidParameter(unit, task, 0);
    return;
  }
  const { ranges } = list; // an incomplete last one is left out, as SBC has it
  if (ranges.length > unit.limits.unmapDescriptors) invalidParameter(unit, task, 2);
  else if (rangesFit(unit, task, ranges)) discard(unit, task, ranges);
}

/** Whether all ranges are inside the logical unit, and together not more than the limit; ends the task if not. */
function rangesFit(unit: DeviceLogicalUnit, task: DeviceTask, ranges: readonly UnmapRange[]): boolean {
  let total = 0;
  for (const [index, { logicalBlockAddress, numberOfLogicalBlocks }] of ranges.entries()) {
    if (logicalBlockAddress + numberOfLogicalBlocks > unit.blocks) {
      fail(unit, task, LBA_OUT_OF_RANGE);
      return false;
    }
    total += numberOfLogicalBlocks;
    if (total > unit.limits.unmapBlocks) {
      invalidParameter(unit, task, HEADER + index * DESCRIPTOR + NUMBER_OF_BLOCKS);
      return false;
    }
  }
  return true;
}

function discard(unit: DeviceLogicalUnit, task: DeviceTask, ranges: readonly UnmapRange[]): void {
  const { blockSize } = unit;
  const used = ranges.filter((range) => range.numberOfLogicalBlocks > 0);
  const from = used.reduce((least, range) => Math.min(least, range.logicalBlockAddress), unit.blocks);
  const to = used.reduce((most, range) => Math.max(most, range.logicalBlockAddress + range.numberOfLogicalBlocks), 0);
  const work = () =>
    inPieces(0, used.length, 1, (at) => {
      const range = used[at];
      if (task.aborted) return false;
      if (range)
        return discardInSlices(
          unit,
          task,
          range.logicalBlockAddress * blockSize,
          range.numberOfLogicalBlocks * blockSize,
        );
    });
  const length = Math.max(to - from, 0);
  perform(unit, task, { ...writing(from * blockSize, length * blockSize), paced: true }, work, () => task.good());
}

function dataOutLength(_unit: DeviceLogicalUnit, cdb: DataView): number {
  return cdb.getUint16(7);
}

/** UNMAP. */
export const UNMAP_COMMANDS: readonly Declaration[] = [
  declare({ name: 'UNMAP', accepts: ['parameterListLength'], run: unmap, needs: 'writable', dataOutLength }),
];
