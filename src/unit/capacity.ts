import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import { type Capacity16, readCapacity10, readCapacity16 } from '../scsi/data/read-capacity.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { fetch, optional } from './attempts.ts';
import { callTime } from './call-time.ts';
import type { CommandOptions } from './options.ts';

const LENGTH_10 = 8;
const LENGTH_16 = 32;
/**
 * Real blocks have 512 to 65,536 bytes. One is the least that is read, kept and written back for a single byte, so that
 * a device that claims gigabytes must not be believed.
 */
const MOST_BLOCK_SIZE = 1_048_576;

/** How large a logical unit is. */
export interface Capacity {
  /** Number of logical blocks. */
  readonly blocks: number;
  /** Bytes of one logical block. */
  readonly blockSize: number;
  /** Which command told. */
  readonly source: 'READ_CAPACITY_16' | 'READ_CAPACITY_10';
  /** Bytes of one physical block. */
  readonly physicalBlockSize: number;
  /** What READ CAPACITY(16) said, undefined where only READ CAPACITY(10) is known to the device. */
  readonly details: Capacity16 | undefined;
}

/** READ CAPACITY data as it came. */
export interface CapacityData {
  /** The command that the device knew. */
  readonly source: Capacity['source'];
  readonly bytes: Uint8Array;
}

/** READ CAPACITY(16), or (10) where the device does not know the former. */
export async function readCapacity(port: ScsiPort, options: CommandOptions): Promise<Capacity> {
  const { source, bytes } = await capacityData(port, options);
  if (source === 'READ_CAPACITY_10') {
    const { returnedLogicalBlockAddress, logicalBlockLength: blockSize } = readCapacity10(bytes);
    const blocks = returnedLogicalBlockAddress + 1;
    return checked({ blocks, blockSize, source, physicalBlockSize: blockSize, details: undefined });
  }
  const details = readCapacity16(bytes);
  const { returnedLogicalBlockAddress, logicalBlockLength: blockSize, lbppbe } = details;
  const blocks = returnedLogicalBlockAddress + 1;
  return checked({ blocks, blockSize, source, physicalBlockSize: blockSize * 2 ** lbppbe, details });
}

/**
 * Asks by READ CAPACITY(16), then by (10) where the device does not know the former. Believes nothing: decoding is the
 * caller's.
 */
export async function capacityData(port: ScsiPort, asked: CommandOptions): Promise<CapacityData> {
  const options = callTime(port, asked);
  const request = { ...options, cdb: cdb('READ_CAPACITY_16', { allocationLength: LENGTH_16 }) };
  const long = await optional(fetch(port, request, LENGTH_16));
  if (long !== undefined) return { source: 'READ_CAPACITY_16', bytes: long };
  const short = await fetch(port, { ...options, cdb: cdb('READ_CAPACITY_10', {}) }, LENGTH_10);
  return { source: 'READ_CAPACITY_10', bytes: short };
}

/** Byte addresses are numbers here: exact up to 2^53. */
function checked(capacity: Capacity): Capacity {
  const { blocks, blockSize } = capacity;
  if (blockSize > MOST_BLOCK_SIZE) {
    throw new IscsiError(
      'ISCSI_USAGE',
      `Cannot use blocks of ${blockSize} bytes, as the device claims: up to ${MOST_BLOCK_SIZE} are supported`,
    );
  }
  if (!Number.isSafeInteger(blocks * blockSize)) {
    throw new IscsiError(
      'ISCSI_USAGE',
      `Cannot address ${blocks} blocks of ${blockSize} bytes: up to 2^53 bytes are supported`,
    );
  }
  return capacity;
}
