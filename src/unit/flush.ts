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
  /** How many losses of what was not flushed (`WriteLog.losses`) have been told to its caller. */
  lossesTold: number;
}

/**
 * SYNCHRONIZE CACHE over the whole logical unit. A device that does not know the command passes only when it says that
 * it has no volatile write cache: otherwise data that was reported written could be lost.
 *
 * @throws {IscsiError} `ISCSI_CACHE_LOST`, once, when the session was lost after writes that had been acknowledged and
 *   were not flushed, and the device has a volatile write cache: they may be gone, although all else is stable now.
 */
export async function synchronizeCache(unit: FlushableUnit, asked: CommandOptions): Promise<void> {
  const { writes } = unit.port;
  const [acknowledged, told] = [writes?.acknowledged ?? 0, unit.lossesTold];
  const options = callTime(unit.port, asked);
  await synchronize(unit, options);
  if (writes === undefined) return;
  writes.flushed(acknowledged);
  if (writes.losses === told) return;
  const { losses } = writes;
  const volatile = await hasWriteCache(unit.port, options);
  unit.lossesTold = losses;
  if (volatile) throw cacheLost(unit.port);
}

function cacheLost(port: ScsiPort): IscsiError {
  return new IscsiError(
    'ISCSI_CACHE_LOST',
    `Cannot say that all is stored: the session to ${port.unitName} was lost after writes that were not flushed yet`,
    { hint: "the target's write cache may have been lost with it: write again what was written since the last flush" },
  );
}

async function synchronize(unit: FlushableUnit, options: CommandOptions): Promise<void> {
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
