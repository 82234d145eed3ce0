import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import { command, isUnsupported } from './commands.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { CommandOptions } from './options.ts';
import { hasWriteCache } from './write-cache.ts';

/**
 * SYNCHRONIZE CACHE over the whole logical unit. A device that does not know the command passes only when it says that it has no volatile
 * write cache: otherwise data that was reported written could be lost.
 */
export async function synchronizeCache(unit: LogicalUnit, options: CommandOptions): Promise<void> {
  const long = unit.blocks > 0xffff_ffff;
  const request = { ...options, cdb: long ? cdb('SYNCHRONIZE_CACHE_16', {}) : cdb('SYNCHRONIZE_CACHE_10', {}) };
  try {
    await command(unit.session, unit.lun, request, unit);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    if (await hasWriteCache(unit, options)) {
      throw new IscsiError(
        'ISCSI_SCSI_STATUS',
        `Cannot flush LUN ${unit.lunText}: it has a volatile write cache, but no SYNCHRONIZE CACHE`,
        {
          cause: error,
          hint: 'write with forceUnitAccess, or turn the write cache off',
        },
      );
    }
  }
}
