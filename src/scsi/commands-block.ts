/**
 * Commands of block devices (SBC) as a table, and READ TOC of MMC. Protection is the first three bits of byte 1 in all
 * of them, under the name that the standard gives it in that command.
 */

import type { CommandRow } from './command-row.ts';
import { bits, byte, flag, u16, u32, u64 } from './fields.ts';

// Address, length and group number of the 10-, 12- and 16-byte forms.
const EXTENT_10 = { logicalBlockAddress: u32(2), groupNumber: bits(6, 5), transferLength: u16(7) };
const EXTENT_12 = { logicalBlockAddress: u32(2), transferLength: u32(6), groupNumber: bits(10, 5) };
const EXTENT_16 = { logicalBlockAddress: u64(2), transferLength: u32(10), groupNumber: bits(14, 5) };
const VERIFY_10 = { logicalBlockAddress: u32(2), groupNumber: bits(6, 5), verificationLength: u16(7) };
const VERIFY_12 = { logicalBlockAddress: u32(2), verificationLength: u32(6), groupNumber: bits(10, 5) };
const VERIFY_16 = { logicalBlockAddress: u64(2), verificationLength: u32(10), groupNumber: bits(14, 5) };
const BLOCKS_10 = { logicalBlockAddress: u32(2), groupNumber: bits(6, 5), numberOfLogicalBlocks: u16(7) };
const BLOCKS_16 = { logicalBlockAddress: u64(2), numberOfLogicalBlocks: u32(10), groupNumber: bits(14, 5) };
// Byte 1. FUA_NV is obsolete since SBC-3.
const CACHE_BITS = { dpo: flag(1, 4), fua: flag(1, 3), fuaNv: flag(1, 1) };
const READ_BITS = { rdprotect: bits(1, 3, 5), ...CACHE_BITS, rarc: flag(1, 2) };
const WRITE_BITS = { wrprotect: bits(1, 3, 5), ...CACHE_BITS };
// DLD, the duration limit, is spread over two bytes.
const DURATION_LIMIT = { dld2: flag(1, 0), dld1: flag(14, 7), dld0: flag(14, 6) };
const VERIFY_BITS = { vrprotect: bits(1, 3, 5), dpo: flag(1, 4), bytchk: bits(1, 2, 1) };
const WRITE_VERIFY_BITS = { wrprotect: bits(1, 3, 5), dpo: flag(1, 4), bytchk: bits(1, 2, 1) };
const WRITE_SAME_BITS = { wrprotect: bits(1, 3, 5), anchor: flag(1, 4), unmap: flag(1, 3) };
const SYNCHRONIZE_BITS = { syncNv: flag(1, 2), immed: flag(1, 1) };
const EXTENT_6 = { logicalBlockAddress: bits(1, 21), transferLength: byte(4) };

// 32-byte CDBs (opcode 7F): flags in byte 10, the protection tags before the length.
const TAGS_32 = {
  expectedInitialLogicalBlockReferenceTag: u32(20),
  expectedLogicalBlockApplicationTag: u16(24),
  logicalBlockApplicationTagMask: u16(26),
};
const EXTENT_32 = { groupNumber: bits(6, 5), logicalBlockAddress: u64(12), ...TAGS_32, transferLength: u32(28) };
const VERIFY_32 = { groupNumber: bits(6, 5), logicalBlockAddress: u64(12), ...TAGS_32, verificationLength: u32(28) };

