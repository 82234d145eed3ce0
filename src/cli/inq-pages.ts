/** The vital product data pages that `iscsi-inq` can show: how each is decoded and how it is printed. */
import { readVpdBlockDeviceCharacteristics } from '../scsi/data/vpd-block-device-characteristics.ts';
import { readVpdBlockLimits } from '../scsi/data/vpd-block-limits.ts';
import { readVpdDeviceIdentification } from '../scsi/data/vpd-device-identification.ts';
import { readVpdLogicalBlockProvisioning } from '../scsi/data/vpd-logical-block-provisioning.ts';
import { readVpdSupportedPages } from '../scsi/data/vpd-supported-pages.ts';
import { readVpdUnitSerialNumber } from '../scsi/data/vpd-unit-serial-number.ts';
import { nameOf } from '../spec/scsi-names.ts';
import { VPD_PAGE } from '../spec/vpd-page-codes.ts';
import {
  blockLimitsLines,
  characteristicsLines,
  deviceIdentificationLines,
  dumpLines,
  provisioningLines,
  serialNumberLines,
  supportedPagesLines,
} from './inq-text.ts';

/** A page, ready to be shown. */
export interface ShownPage {
  /** The standard's name, such as `BLOCK_LIMITS`; undefined for one that it does not know. */
  readonly name: string | undefined;
  /** The fields, undefined for a page that is not decoded here. */
  readonly data: object | undefined;
  readonly lines: readonly string[];
}

type Show = (page: Uint8Array) => Omit<ShownPage, 'name'>;

const PAGES: ReadonlyMap<number, Show> = new Map([
  [VPD_PAGE.SUPPORTED_VPD_PAGES, show(readVpdSupportedPages, supportedPagesLines)],
  [VPD_PAGE.UNIT_SERIAL_NUMBER, show(readVpdUnitSerialNumber, serialNumberLines)],
  [VPD_PAGE.DEVICE_IDENTIFICATION, show(readVpdDeviceIdentification, deviceIdentificationLines)],
  [VPD_PAGE.BLOCK_LIMITS, show(readVpdBlockLimits, blockLimitsLines)],
  [VPD_PAGE.BLOCK_DEVICE_CHARACTERISTICS, show(readVpdBlockDeviceCharacteristics, characteristicsLines)],
  [VPD_PAGE.LOGICAL_BLOCK_PROVISIONING, show(readVpdLogicalBlockProvisioning, provisioningLines)],
]);

/**
 * Decodes the page in `bytes` for showing; an unknown one becomes a hex dump.
 * @throws {ProtocolError} When the device sent another page than the one asked for.
 */
export function showPage(code: number, bytes: Uint8Array): ShownPage {
  const name = nameOf(VPD_PAGE, code);
  const known = PAGES.get(code);
  return { name, ...(known ? known(bytes) : { data: undefined, lines: dumpLines(bytes, name) }) };
}

function show<T extends object>(
  read: (bytes: Uint8Array) => T,
  lines: (data: T, bytes: Uint8Array) => readonly string[],
): Show {
  return (bytes) => {
    const data = read(bytes);
    return { data, lines: lines(data, bytes) };
  };
}
