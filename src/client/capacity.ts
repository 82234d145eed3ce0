import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import { type Capacity16, readCapacity10, readCapacity16 } from '../scsi/data/read-capacity.ts';
import type { Lun } from '../scsi/lun.ts';
import { fetch, optional } from './commands.ts';
import type { CommandOptions } from './options.ts';
import type { Session } from './session.ts';

const LENGTH_10 = 8;
const LENGTH_16 = 32;

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

/** READ CAPACITY(16), or (10) where the device does not know the former. */
export async function readCapacity(session: Session, lun: Lun, options: CommandOptions): Promise<Capacity> {
  const long = await optional(
    fetch(session, lun, { ...options, cdb: cdb('READ_CAPACITY_16', { allocationLength: LENGTH_16 }) }, LENGTH_16),
  );
  if (long !== undefined) {
    const details = readCapacity16(long);
    const { logicalBlockLength, lbppbe } = details;
    return checked({
      blocks: details.returnedLogicalBlockAddress + 1,
      blockSize: logicalBlockLength,
      source: 'READ_CAPACITY_16',
      physicalBlockSize: logicalBlockLength * 2 ** lbppbe,
      details,
    });
  }
  const short = readCapacity10(await fetch(session, lun, { ...options, cdb: cdb('READ_CAPACITY_10', {}) }, LENGTH_10));
  return checked({
    blocks: short.returnedLogicalBlockAddress + 1,
    blockSize: short.logicalBlockLength,
    source: 'READ_CAPACITY_10',
    physicalBlockSize: short.logicalBlockLength,
    details: undefined,
  });
}

/** Byte addresses are numbers here: exact up to 2^53. */
function checked(capacity: Capacity): Capacity {
  const { blocks, blockSize } = capacity;
  if (!Number.isSafeInteger(blocks * blockSize)) {
    throw new IscsiError(
      'ISCSI_USAGE',
      `Cannot address ${blocks} blocks of ${blockSize} bytes: up to 2^53 bytes are supported`,
    );
  }
  return capacity;
}
