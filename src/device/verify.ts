/**
 * VERIFY and WRITE AND VERIFY (SBC). BYTCHK tells what to compare with:
 *
 *     0  nothing: the blocks must be readable
 *     1  as many blocks as are verified
 *     3  one block, with each (VERIFY only)
 *
 * The sense data of a miscompare has in INFORMATION the byte of the range where the first difference is.
 */
import { extentAddress, extentBlocks } from '../scsi/fast.ts';
import { fail, invalidCdbField, miscompare, perform, reading, TOO_LITTLE_DATA, writing } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import type { Comparison } from './compare.ts';
import { compare, readThrough } from './compare.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { andThen } from './eventually.ts';
import { extentFits, extentLength } from './extent.ts';
import { arrivedLength } from './read-write.ts';
import type { DeviceTask } from './task.ts';

const BYTCHK_HIGH_BIT = 2;

function verify(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { cdb } = task;
  const address = extentAddress(cdb, 0);
  const blocks = extentBlocks(cdb, 0);
  const check = byteCheck(cdb);
  if (check === 2) {
    invalidCdbField(unit, task, 1, BYTCHK_HIGH_BIT);
    return;
  }
  if (!extentFits(unit, task, address, blocks, unit.limits.transfer)) return;
  if (blocks === 0) {
    task.good();
    return;
  }
  const position = address * unit.blockSize;
  const length = blocks * unit.blockSize;
  if (check === 0) {
    perform(
      unit,
      task,
      { ...reading(position, length), paced: true },
      () => readThrough(unit, task, position, length),
      () => task.good(),
    );
    return;
  }
  // GOOD would say that all blocks were compared, which takes all the data.
  const needed = check === 3 ? unit.blockSize : length;
  if (task.dataOut.length < needed) {
    fail(unit, task, TOO_LITTLE_DATA);
    return;
  }
  const expected = task.dataOut.subarray(0, needed);
  const result: Comparison = { difference: -1 };
  const work = () => compare(unit, task, position, length, expected, result);
  perform(unit, task, { ...reading(position, length), paced: true }, work, () => answerComparison(unit, task, result));
}

function writeAndVerify(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { cdb } = task;
  const address = extentAddress(cdb, 0);
  const blocks = extentBlocks(cdb, 0);
  const check = byteCheck(cdb);
  if (check > 1) {
    invalidCdbField(unit, task, 1, BYTCHK_HIGH_BIT);
    return;
  }
  if (!extentFits(unit, task, address, blocks, unit.limits.transfer)) return;
  const length = arrivedLength(unit, task, blocks);
  if (length < 0) return;
  if (length === 0) {
    task.good();
    return;
  }
  const position = address * unit.blockSize;
  const data = task.dataOut.subarray(0, length);
  const result: Comparison = { difference: -1 };
  // The blocks are verified on the medium: what is only in a cache is not verified. Hence the flush between.
  const flushed = () => andThen(unit.write(position, data, 0, length), () => unit.flush());
  const verified = () =>
    check === 1 ? compare(unit, task, position, length, data, result) : readThrough(unit, task, position, length);
  const work = () => andThen(flushed(), verified);
  perform(unit, task, writing(position, length), work, () => answerComparison(unit, task, result));
}

function answerComparison(unit: DeviceLogicalUnit, task: DeviceTask, result: Comparison): void {
  if (result.difference < 0) task.good();
  else miscompare(unit, task, result.difference);
}

function byteCheck(cdb: DataView): number {
  return (cdb.getUint8(1) >>> 1) & 0x3;
}

function verifyDataLength(unit: DeviceLogicalUnit, cdb: DataView): number {
  const length = extentLength(unit, cdb, unit.limits.transfer);
  switch (byteCheck(cdb)) {
    case 1:
      return length;
    case 3:
      return Math.min(length, unit.blockSize);
    default:
      return 0;
  }
}

function writeDataLength(unit: DeviceLogicalUnit, cdb: DataView): number {
  return byteCheck(cdb) > 1 ? 0 : extentLength(unit, cdb, unit.limits.transfer);
}

const VERIFY_FIELDS = ['logicalBlockAddress', 'verificationLength', 'dpo', 'bytchk'] as const;
const WRITE_FIELDS = ['logicalBlockAddress', 'transferLength', 'dpo', 'bytchk'] as const;
const VERIFY = { accepts: VERIFY_FIELDS, run: verify, needs: 'medium', dataOutLength: verifyDataLength } as const;
const WRITE_AND_VERIFY = {
  accepts: WRITE_FIELDS,
  run: writeAndVerify,
  needs: 'writable',
  dataOutLength: writeDataLength,
} as const;

/** VERIFY(10), (12), (16); WRITE AND VERIFY(10), (12), (16). */
export const VERIFY_COMMANDS: readonly Declaration[] = [
  declare({ name: 'VERIFY_10', ...VERIFY }),
  declare({ name: 'VERIFY_12', ...VERIFY }),
  declare({ name: 'VERIFY_16', ...VERIFY }),
  declare({ name: 'WRITE_AND_VERIFY_10', ...WRITE_AND_VERIFY }),
  declare({ name: 'WRITE_AND_VERIFY_12', ...WRITE_AND_VERIFY }),
  declare({ name: 'WRITE_AND_VERIFY_16', ...WRITE_AND_VERIFY }),
];