/** The commands of SBC. */
export const BLOCK_COMMANDS = {
  // In READ(6) and WRITE(6) a transfer length of 0 means 256 blocks.
  READ_6: { opcode: 0x08, length: 6, direction: 'in', fields: EXTENT_6 },
  WRITE_6: { opcode: 0x0a, length: 6, direction: 'out', fields: EXTENT_6 },
  READ_10: { opcode: 0x28, length: 10, direction: 'in', fields: { ...READ_BITS, ...EXTENT_10 } },
  READ_12: {
    opcode: 0xa8,
    length: 12,
    direction: 'in',
    fields: { ...READ_BITS, ...EXTENT_12, streaming: flag(10, 7) },
  },
  READ_16: { opcode: 0x88, length: 16, direction: 'in', fields: { ...READ_BITS, ...DURATION_LIMIT, ...EXTENT_16 } },
  READ_32: {
    opcode: 0x7f,
    serviceAction: 0x0009,
    length: 32,
    direction: 'in',
    fields: { rdprotect: bits(10, 3, 5), dpo: flag(10, 4), fua: flag(10, 3), rarc: flag(10, 2), ...EXTENT_32 },
  },
  WRITE_10: { opcode: 0x2a, length: 10, direction: 'out', fields: { ...WRITE_BITS, ...EXTENT_10 } },
  WRITE_12: { opcode: 0xaa, length: 12, direction: 'out', fields: { ...WRITE_BITS, ...EXTENT_12 } },
  WRITE_16: { opcode: 0x8a, length: 16, direction: 'out', fields: { ...WRITE_BITS, ...DURATION_LIMIT, ...EXTENT_16 } },
  WRITE_32: {
    opcode: 0x7f,
    serviceAction: 0x000b,
    length: 32,
    direction: 'out',
    fields: { wrprotect: bits(10, 3, 5), dpo: flag(10, 4), fua: flag(10, 3), ...EXTENT_32 },
  },
  WRITE_ATOMIC_16: {
    opcode: 0x9c,
    length: 16,
    direction: 'out',
    fields: {
      wrprotect: bits(1, 3, 5),
      dpo: flag(1, 4),
      fua: flag(1, 3),
      logicalBlockAddress: u64(2),
      atomicBoundary: u16(10),
      transferLength: u16(12),
      groupNumber: bits(14, 5),
    },
  },
  ORWRITE_16: {
    opcode: 0x8b,
    length: 16,
    direction: 'out',
    fields: { orprotect: bits(1, 3, 5), ...CACHE_BITS, ...EXTENT_16 },
  },
  // Twice the number of blocks is sent: what must be there, then what shall be there.
  COMPARE_AND_WRITE: {
    opcode: 0x89,
    length: 16,
    direction: 'out',
    fields: { ...WRITE_BITS, logicalBlockAddress: u64(2), numberOfLogicalBlocks: byte(13), groupNumber: bits(14, 5) },
  },
  // BYTCHK: 0 nothing is sent, 1 all blocks are sent, 3 one block is sent and compared with each.
  VERIFY_10: { opcode: 0x2f, length: 10, direction: 'out', fields: { ...VERIFY_BITS, ...VERIFY_10 } },
  VERIFY_12: { opcode: 0xaf, length: 12, direction: 'out', fields: { ...VERIFY_BITS, ...VERIFY_12 } },
  VERIFY_16: { opcode: 0x8f, length: 16, direction: 'out', fields: { ...VERIFY_BITS, ...VERIFY_16 } },
  VERIFY_32: {
    opcode: 0x7f,
    serviceAction: 0x000a,
    length: 32,
    direction: 'out',
    fields: { vrprotect: bits(10, 3, 5), dpo: flag(10, 4), bytchk: bits(10, 2, 1), ...VERIFY_32 },
  },
  WRITE_AND_VERIFY_10: { opcode: 0x2e, length: 10, direction: 'out', fields: { ...WRITE_VERIFY_BITS, ...EXTENT_10 } },
  WRITE_AND_VERIFY_12: { opcode: 0xae, length: 12, direction: 'out', fields: { ...WRITE_VERIFY_BITS, ...EXTENT_12 } },
  WRITE_AND_VERIFY_16: { opcode: 0x8e, length: 16, direction: 'out', fields: { ...WRITE_VERIFY_BITS, ...EXTENT_16 } },
  WRITE_AND_VERIFY_32: {
    opcode: 0x7f,
    serviceAction: 0x000c,
    length: 32,
    direction: 'out',
    fields: { wrprotect: bits(10, 3, 5), dpo: flag(10, 4), bytchk: bits(10, 2, 1), ...EXTENT_32 },
  },
  WRITE_SAME_10: { opcode: 0x41, length: 10, direction: 'out', fields: { ...WRITE_SAME_BITS, ...BLOCKS_10 } },
  // With NDOB nothing is sent.
  WRITE_SAME_16: {
    opcode: 0x93,
    length: 16,
    direction: 'out',
    fields: { ...WRITE_SAME_BITS, ndob: flag(1, 0), ...BLOCKS_16 },
  },
  WRITE_SAME_32: {
    opcode: 0x7f,
    serviceAction: 0x000d,
    length: 32,
    direction: 'out',
    fields: {
      groupNumber: bits(6, 5),
      wrprotect: bits(10, 3, 5),
      anchor: flag(10, 4),
      unmap: flag(10, 3),
      ndob: flag(10, 0),
      logicalBlockAddress: u64(12),
      ...TAGS_32,
      numberOfLogicalBlocks: u32(28),
    },
  },
  UNMAP: {
    opcode: 0x42,
    length: 10,
    direction: 'out',
    fields: { anchor: flag(1, 0), groupNumber: bits(6, 5), parameterListLength: u16(7) },
  },
  PRE_FETCH_10: { opcode: 0x34, length: 10, direction: 'none', fields: { immed: flag(1, 1), ...EXTENT_10 } },
  PRE_FETCH_16: { opcode: 0x90, length: 16, direction: 'none', fields: { immed: flag(1, 1), ...EXTENT_16 } },
  SYNCHRONIZE_CACHE_10: { opcode: 0x35, length: 10, direction: 'none', fields: { ...SYNCHRONIZE_BITS, ...BLOCKS_10 } },
  SYNCHRONIZE_CACHE_16: { opcode: 0x91, length: 16, direction: 'none', fields: { ...SYNCHRONIZE_BITS, ...BLOCKS_16 } },
  // The address and PMI are obsolete since SBC-3.
  READ_CAPACITY_10: {
    opcode: 0x25,
    length: 10,
    direction: 'in',
    fields: { logicalBlockAddress: u32(2), pmi: flag(8, 0) },
  },
  READ_CAPACITY_16: {
    opcode: 0x9e,
    serviceAction: 0x10,
    length: 16,
    direction: 'in',
    fields: { logicalBlockAddress: u64(2), allocationLength: u32(10), pmi: flag(14, 0) },
  },
  READ_LONG_16: {
    opcode: 0x9e,
    serviceAction: 0x11,
    length: 16,
    direction: 'in',
    fields: { logicalBlockAddress: u64(2), byteTransferLength: u16(12), pblock: flag(14, 1), corrct: flag(14, 0) },
  },
  GET_LBA_STATUS_16: {
    opcode: 0x9e,
    serviceAction: 0x12,
    length: 16,
    direction: 'in',
    fields: { startingLogicalBlockAddress: u64(2), allocationLength: u32(10), reportType: byte(14) },
  },
  REPORT_REFERRALS: {
    opcode: 0x9e,
    serviceAction: 0x13,
    length: 16,
    direction: 'in',
    fields: { logicalBlockAddress: u64(2), allocationLength: u32(10), oneSeg: flag(14, 0) },
  },
  READ_LONG_10: {
    opcode: 0x3e,
    length: 10,
    direction: 'in',
    fields: { pblock: flag(1, 2), corrct: flag(1, 1), logicalBlockAddress: u32(2), byteTransferLength: u16(7) },
  },
  WRITE_LONG_10: {
    opcode: 0x3f,
    length: 10,
    direction: 'out',
    fields: {
      corDis: flag(1, 7),
      wrUncor: flag(1, 6),
      pblock: flag(1, 5),
      logicalBlockAddress: u32(2),
      byteTransferLength: u16(7),
    },
  },
  WRITE_LONG_16: {
    opcode: 0x9f,
    serviceAction: 0x11,
    length: 16,
    direction: 'out',
    fields: {
      corDis: flag(1, 7),
      wrUncor: flag(1, 6),
      pblock: flag(1, 5),
      logicalBlockAddress: u64(2),
      byteTransferLength: u16(12),
    },
  },
  READ_DEFECT_DATA_10: {
    opcode: 0x37,
    length: 10,
    direction: 'in',
    fields: { reqPlist: flag(2, 4), reqGlist: flag(2, 3), defectListFormat: bits(2, 3), allocationLength: u16(7) },
  },
  READ_DEFECT_DATA_12: {
    opcode: 0xb7,
    length: 12,
    direction: 'in',
    fields: {
      reqPlist: flag(1, 4),
      reqGlist: flag(1, 3),
      defectListFormat: bits(1, 3),
      addressDescriptorIndex: u32(2),
      allocationLength: u32(6),
    },
  },
  REASSIGN_BLOCKS: { opcode: 0x07, length: 6, direction: 'out', fields: { longLba: flag(1, 1), longList: flag(1, 0) } },
  // Without FMTDATA nothing is sent.
  FORMAT_UNIT: {
    opcode: 0x04,
    length: 6,
    direction: 'out',
    fields: {
      fmtpinfo: bits(1, 2, 6),
      longList: flag(1, 5),
      fmtdata: flag(1, 4),
      cmplst: flag(1, 3),
      defectListFormat: bits(1, 3),
      ffmt: bits(4, 2),
    },
  },
  SANITIZE: {
    opcode: 0x48,
    length: 10,
    direction: 'out',
    fields: {
      immed: flag(1, 7),
      znr: flag(1, 6),
      ause: flag(1, 5),
      serviceAction: bits(1, 5),
      parameterListLength: u16(7),
    },
  },
  READ_TOC: {
    opcode: 0x43,
    length: 10,
    direction: 'in',
    fields: { msf: flag(1, 1), format: bits(2, 4), trackSessionNumber: byte(6), allocationLength: u16(7) },
  },
} as const satisfies Readonly<Record<string, CommandRow>>;
