import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { VpdPage } from '../scsi/data/vpd-pages.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { isMediumNotPresent } from '../scsi/sense.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { command } from './attempts.ts';
import { callTime } from './call-time.ts';
import { type Capacity, readCapacity } from './capacity.ts';
import { Certainty } from './doubt.ts';
import { type Identity, readIdentity } from './identity.ts';
import { standardInquiry } from './inquiry.ts';
import { BOOLEAN, OBJECT, type OptionRules } from './option-rules.ts';
import { COMMAND_OPTIONS, type CommandOptions } from './options.ts';
import { type Inventory, reportLuns } from './report-luns.ts';
import { VpdList } from './vpd-list.ts';

/** What is learned of a logical unit when it is opened. */
export interface Probe {
  /** Standard INQUIRY data. */
  readonly inquiryData: Inquiry;
  /** Undefined for a device without blocks, or without a medium. */
  readonly capacity: Capacity | undefined;
  /** What is compared whenever it is in doubt which logical unit answers; undefined where there is nothing to read. */
  readonly identity: Identity | undefined;
  /** VPD page B0h, where the device has it. */
  readonly blockLimits: VpdPage<'blockLimits'> | undefined;
  /** VPD page B2h, where the device has it. */
  readonly provisioning: VpdPage<'logicalBlockProvisioning'> | undefined;
  /** @internal From when on doubt counts: from the first question. */
  readonly certainty: Certainty;
}

/**
 * Peripheral device types that have logical blocks: disk, write-once, CD/DVD, optical memory, simplified, host-managed
 * zoned.
 */
const BLOCK_DEVICE_TYPES = new Set([0x00, 0x04, 0x05, 0x07, 0x0e, 0x14]);
const LOGICAL_UNIT_NOT_SUPPORTED = 0x25;

/** Whether a device of this type has logical blocks. */
export function hasBlocks(peripheralDeviceType: number): boolean {
  return BLOCK_DEVICE_TYPES.has(peripheralDeviceType);
}

/** How a logical unit is looked at. */
export interface ProbeOptions extends CommandOptions {
  /** False: ask for nothing but INQUIRY data: for devices that are no disks. Default true. */
  readonly probe?: boolean;
  /** A port to LUN 0 of the same device, or several: who tells what there is when the logical unit does not exist. */
  readonly inventory?: Inventory;
}

/** The rules of {@link ProbeOptions}. */
export const PROBE_OPTIONS: OptionRules<ProbeOptions> = { probe: BOOLEAN, inventory: OBJECT, ...COMMAND_OPTIONS };

/**
 * Looks at a logical unit: is it there, what is it, how large, which limits has it.
 * @throws {IscsiError} `ISCSI_LUN_NOT_FOUND`, with the LUNs that there are.
 */
export async function probe(port: ScsiPort, { probe: blocks, inventory, ...rest }: ProbeOptions): Promise<Probe> {
  const options = callTime(port, rest);
  const certainty = new Certainty(port);
  const inquiryData = await standardInquiry(port, options).catch(async (error: unknown) => {
    const notSupported = error instanceof ScsiStatusError && error.sense?.asc === LOGICAL_UNIT_NOT_SUPPORTED;
    throw notSupported ? await absent(port, error, inventory, options) : error;
  });
  // Qualifier 3 with type 1Fh is the standard's way to say that there is no such logical unit.
  if (inquiryData.peripheralQualifier === 3) throw await absent(port, undefined, inventory, options);
  const nothing = {
    inquiryData,
    capacity: undefined,
    identity: undefined,
    blockLimits: undefined,
    provisioning: undefined,
    certainty,
  };
  const asked = blocks !== false && inquiryData.peripheralQualifier === 0;
  if (!asked || !hasBlocks(inquiryData.peripheralDeviceType)) return nothing;
  if (!(await becomeReady(port, options))) return nothing;

  const capacity = await readCapacity(port, options);
  const pages = await VpdList.of(port, options);
  const identity = await readIdentity(port, capacity, pages, options);
  const blockLimits = await pages.page('blockLimits', options);
  const provisioning = await pages.page('logicalBlockProvisioning', options);
  return { inquiryData, capacity, identity, blockLimits, provisioning, certainty };
}

/**
 * TEST UNIT READY until it says something other than a unit attention.
 * @returns False when there is no medium. A reservation of somebody else forbids data, not looking.
 * @throws {ScsiStatusError} When it is not ready for another reason.
 */
export async function becomeReady(port: ScsiPort, options: CommandOptions): Promise<boolean> {
  try {
    await command(port, { ...options, cdb: cdb('TEST_UNIT_READY', {}) });
    return true;
  } catch (error) {
    if (!(error instanceof ScsiStatusError)) throw error;
    if (isMediumNotPresent(error.sense)) return false;
    if (error.status === SCSI_STATUS.RESERVATION_CONFLICT) return true;
    throw error;
  }
}

/** The error of a logical unit that does not exist; the hint says which do, as far as that can be asked. */
async function absent(
  port: ScsiPort,
  cause: unknown,
  inventory: Inventory | undefined,
  options: CommandOptions,
): Promise<IscsiError> {
  const message = `Cannot open ${port.unitName} of ${port.deviceName}: there is no such logical unit`;
  if (inventory === undefined) return new IscsiError('ISCSI_LUN_NOT_FOUND', message, { cause });
  const hint = await reportLuns(inventory, options).then(
    (luns) =>
      luns.length === 0
        ? 'it shows none to this initiator'
        : `it has LUN ${luns.map((other) => other.text).join(', ')}`,
    () => 'and it does not say which there are',
  );
  return new IscsiError('ISCSI_LUN_NOT_FOUND', message, { cause, hint });
}
