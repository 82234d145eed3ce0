import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { command, type IdentityGuard, isUnsupported } from './attempts.ts';
import { callTime } from './call-time.ts';
import type { CommandOptions } from './options.ts';
import { hasWriteCache } from './write-cache.ts';

/** What flushing needs of a logical unit. */
export interface FlushableUnit extends IdentityGuard {
  readonly port: ScsiPort;
  /** Number of logical blocks. */
  readonly blocks: number;
}

/**
 * SYNCHRONIZE CACHE over the whole logical unit. A device that does not know the command passes only when it says that
 * it has no volatile write cache: otherwise data that was reported written could be lost.
 */
export async function synchronizeCache(unit: FlushableUnit, asked: CommandOptions): Promise<void> {
  const options = callTime(unit.port, asked);
  const long = unit.blocks > 0xffff_ffff;
  const request = { ...options, cdb: long ? cdb('SYNCHRONIZE_CACHE_16', {}) : cdb('SYNCHRONIZE_CACHE_10', {}) };
  try {
    await command(unit.port, request, unit);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    if (await hasWriteCache(unit.port, options)) {
      throw new IscsiError(
        'ISCSI_SCSI_STATUS',
        `Cannot flush ${unit.port.unitName}: it has a volatile write cache, but no SYNCHRONIZE CACHE`,
        {
          cause: error,
          hint: 'write with forceUnitAccess, or turn the write cache off',
        },
      );
    }
  }
}
