/** READ CAPACITY for showing: absurd values of a device are shown, not refused. */
import { ProtocolError } from '../errors.ts';
import { readCapacity10, readExactCapacity16 } from '../scsi/data/read-capacity.ts';
import { type CapacityData, capacityData } from '../unit/capacity.ts';
import type { LogicalUnit } from '../unit/logical-unit.ts';

/** READ CAPACITY(16) data with all 64 bits of the address. */
export interface ShownCapacity {
  /** The last block. */
  readonly returnedLogicalBlockAddress: bigint;
  /** Bytes. */
  readonly logicalBlockLength: number;
  readonly pType: number;
  readonly protEn: number;
  readonly pIExponent: number;
  /** LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT. */
  readonly lbppbe: number;
  readonly lbpme: number;
  readonly lbprz: number;
  readonly lowestAlignedLogicalBlockAddress: number;
  /** The command that the device knew; READ CAPACITY(10) tells address and length only, the rest is zero. */
  readonly command: CapacityData['source'];
}

const NEEDED = {
  READ_CAPACITY_16: { length: 12, title: 'READ CAPACITY(16)' },
  READ_CAPACITY_10: { length: 8, title: 'READ CAPACITY(10)' },
} as const;

/** Asks `lun` for its capacity. */
export async function fetchCapacity({ port }: LogicalUnit, signal: AbortSignal): Promise<ShownCapacity> {
  return shownCapacity(await capacityData(port, { signal }));
}

/** Bytes of the whole device. */
export function sizeOf({ returnedLogicalBlockAddress, logicalBlockLength }: ShownCapacity): bigint {
  return (returnedLogicalBlockAddress + 1n) * BigInt(logicalBlockLength);
}

/**
 * The data as it is shown; bytes behind the twelfth may be missing and are zero then.
 * @throws {ProtocolError} When address and length are not there.
 */
export function shownCapacity({ source, bytes }: CapacityData): ShownCapacity {
  const { length, title } = NEEDED[source];
  if (bytes.length < length)
    throw new ProtocolError(`Cannot read the answer to ${title}: ${bytes.length} bytes came, ${length} are needed`);
  if (source === 'READ_CAPACITY_10') {
    const { returnedLogicalBlockAddress, logicalBlockLength } = readCapacity10(bytes);
    return {
      ...NOTHING_MORE,
      returnedLogicalBlockAddress: BigInt(returnedLogicalBlockAddress),
      logicalBlockLength,
      command: source,
    };
  }
  const { protEn, lbpme, lbprz, ...fields } = readExactCapacity16(bytes);
  return { ...fields, protEn: Number(protEn), lbpme: Number(lbpme), lbprz: Number(lbprz), command: source };
}

const NOTHING_MORE = {
  pType: 0,
  protEn: 0,
  pIExponent: 0,
  lbppbe: 0,
  lbpme: 0,
  lbprz: 0,
  lowestAlignedLogicalBlockAddress: 0,
} as const;
