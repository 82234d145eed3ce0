/*
  GET LBA STATUS parameter data (SBC)
     0  PARAMETER DATA LENGTH (n - 3)
     7  :0 RTP and above it the completion condition: not looked at
     8  descriptors, 16 bytes each: 0 LOGICAL BLOCK ADDRESS (8); 8 NUMBER OF LOGICAL BLOCKS; 12 :3-0 PROVISIONING STATUS
*/
import { bits, readFields, u32, u64, writeFields } from '../fields.ts';
import type { Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

const LENGTH_FIELD = 4;
const HEADER_LENGTH = 8;
const DESCRIPTOR = { logicalBlockAddress: u64(0), numberOfLogicalBlocks: u32(8), provisioningStatus: bits(12, 4) };
const DESCRIPTOR_LENGTH = 16;

/** Blocks of one status. */
export interface LbaStatusDescriptor {
  /** The first block; one above 2^53 - 1 is given as 2^53 - 1. */
  readonly logicalBlockAddress: number;
  /** 0..2^32 - 1. */
  readonly numberOfLogicalBlocks: number;
  /** One of `PROVISIONING_STATUS`, or a number that is reserved. */
  readonly provisioningStatus: number;
}

/** GET LBA STATUS data: the descriptors that lie whole in the data, as they came. Nothing of them is checked. */
export interface LbaStatus extends Received {
  /** In wire order. */
  readonly descriptors: readonly LbaStatusDescriptor[];
}

/**
 * Reads GET LBA STATUS data (SBC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 8 bytes.
 * @example
 * const descriptor = { logicalBlockAddress: 8, numberOfLogicalBlocks: 16, provisioningStatus: 1 };
 * readLbaStatus(writeLbaStatus([descriptor])).descriptors; // [descriptor]
 */
export function readLbaStatus(bytes: Uint8Array): LbaStatus {
  atLeast(bytes, HEADER_LENGTH, 'GET LBA STATUS data');
  const { view } = block(bytes, HEADER_LENGTH);
  const data = block(bytes, LENGTH_FIELD + view.getUint32(0));
  const descriptors: LbaStatusDescriptor[] = [];
  for (let at = HEADER_LENGTH; at + DESCRIPTOR_LENGTH <= data.end; at += DESCRIPTOR_LENGTH) {
    descriptors.push(readFields(DESCRIPTOR, data.view, at, data.end));
  }
  return { descriptors, fullLength: data.fullLength, truncated: data.truncated };
}

/**
 * GET LBA STATUS data (SBC), which belongs to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeLbaStatus([]); // hex 00 00 00 04 00 00 00 00
 */
export function writeLbaStatus(descriptors: readonly LbaStatusDescriptor[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_LENGTH + DESCRIPTOR_LENGTH * descriptors.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - LENGTH_FIELD);
  for (const [index, descriptor] of descriptors.entries()) {
    writeFields(DESCRIPTOR, view, HEADER_LENGTH + DESCRIPTOR_LENGTH * index, descriptor, 'LBA status descriptor');
  }
  return bytes;
}
