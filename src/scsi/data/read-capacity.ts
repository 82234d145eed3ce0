/*
  READ CAPACITY(10) parameter data (SBC)
     0  RETURNED LOGICAL BLOCK ADDRESS: the last block; FFFFFFFF = ask with READ CAPACITY(16)
     4  LOGICAL BLOCK LENGTH IN BYTES

  READ CAPACITY(16) parameter data (SBC), 32 bytes
     0  RETURNED LOGICAL BLOCK ADDRESS (8): the last block
     8  LOGICAL BLOCK LENGTH IN BYTES
    12  :5-4 RC BASIS; :3-1 P_TYPE; :0 PROT_EN
    13  :7-4 P_I_EXPONENT; :3-0 LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT
    14  :7 LBPME; :6 LBPRZ; :5-0 and 15 LOWEST ALIGNED LOGICAL BLOCK ADDRESS
*/
import { ProtocolError } from '../../errors.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, flag, readFields, u32, u64, writeFields } from '../fields.ts';
import type { Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

const FIELDS_10 = { returnedLogicalBlockAddress: u32(0), logicalBlockLength: u32(4) };
const LENGTH_10 = 8;
const FIELDS_16 = {
  returnedLogicalBlockAddress: u64(0),
  logicalBlockLength: u32(8),
  rcBasis: bits(12, 2, 4),
  pType: bits(12, 3, 1),
  protEn: flag(12, 0),
  pIExponent: bits(13, 4, 4),
  lbppbe: bits(13, 4),
  lbpme: flag(14, 7),
  lbprz: flag(14, 6),
  lowestAlignedLogicalBlockAddress: bits(14, 14),
};
const LENGTH_16 = 32;
const NEEDED_16 = 12; // address and block length

/** READ CAPACITY(10): the last block address, not the number of blocks. FFFFFFFF means that the device is larger. */
export type Capacity10 = FieldValues<typeof FIELDS_10> & Received;

/** READ CAPACITY(16): the last block address, not the number of blocks. */
export type Capacity16 = FieldValues<typeof FIELDS_16> & Received;

/** The same with all 64 bits of the address: for showing what a device says, however absurd. */
export type ExactCapacity16 = Omit<Capacity16, 'returnedLogicalBlockAddress'> & {
  /** The last block. */
  readonly returnedLogicalBlockAddress: bigint;
};

/**
 * Reads READ CAPACITY(10) data (SBC). Lengths in bytes. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 8 bytes.
 * @example
 * readCapacity10(Uint8Array.of(0x00, 0x00, 0x07, 0xff, 0x00, 0x00, 0x02, 0x00)).logicalBlockLength; // 512
 */
export function readCapacity10(bytes: Uint8Array): Capacity10 {
  atLeast(bytes, LENGTH_10, 'READ CAPACITY(10) data');
  const data = block(bytes, LENGTH_10);
  return { ...readFields(FIELDS_10, data.view, 0, data.end), fullLength: data.fullLength, truncated: data.truncated };
}

/**
 * READ CAPACITY(10) data, 8 bytes that belong to the caller. A last block that does not fit in 32 bits is written as
 * FFFFFFFF, as SBC asks.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeCapacity10({ returnedLogicalBlockAddress: 2047, logicalBlockLength: 512 }); // hex 00 00 07 ff 00 00 02 00
 */
export function writeCapacity10(values: FieldInput<typeof FIELDS_10>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LENGTH_10);
  const returnedLogicalBlockAddress = Math.min(values.returnedLogicalBlockAddress ?? 0, 0xffff_ffff);
  writeFields(
    FIELDS_10,
    new DataView(bytes.buffer),
    0,
    { ...values, returnedLogicalBlockAddress },
    'READ CAPACITY(10) data',
  );
  return bytes;
}

/**
 * Reads READ CAPACITY(16) data (SBC). Lengths in bytes. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 12 bytes, or the device claims 2^53 blocks or more.
 * @example
 * const capacity = readCapacity16(writeCapacity16({ returnedLogicalBlockAddress: 2047, logicalBlockLength: 512 }));
 * (capacity.returnedLogicalBlockAddress + 1) * capacity.logicalBlockLength; // 1048576
 */
export function readCapacity16(bytes: Uint8Array): Capacity16 {
  const exact = readExactCapacity16(bytes);
  const returnedLogicalBlockAddress = Number(exact.returnedLogicalBlockAddress);
  if (returnedLogicalBlockAddress >= Number.MAX_SAFE_INTEGER) {
    throw new ProtocolError('Cannot read READ CAPACITY(16) data: the device claims 2^53 blocks or more');
  }
  return { ...exact, returnedLogicalBlockAddress };
}

/**
 * Reads READ CAPACITY(16) data (SBC) and believes any number of blocks. Lengths in bytes. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 12 bytes.
 * @example
 * const bytes = new Uint8Array(32).fill(0xff, 0, 8);
 * readExactCapacity16(bytes).returnedLogicalBlockAddress === 2n ** 64n - 1n; // true
 */
export function readExactCapacity16(bytes: Uint8Array): ExactCapacity16 {
  atLeast(bytes, NEEDED_16, 'READ CAPACITY(16) data');
  const data = block(bytes, LENGTH_16);
  const fields = readFields(FIELDS_16, data.view, 0, data.end);
  const returnedLogicalBlockAddress = data.view.getBigUint64(0);
  return { ...fields, returnedLogicalBlockAddress, fullLength: data.fullLength, truncated: data.truncated };
}

/**
 * READ CAPACITY(16) data (SBC), 32 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeCapacity16({ returnedLogicalBlockAddress: 2047, logicalBlockLength: 512 }); // hex 00 00 00 00 00 00 07 ff ...
 */
export function writeCapacity16(values: FieldInput<typeof FIELDS_16>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LENGTH_16);
  writeFields(FIELDS_16, new DataView(bytes.buffer), 0, values, 'READ CAPACITY(16) data');
  return bytes;
}
