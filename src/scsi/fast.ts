/**
 * READ and WRITE without the table and without allocation, for the hot path. Tested equal to the table.
 *
 * All forms of the extent commands (READ, WRITE, VERIFY, SYNCHRONIZE CACHE and their kin) put address and length at the
 * same place, which the first three bits of the operation code tell:
 *
 *      6 bytes   1:4-0, 2-3 LBA   4 LENGTH (0 = 256)
 *     10 bytes   2-5 LBA          7-8 LENGTH
 *     12 bytes   2-5 LBA          6-9 LENGTH
 *     16 bytes   2-9 LBA          10-13 LENGTH
 */

import { readUint64Clamped, writeUint64 } from '../bytes/uint64.ts';
import { ValueError } from '../bytes/value-error.ts';

const READ_10 = 0x28;
const READ_16 = 0x88;
const WRITE_10 = 0x2a;
const WRITE_16 = 0x8a;
const FUA = 0x08;
const CDB_FIELD_LENGTH = 16;

/**
 * Writes READ(10), or READ(16) when address or count needs it, into the 16 bytes at `at`; those behind the CDB become
 * zero.
 *
 * @param blocks Number of blocks, 0..2^32 - 1.
 * @param fua True to read from the medium and not from a volatile cache.
 * @returns The length of the CDB in bytes.
 * @throws {RangeError} When address or count is out of range.
 * @example
 * const view = new DataView(new ArrayBuffer(16));
 * writeReadCdb(view, 0, 8, 1); // 10
 * new Uint8Array(view.buffer); // hex 28 00 00 00 00 08 00 00 01 00 00 00 00 00 00 00
 */
export function writeReadCdb(
  view: DataView,
  at: number,
  logicalBlockAddress: number,
  blocks: number,
  fua = false,
): 10 | 16 {
  return writeExtentCdb(view, at, READ_10, READ_16, logicalBlockAddress, blocks, fua);
}

/**
 * Writes WRITE(10), or WRITE(16) when address or count needs it, into the 16 bytes at `at`; those behind the CDB become
 * zero.
 *
 * @param blocks Number of blocks, 0..2^32 - 1.
 * @param fua True when the blocks must be on the medium before the command ends.
 * @returns The length of the CDB in bytes.
 * @throws {RangeError} When address or count is out of range.
 * @example
 * const view = new DataView(new ArrayBuffer(16));
 * writeWriteCdb(view, 0, 2 ** 32, 1); // 16
 * new Uint8Array(view.buffer); // hex 8a 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00
 */
export function writeWriteCdb(
  view: DataView,
  at: number,
  logicalBlockAddress: number,
  blocks: number,
  fua = false,
): 10 | 16 {
  return writeExtentCdb(view, at, WRITE_10, WRITE_16, logicalBlockAddress, blocks, fua);
}

/**
 * First logical block address of the extent command whose CDB is at `at`. Above 2^53 - 1 it is given as 2^53 - 1:
 * larger than any device. The operation code must be one of an extent command with 6, 10, 12 or 16 bytes, and its bytes
 * must be there.
 *
 * @example
 * extentAddress(new DataView(cdb('READ_10', { logicalBlockAddress: 8 }).buffer), 0); // 8
 */
export function extentAddress(view: DataView, at: number): number {
  switch (view.getUint8(at) >>> 5) {
    case 0:
      return view.getUint32(at) & 0x1f_ffff;
    case 4:
      return readUint64Clamped(view, at + 2);
    default:
      return view.getUint32(at + 2);
  }
}

/**
 * Number of blocks of the extent command whose CDB is at `at`; 0 in a 6-byte CDB is 256, as the standard has it.
 *
 * @example
 * extentBlocks(new DataView(cdb('READ_10', { transferLength: 1 }).buffer), 0); // 1
 * extentBlocks(new DataView(cdb('READ_6', { transferLength: 0 }).buffer), 0); // 256
 */
export function extentBlocks(view: DataView, at: number): number {
  switch (view.getUint8(at) >>> 5) {
    case 0:
      return view.getUint8(at + 4) || 256;
    case 4:
      return view.getUint32(at + 10);
    case 5:
      return view.getUint32(at + 6);
    default:
      return view.getUint16(at + 7);
  }
}

/**
 * True when the 10-, 12- or 16-byte READ or WRITE at `at` asks for the medium (FUA). The 6-byte forms cannot ask.
 *
 * @example
 * extentFua(new DataView(cdb('WRITE_10', { fua: true }).buffer), 0); // true
 */
export function extentFua(view: DataView, at: number): boolean {
  return view.getUint8(at) >>> 5 !== 0 && (view.getUint8(at + 1) & FUA) !== 0;
}

/**
 * RDPROTECT, WRPROTECT or VRPROTECT of the extent command at `at`, 0..7; the 6-byte forms have none.
 *
 * @example
 * extentProtect(new DataView(cdb('READ_10', { rdprotect: 1 }).buffer), 0); // 1
 */
export function extentProtect(view: DataView, at: number): number {
  return view.getUint8(at) >>> 5 === 0 ? 0 : view.getUint8(at + 1) >>> 5;
}

/**
 * True for READ(6), (10), (12) and (16).
 *
 * @example
 * isRead(0x28); // true
 */
export function isRead(opcode: number): boolean {
  return opcode === READ_10 || opcode === READ_16 || opcode === 0x08 || opcode === 0xa8;
}

/**
 * True for WRITE(6), (10), (12) and (16).
 *
 * @example
 * isWrite(0x2a); // true
 */
export function isWrite(opcode: number): boolean {
  return opcode === WRITE_10 || opcode === WRITE_16 || opcode === 0x0a || opcode === 0xaa;
}

function writeExtentCdb(
  view: DataView,
  at: number,
  opcode10: number,
  opcode16: number,
  logicalBlockAddress: number,
  blocks: number,
  fua: boolean,
): 10 | 16 {
  if (!(Number.isInteger(blocks) && blocks >= 0 && blocks <= 0xffff_ffff)) {
    throw new ValueError(`Cannot build READ or WRITE of ${blocks} blocks: 0..4294967295 allowed`);
  }
  if (!(Number.isSafeInteger(logicalBlockAddress) && logicalBlockAddress >= 0)) {
    throw new ValueError(`Cannot build READ or WRITE at block ${logicalBlockAddress}: 0..2^53 - 1 allowed`);
  }
  for (let next = at; next < at + CDB_FIELD_LENGTH; next += 4) view.setUint32(next, 0);
  const flags = fua ? FUA : 0;
  if (logicalBlockAddress <= 0xffff_ffff && blocks <= 0xffff) {
    view.setUint16(at, (opcode10 << 8) | flags);
    view.setUint32(at + 2, logicalBlockAddress);
    view.setUint16(at + 7, blocks);
    return 10;
  }
  view.setUint16(at, (opcode16 << 8) | flags);
  writeUint64(view, at + 2, logicalBlockAddress);
  view.setUint32(at + 10, blocks);
  return 16;
}
