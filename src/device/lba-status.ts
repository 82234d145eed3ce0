/**
 * GET LBA STATUS (SBC), for thin units: which blocks take room.
 *
 *     0-3  PARAMETER DATA LENGTH (n - 3)
 *     8+   descriptors of 16: 0-7 LBA; 8-11 NUMBER OF LOGICAL BLOCKS; 12:3-0 PROVISIONING STATUS (0 mapped,
 *          1 deallocated)
 */
import { COMMANDS } from '../scsi/commands.ts';
import { bits, readFields, u32, u64, writeFields } from '../scsi/fields.ts';
import { fail, LBA_OUT_OF_RANGE, perform, reading } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import { inPieces } from './eventually.ts';
import { SLICE } from './pace.ts';
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
// What it takes to find out about one range, and about a long one, in bytes that could be worked through meanwhile.
const LOOK = 1024;
const LOOKS_AT = 4096;

function getLbaStatus(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const fields = readFields(COMMANDS.GET_LBA_STATUS_16.fields, task.cdb, 0, task.cdbLength);
  const { startingLogicalBlockAddress, allocationLength } = fields;
  if (startingLogicalBlockAddress >= unit.blocks) {
    fail(unit, task, LBA_OUT_OF_RANGE);
    return;
  }
  const room = Math.floor((allocationLength - HEADER_LENGTH) / DESCRIPTOR_LENGTH);
  const count = Math.max(1, Math.min(room, MOST_DESCRIPTORS));
  const bytes = new Uint8Array(HEADER_LENGTH + count * DESCRIPTOR_LENGTH);
  const position = startingLogicalBlockAddress * unit.blockSize;
  let length = 0;
  const fill = () =>
    fillStatus(unit, task, startingLogicalBlockAddress, bytes, (end) => {
      length = end;
    });
  perform(unit, task, { ...reading(position, 0), paced: true }, fill, () =>
    dataInUpTo(task, bytes.subarray(0, length), allocationLength),
  );
}

/** Writes the states from block `first` on into `bytes`, as many as there is room for, and tells where they end. */
function fillStatus(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  first: number,
  bytes: Uint8Array,
  end: (at: number) => void,
): Eventually {
  const view = new DataView(bytes.buffer);
  let next = first;
  return inPieces(HEADER_LENGTH, bytes.length, DESCRIPTOR_LENGTH, (at) => {
    if (next >= unit.blocks || task.aborted) return false;
    const { allocated, blocks } = stateOf(unit, next);
    const values = {
      logicalBlockAddress: next,
      numberOfLogicalBlocks: blocks,
      provisioningStatus: allocated ? MAPPED : DEALLOCATED,
    };
    writeFields(DESCRIPTOR, view, at, values, 'LBA status descriptor');
    next += blocks;
    view.setUint32(0, at + DESCRIPTOR_LENGTH - 4);
    end(at + DESCRIPTOR_LENGTH);
    return unit.pace.turn(LOOK + Math.min((blocks * unit.blockSize) / LOOKS_AT, SLICE));
  });
}

/** The state of block `first`, and how many blocks from there on have it. A store that does not know has mapped all. */
function stateOf(unit: DeviceLogicalUnit, first: number): { readonly allocated: boolean; readonly blocks: number } {
  const rest = Math.min(unit.blocks - first, MOST_BLOCKS);
  const state = unit.store.provisioning?.(first * unit.blockSize, rest * unit.blockSize);
  if (!state) return { allocated: true, blocks: rest };
  return {
    allocated: state.allocated,
    blocks: Math.min(Math.max(1, Math.floor(state.length / unit.blockSize)), rest),
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
