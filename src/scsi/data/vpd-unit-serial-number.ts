/*
  Unit Serial Number VPD page, 80 (SPC)
     0  header
     4  PRODUCT SERIAL NUMBER, ASCII
*/
import { VPD_PAGE } from '../../spec/vpd-page-codes.ts';
import { readText, writeText } from './parameter-data.ts';
import type { VpdDeviceInput, VpdReceived } from './vpd-page.ts';
import { newVpdPage, readVpdHeader, VPD_HEADER_LENGTH } from './vpd-page.ts';

/** VPD page 80. */
export interface VpdUnitSerialNumber extends VpdReceived {
  /** Without the padding that some devices put in front or behind. */
  readonly serialNumber: string;
  /** As it came; what is no printable ASCII is a dot. */
  readonly serialNumberPadded: string;
}

/** What {@link writeVpdUnitSerialNumber} takes. */
export interface VpdUnitSerialNumberInput extends VpdDeviceInput {
  /** Printable ASCII, written as long as it is. */
  readonly serialNumber: string;
}

/**
 * Reads VPD page 80, Unit Serial Number (SPC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readVpdUnitSerialNumber(writeVpdUnitSerialNumber({ serialNumber: 'disk-7' })).serialNumber; // 'disk-7'
 */
export function readVpdUnitSerialNumber(bytes: Uint8Array): VpdUnitSerialNumber {
  const page = readVpdHeader(bytes, VPD_PAGE.UNIT_SERIAL_NUMBER);
  const text = readText(page, VPD_HEADER_LENGTH, page.end);
  return { ...page.received, serialNumber: text.trimmed, serialNumberPadded: text.padded };
}

/**
 * VPD page 80, Unit Serial Number (SPC). The bytes belong to the caller.
 *
 * @throws {RangeError} When the serial number is not printable ASCII or longer than 65535 characters.
 * @example
 * writeVpdUnitSerialNumber({ serialNumber: 'disk-7' }); // hex 00 80 00 06 64 69 73 6b 2d 37
 */
export function writeVpdUnitSerialNumber(values: VpdUnitSerialNumberInput): Uint8Array<ArrayBuffer> {
  const { serialNumber } = values;
  const bytes = newVpdPage(VPD_PAGE.UNIT_SERIAL_NUMBER, serialNumber.length, values);
  writeText(bytes, VPD_HEADER_LENGTH, serialNumber.length, serialNumber, 'serialNumber');
  return bytes;
}
