/*
  UNMAP parameter list (SBC)
     0  UNMAP DATA LENGTH (n - 1)
     2  UNMAP BLOCK DESCRIPTOR DATA LENGTH (n - 7)
     8  descriptors, 16 bytes each: 0 UNMAP LOGICAL BLOCK ADDRESS (8); 8 NUMBER OF LOGICAL BLOCKS
*/
import { ValueError } from '../../bytes/value-error.ts';
import { readFields, u16, u32, u64, writeFields } from '../fields.ts';
import type { Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

const HEADER = { unmapDataLength: u16(0), blockDescriptorDataLength: u16(2) };
const HEADER_LENGTH = 8;
const DESCRIPTOR = { logicalBlockAddress: u64(0), numberOfLogicalBlocks: u32(8) };
const DESCRIPTOR_LENGTH = 16;
/** How many ranges one list can hold: both lengths are 16 bits. */
export const UNMAP_RANGE_LIMIT = 4095;

/** Blocks that are to be unmapped. */
export interface UnmapRange {
  /** The first block, 0..2^53 - 1. */
  readonly logicalBlockAddress: number;
  /** 0..2^32 - 1. */
  readonly numberOfLogicalBlocks: number;
}

/**
 * An UNMAP list as it came. `ranges` are those that lie whole in the data; an address above 2^53 - 1 is given as
 * 2^53 - 1.
 */
export interface UnmapList extends Received {
  /** UNMAP DATA LENGTH: bytes behind this field, received or not. */
  readonly unmapDataLength: number;
  /** UNMAP BLOCK DESCRIPTOR DATA LENGTH: bytes of all ranges, received or not. */
  readonly blockDescriptorDataLength: number;
  /** In wire order. */
  readonly ranges: readonly UnmapRange[];
}

/**
 * Reads an UNMAP list (SBC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 8 bytes.
 * @example
 * const list = writeUnmapList([{ logicalBlockAddress: 8, numberOfLogicalBlocks: 16 }]);
 * readUnmapList(list).ranges; // [{ logicalBlockAddress: 8, numberOfLogicalBlocks: 16 }]
 */
export function readUnmapList(bytes: Uint8Array): UnmapList {
  atLeast(bytes, HEADER_LENGTH, 'an UNMAP list');
  const header = readFields(HEADER, block(bytes, HEADER_LENGTH).view, 0, HEADER_LENGTH);
  const data = block(bytes, header.unmapDataLength + 2);
  const end = Math.min(data.end, HEADER_LENGTH + header.blockDescriptorDataLength);
  const ranges: UnmapRange[] = [];
  for (let at = HEADER_LENGTH; at + DESCRIPTOR_LENGTH <= end; at += DESCRIPTOR_LENGTH) {
    ranges.push(readFields(DESCRIPTOR, data.view, at, end));
  }
  return { ...header, ranges, fullLength: data.fullLength, truncated: data.truncated };
}

/**
 * An UNMAP list (SBC): the data for the command UNMAP. The bytes belong to the caller.
 *
 * @throws {RangeError} When there are more than 4095 ranges, or a value does not fit.
 * @example
 * writeUnmapList([]); // hex 00 06 00 00 00 00 00 00
 * writeUnmapList([{ logicalBlockAddress: 8, numberOfLogicalBlocks: 16 }]).length; // 24
 */
export function writeUnmapList(ranges: readonly UnmapRange[]): Uint8Array<ArrayBuffer> {
  if (ranges.length > UNMAP_RANGE_LIMIT) {
    throw new ValueError(`Cannot write an UNMAP list of ${ranges.length} ranges: at most ${UNMAP_RANGE_LIMIT} allowed`);
  }
  const bytes = new Uint8Array(HEADER_LENGTH + DESCRIPTOR_LENGTH * ranges.length);
  const view = new DataView(bytes.buffer);
  const blockDescriptorDataLength = DESCRIPTOR_LENGTH * ranges.length;
  writeFields(
    HEADER,
    view,
    0,
    { unmapDataLength: blockDescriptorDataLength + 6, blockDescriptorDataLength },
    'UNMAP list',
  );
  for (const [index, range] of ranges.entries()) {
    writeFields(DESCRIPTOR, view, HEADER_LENGTH + DESCRIPTOR_LENGTH * index, range, 'UNMAP list');
  }
  return bytes;
}
