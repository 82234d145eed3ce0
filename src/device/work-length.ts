import { extentAddress, extentBlocks } from '../scsi/fast.ts';
import type { Command } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { extentLength } from './extent.ts';

/** What commands that go through an extent piece by piece take at a time. */
const PIECE = 256 * 1024;

/** Those whose whole extent is in memory until it was sent. */
const READS: ReadonlySet<string> = new Set(['READ_6', 'READ_10', 'READ_12', 'READ_16']);
/** Those that bring in a piece of the extent at a time, to compare it or to write it. */
const IN_PIECES: ReadonlySet<string> = new Set([
  'VERIFY_10',
  'VERIFY_12',
  'VERIFY_16',
  'WRITE_AND_VERIFY_10',
  'WRITE_AND_VERIFY_12',
  'WRITE_AND_VERIFY_16',
  'COMPARE_AND_WRITE',
  'WRITE_SAME_10',
  'WRITE_SAME_16',
]);

/**
 * How many bytes a command takes while it runs, besides its data-out, from the CDB alone; 0 where that is nothing worth
 * counting, and for what will be refused.
 */
export function workLength(unit: DeviceLogicalUnit, { name }: Command, cdb: DataView): number {
  if (READS.has(name)) return extentLength(unit, cdb, unit.limits.transfer);
  if (!IN_PIECES.has(name) || extentAddress(cdb, 0) >= unit.blocks) return 0;
  return Math.min(PIECE, extentBlocks(cdb, 0) * unit.blockSize);
}
