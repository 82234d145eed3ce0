/** What `iscsi-ls -s` asks the logical units of a target. */
import type { Session } from '../client/session.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import { formatLun } from '../scsi/lun.ts';
import { DEVICE_TYPE } from '../spec/scsi-device-types.ts';
import { becomeReady } from '../unit/probe.ts';
import type { ReportedLun } from '../unit/report-luns.ts';
import type { ShownCapacity } from './capacity.ts';
import { fetchCapacity } from './capacity.ts';

/** One logical unit, as far as it answered. */
export interface ListedUnit {
  /** Its number, or `0x` and 16 hex digits. */
  readonly lun: string;
  readonly inquiry: Inquiry | undefined;
  /** Of disks. */
  readonly capacity: ShownCapacity | undefined;
  readonly mediumPresent: boolean;
  /** Why something is missing. */
  readonly error: unknown;
}

/** Asks every logical unit of the target in its own order. One that fails does not stop the others. */
export async function listUnits(session: Session, signal: AbortSignal): Promise<readonly ListedUnit[]> {
  const units: ListedUnit[] = [];
  for (const lun of await session.reportLuns({ signal })) {
    signal.throwIfAborted();
    units.push(await listUnit(session, lun, signal));
  }
  return units;
}

async function listUnit(session: Session, reported: ReportedLun, signal: AbortSignal): Promise<ListedUnit> {
  const lun = formatLun(reported);
  let inquiry: Inquiry | undefined;
  let capacity: ShownCapacity | undefined;
  let mediumPresent = true;
  let failure: unknown;
  try {
    const unit = await session.logicalUnit(reported, { probe: false, signal });
    inquiry = unit.inquiryData;
    mediumPresent = await becomeReady(unit.port, { signal });
    const disk = inquiry.peripheralDeviceType === DEVICE_TYPE.DIRECT_ACCESS;
    if (disk && mediumPresent) capacity = await fetchCapacity(unit, signal);
  } catch (error) {
    signal.throwIfAborted();
    failure = error;
  }
  return { lun, inquiry, capacity, mediumPresent, error: failure };
}
