/**
 * GET LBA STATUS (SBC), for thin units: which blocks take room.
 *
 *     0-3  PARAMETER DATA LENGTH (n - 3)
 *     8+   descriptors of 16: 0-7 LBA; 8-11 NUMBER OF LOGICAL BLOCKS; 12:3-0 PROVISIONING STATUS (0 mapped,
 *          1 deallocated)
 */
import { COMMANDS } from '../scsi/commands.ts';
import { bits, readFields, u32, u64, writeFields } from '../scsi/fields.ts';
import { fail, LBA_OUT_OF_RANGE } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

const DESCRIPTOR = {
  logicalBlockAddress: u64(0),
  numberOfLogicalBlocks: u32(8),
  provisioningStatus: bits(12, 4),
};
const HEADER_LENGTH = 8;
const DESCRIPTOR_LENGTH = 16;
const MAPPED = 0;
const DEALLOCATED = 1;
const MOST_DESCRIPTORS = 256;
const MOST_BLOCKS = 0xffff_ffff;

function getLbaStatus(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const fields = readFields(COMMANDS.GET_LBA_STATUS_16.fields, task.cdb, 0, task.cdbLength);
  const { startingLogicalBlockAddress, allocationLength } = fields;
  if (startingLogicalBlockAddress >= unit.blocks) {
    fail(unit, task, LBA_OUT_OF_RANGE);
    return;
  }
  const room = Math.floor((allocationLength - HEADER_LENGTH) / DESCRIPTOR_LENGTH);
  const count = Math.max(1, Math.min(room, MOST_DESCRIPTORS));
  dataInUpTo(task, statusData(unit, startingLogicalBlockAddress, count), allocationLength);
}

/** The states from block `first` on, in at most `most` descriptors. */
function statusData(unit: DeviceLogicalUnit, first: number, most: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + most * DESCRIPTOR_LENGTH);
  const view = new DataView(bytes.buffer);
  let at = HEADER_LENGTH;
  for (let next = first; next < unit.blocks && at < bytes.length; at += DESCRIPTOR_LENGTH) {
    const { allocated, blocks } = stateOf(unit, next);
    const values = {
      logicalBlockAddress: next,
      numberOfLogicalBlocks: blocks,
      provisioningStatus: allocated ? MAPPED : DEALLOCATED,
    };
    writeFields(DESCRIPTOR, view, at, values, 'LBA status descriptor');
    next += blocks;
  }
  view.setUint32(0, at - 4);
  return bytes.subarray(0, at);
}

/** The state of block `first`, and how many blocks from there on have it. A store that does not know has mapped all. */
function stateOf(unit: DeviceLogicalUnit, first: number): { readonly allocated: boolean; readonly blocks: number } {
  const rest = Math.min(unit.blocks - first, MOST_BLOCKS);
  const state = unit.store.provisioning?.(first * unit.blockLength, rest * unit.blockLength);
  if (!state) return { allocated: true, blocks: rest };
  return {
    allocated: state.allocated,
    blocks: Math.min(Math.max(1, Math.floor(state.length / unit.blockLength)), rest),
  };
}

/** GET LBA STATUS(16). */
export const LBA_STATUS_COMMANDS: readonly Declaration[] = [
  declare({
    name: 'GET_LBA_STATUS_16',
    accepts: ['startingLogicalBlockAddress', 'allocationLength'],
    run: getLbaStatus,
    needs: 'medium',
  }),
];
