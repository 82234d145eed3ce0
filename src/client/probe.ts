import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { VpdPage } from '../scsi/data/vpd-pages.ts';
import type { Lun } from '../scsi/lun.ts';
import { decodeLun } from '../scsi/lun.ts';
import { isMediumNotPresent } from '../scsi/sense.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { type Capacity, readCapacity } from './capacity.ts';
import { command } from './commands.ts';
import { type Identity, readIdentity } from './identity.ts';
import { standardInquiry, vpdPageIfAny } from './inquiry.ts';
import type { CommandOptions } from './options.ts';
import { reportLuns } from './report-luns.ts';
import type { Session } from './session.ts';

/** What is learned of a logical unit when it is opened. */
export interface Probe {
  readonly inquiryData: Inquiry;
  readonly capacity: Capacity | undefined;
  readonly identity: Identity | undefined;
  readonly blockLimits: VpdPage<'blockLimits'> | undefined;
  readonly provisioning: VpdPage<'logicalBlockProvisioning'> | undefined;
}

/** Peripheral device types that have logical blocks: disk, write-once, CD/DVD, optical memory, simplified, host-managed zoned. */
const BLOCK_DEVICE_TYPES = new Set([0x00, 0x04, 0x05, 0x07, 0x0e, 0x14]);
const LOGICAL_UNIT_NOT_SUPPORTED = 0x25;

/** Whether a device of this type has logical blocks. */
export function hasBlocks(peripheralDeviceType: number): boolean {
  return BLOCK_DEVICE_TYPES.has(peripheralDeviceType);
}

/**
 * Looks at a logical unit: is it there, what is it, how large, which limits has it.
 * @throws {IscsiError} `ISCSI_LUN_NOT_FOUND`, with the LUNs that there are.
 */
export async function probe(session: Session, lun: Lun, blocks: boolean, options: CommandOptions): Promise<Probe> {
  const inquiryData = await standardInquiry(session, lun, options).catch((error: unknown) =>
    absent(session, lun, error, options),
  );
  // Qualifier 3 with type 1Fh is the standard's way to say that there is no such logical unit.
  if (inquiryData.peripheralQualifier === 3) return absent(session, lun, undefined, options);
  const nothing = {
    inquiryData,
    capacity: undefined,
    identity: undefined,
    blockLimits: undefined,
    provisioning: undefined,
  };
  if (!blocks || inquiryData.peripheralQualifier !== 0 || !hasBlocks(inquiryData.peripheralDeviceType)) return nothing;
  if (!(await becomeReady(session, lun, options))) return nothing;

  const capacity = await readCapacity(session, lun, options);
  const identity = await readIdentity(session, lun, capacity, options);
  const blockLimits = await vpdPageIfAny(session, lun, 'blockLimits', options);
  const provisioning = await vpdPageIfAny(session, lun, 'logicalBlockProvisioning', options);
  return { inquiryData, capacity, identity, blockLimits, provisioning };
}

/** TEST UNIT READY until it says something other than a unit attention. @returns False when there is no medium. */
async function becomeReady(session: Session, lun: Lun, options: CommandOptions): Promise<boolean> {
  try {
    await command(session, lun, { ...options, cdb: cdb('TEST_UNIT_READY', {}) });
    return true;
  } catch (error) {
    if (!(error instanceof ScsiStatusError)) throw error;
    if (isMediumNotPresent(error.sense)) return false;
    // A reservation of somebody else forbids data, not looking.
    if (error.status === SCSI_STATUS.RESERVATION_CONFLICT) return true;
    throw error;
  }
}

/** The LUN does not exist: says which do. Errors that mean something else pass through. */
async function absent(session: Session, lun: Lun, error: unknown, options: CommandOptions): Promise<never> {
  const notSupported = error instanceof ScsiStatusError && error.sense?.asc === LOGICAL_UNIT_NOT_SUPPORTED;
  if (error !== undefined && !notSupported) throw error;
  const { text } = decodeLun(lun.high, lun.low);
  const there = await reportLuns(session, options).then(
    (luns) =>
      luns.length === 0
        ? 'it shows none to this initiator'
        : `it has LUN ${luns.map((other) => other.text).join(', ')}`,
    () => 'and it does not say which there are',
  );
  throw new IscsiError(
    'ISCSI_LUN_NOT_FOUND',
    `Cannot open LUN ${text} of ${session.targetName}: there is no such logical unit`,
    {
      cause: error,
      hint: there,
    },
  );
}
