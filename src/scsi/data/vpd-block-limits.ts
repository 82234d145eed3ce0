/*
  Block Limits VPD page, B0 (SBC)
     4  :0 WSNZ
     5  MAXIMUM COMPARE AND WRITE LENGTH
     6  OPTIMAL TRANSFER LENGTH GRANULARITY
     8  MAXIMUM TRANSFER LENGTH
    12  OPTIMAL TRANSFER LENGTH
    16  MAXIMUM PREFETCH LENGTH
    20  MAXIMUM UNMAP LBA COUNT
    24  MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT
    28  OPTIMAL UNMAP GRANULARITY
    32  :7 UGAVALID; :6-0 and 33-35 UNMAP GRANULARITY ALIGNMENT
    36  MAXIMUM WRITE SAME LENGTH (8)
    44  MAXIMUM ATOMIC TRANSFER LENGTH
    48  ATOMIC ALIGNMENT
    52  ATOMIC TRANSFER LENGTH GRANULARITY
    56  MAXIMUM ATOMIC TRANSFER LENGTH WITH ATOMIC BOUNDARY
    60  MAXIMUM ATOMIC BOUNDARY SIZE
  Lengths count logical blocks; zero means that the device tells no limit.
*/
import { VPD_PAGE } from '../../spec/vpd-page-codes.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, byte, flag, readFields, u16, u32, u64, writeFields } from '../fields.ts';
import type { VpdDeviceInput, VpdReceived } from './vpd-page.ts';
import { newVpdPage, readVpdHeader } from './vpd-page.ts';

const FIELDS = {
  wsnz: flag(4, 0),
  maximumCompareAndWriteLength: byte(5),
  optimalTransferLengthGranularity: u16(6),
  maximumTransferLength: u32(8),
  optimalTransferLength: u32(12),
  maximumPrefetchLength: u32(16),
  maximumUnmapLbaCount: u32(20),
  maximumUnmapBlockDescriptorCount: u32(24),
  optimalUnmapGranularity: u32(28),
  ugavalid: flag(32, 7),
  unmapGranularityAlignment: bits(32, 31),
  maximumWriteSameLength: u64(36),
  maximumAtomicTransferLength: u32(44),
  atomicAlignment: u32(48),
  atomicTransferLengthGranularity: u32(52),
  maximumAtomicTransferLengthWithBoundary: u32(56),
  maximumAtomicBoundarySize: u32(60),
};
const BODY_LENGTH = 0x3c;

/**
 * VPD page B0. Lengths in logical blocks, zero for "no limit told". `maximumWriteSameLength` above 2^53 - 1 is given as
 * 2^53 - 1.
 */
export type VpdBlockLimits = FieldValues<typeof FIELDS> & VpdReceived;

/** What {@link writeVpdBlockLimits} takes. */
export type VpdBlockLimitsInput = FieldInput<typeof FIELDS> & VpdDeviceInput;

/**
 * Reads VPD page B0, Block Limits (SBC). Devices of SBC-2 send 12 bytes after the header: the limits of later editions
 * are zero then. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readVpdBlockLimits(writeVpdBlockLimits({ maximumTransferLength: 8192 })).maximumTransferLength; // 8192
 */
export function readVpdBlockLimits(bytes: Uint8Array): VpdBlockLimits {
  const page = readVpdHeader(bytes, VPD_PAGE.BLOCK_LIMITS);
  return { ...page.received, ...readFields(FIELDS, page.view, 0, page.end) };
}

/**
 * VPD page B0, Block Limits (SBC): 64 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeVpdBlockLimits({ maximumTransferLength: 8192 }); // hex 00 b0 00 3c 00 00 00 00 00 00 20 00 ...
 */
export function writeVpdBlockLimits(values: VpdBlockLimitsInput): Uint8Array<ArrayBuffer> {
  const bytes = newVpdPage(VPD_PAGE.BLOCK_LIMITS, BODY_LENGTH, values);
  writeFields(FIELDS, new DataView(bytes.buffer), 0, values, 'VPD page B0');
  return bytes;
}
