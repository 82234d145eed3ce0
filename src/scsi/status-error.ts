/** The error of a command that ended with a status other than GOOD. */
import { IscsiError } from '../errors.ts';
import { nameOf } from '../spec/scsi-names.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import type { ScsiStatusName } from '../spec/scsi-status.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { hexByte } from './additional-sense.ts';
import { commandName, commandTitle, parseCdb } from './cdb.ts';
import type { Sense } from './sense.ts';
import { describeSense, isBecomingReady, isMediumNotPresent } from './sense.ts';

/** Where a command went: what a `ScsiPort` knows of it. */
export interface CommandPlace {
  /** What messages call the device, such as the name of the iSCSI target. */
  readonly deviceName: string;
  /** What messages call the logical unit, such as `LUN 0`. */
  readonly unitName: string;
}

/** What else a {@link ScsiStatusError} says of its command. */
export interface StatusErrorOptions extends ErrorOptions {
  /** Where the command went, to be named in the message. */
  readonly place?: CommandPlace | undefined;
  /** The first block that the command is about. */
  readonly logicalBlockAddress?: number | undefined;
}

/**
 * A command ended with a status other than GOOD. What the device said is on the error, decoded.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * const error: unknown = await lun.inquiry(0xc0).catch((reason: unknown) => reason);
 * error instanceof ScsiStatusError && error.sense?.text; // 'invalid field in CDB'
 */
export class ScsiStatusError extends IscsiError {
  /** One of `SCSI_STATUS`. */
  readonly status: number;
  /** Name of the status, such as `CHECK_CONDITION`. */
  readonly statusName: ScsiStatusName | undefined;
  /** Decoded sense data, when the device sent any. */
  readonly sense: Sense | undefined;
  /** Name of the command, such as `READ_10`. */
  readonly command: string;
  /** What the device is called, such as the name of the iSCSI target; undefined where that is not known. */
  readonly deviceName: string | undefined;
  /** What the logical unit is called, such as `LUN 0`. */
  readonly unitName: string | undefined;
  /** The first block that the command is about; undefined for one that is about none. */
  readonly logicalBlockAddress: number | undefined;

  constructor(
    command: string,
    result: { readonly status: number; readonly sense?: Sense | undefined },
    options: StatusErrorOptions = {},
  ) {
    const { status, sense } = result;
    const { place, logicalBlockAddress, ...rest } = options;
    const statusName = nameOf(SCSI_STATUS, status);
    const title = statusName?.replaceAll('_', ' ') ?? `status ${hexByte(status)}h`;
    const detail = sense ? `: ${describeSense(sense)}` : '';
    const hint = hintFor(status, sense);
    super('ISCSI_SCSI_STATUS', `${commandTitle(command)} ended with ${title}${detail}${describePlace(options)}`, {
      ...rest,
      ...(hint !== undefined && { hint }),
    });
    this.status = status;
    this.statusName = statusName;
    this.sense = sense;
    this.command = command;
    this.deviceName = place?.deviceName;
    this.unitName = place?.unitName;
    this.logicalBlockAddress = logicalBlockAddress;
  }
}

/**
 * The error of the command in `cdb` that ended with `result`, for whoever wants an exception of what `execute()` gives.
 * Nothing is thrown.
 *
 * @param place Where it went, such as the port: it is named in the message.
 *
 * @example
 * const error = scsiStatusError(cdb('TEST_UNIT_READY', {}), { status: SCSI_STATUS.BUSY });
 * error.message; // 'TEST UNIT READY ended with BUSY'
 */
export function scsiStatusError(
  cdb: Uint8Array,
  result: { readonly status: number; readonly sense?: Sense | undefined },
  place?: CommandPlace,
): ScsiStatusError {
  return new ScsiStatusError(commandName(cdb), result, { place, logicalBlockAddress: addressOf(cdb) });
}

function describePlace({ place, logicalBlockAddress }: StatusErrorOptions): string {
  if (place === undefined) return '';
  const block = logicalBlockAddress === undefined ? '' : `, block ${logicalBlockAddress}`;
  return ` (${place.unitName} of ${place.deviceName}${block})`;
}

function addressOf(cdb: Uint8Array): number | undefined {
  const fields: Readonly<Record<string, unknown>> | undefined = parseCdb(cdb)?.fields;
  const address = fields?.['logicalBlockAddress'];
  return typeof address === 'number' ? address : undefined;
}

function hintFor(status: number, sense: Sense | undefined): string | undefined {
  switch (status) {
    case SCSI_STATUS.RESERVATION_CONFLICT:
      return 'another initiator holds a reservation on the logical unit';
    case SCSI_STATUS.BUSY:
    case SCSI_STATUS.TASK_SET_FULL:
      return 'the target is busy: try again later, or with fewer commands at once';
    case SCSI_STATUS.ACA_ACTIVE:
      return 'an earlier error blocks the logical unit until CLEAR ACA';
    case SCSI_STATUS.TASK_ABORTED:
      return 'another initiator aborted the command, by a reset, CLEAR TASK SET or PREEMPT AND ABORT: look before sending it again';
    default:
      return sense && hintForSense(sense);
  }
}

function hintForSense(sense: Sense): string | undefined {
  const at = sense.information === undefined ? '' : ` at block ${sense.information}`;
  if (isBecomingReady(sense)) return 'the logical unit is becoming ready: try again in some seconds';
  if (isMediumNotPresent(sense)) return 'there is no medium in the drive';
  switch (sense.senseKey) {
    case SENSE_KEY.NOT_READY:
      return 'the logical unit is not ready';
    case SENSE_KEY.MEDIUM_ERROR:
      return `the medium is damaged${at}`;
    case SENSE_KEY.HARDWARE_ERROR:
      return 'the device is faulty';
    case SENSE_KEY.UNIT_ATTENTION:
      return 'the logical unit changed since the last command: look at it again, then repeat the command';
    case SENSE_KEY.DATA_PROTECT:
      return sense.asc === 0x27 && sense.ascq === 0x07
        ? 'the storage behind the logical unit is full'
        : 'the logical unit is write protected';
    case SENSE_KEY.ILLEGAL_REQUEST:
      return hintForIllegalRequest(sense.asc);
    case SENSE_KEY.MISCOMPARE:
      return `the data on the medium is not what was expected${at}`;
    default:
      return undefined;
  }
}

function hintForIllegalRequest(asc: number): string | undefined {
  switch (asc) {
    case 0x20:
      return 'the logical unit does not support this command';
    case 0x21:
      return 'the address is behind the end of the logical unit';
    case 0x25:
      return 'the target has no such logical unit';
    default:
      return undefined;
  }
}
