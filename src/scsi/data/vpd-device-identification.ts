/*
  Device Identification VPD page, 83 (SPC)
     0  header
     4  designation descriptors (designators.ts)
*/
import { concat } from '../../bytes/hex.ts';
import { VPD_PAGE } from '../../spec/vpd-page-codes.ts';
import type { Designator, DesignatorInput } from './designators.ts';
import { readDesignators, writeDesignator } from './designators.ts';
import type { VpdDeviceInput, VpdReceived } from './vpd-page.ts';
import { newVpdPage, readVpdHeader, VPD_HEADER_LENGTH } from './vpd-page.ts';

/** VPD page 83: the names of the logical unit, of the target port and of the target device. */
export interface VpdDeviceIdentification extends VpdReceived {
  /** In wire order. One that was cut off is left out, and the page is `truncated`. */
  readonly designators: readonly Designator[];
}

/** What {@link writeVpdDeviceIdentification} takes. */
export interface VpdDeviceIdentificationInput extends VpdDeviceInput {
  /** In the order in which they are written. */
  readonly designators: readonly DesignatorInput[];
}

/**
 * Reads VPD page 83, Device Identification (SPC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * const page = writeVpdDeviceIdentification({ designators: [t10VendorDesignator('EXAMPLE', 'disk-7')] });
 * readVpdDeviceIdentification(page).designators[0]?.text; // 't10.EXAMPLE disk-7'
 */
export function readVpdDeviceIdentification(bytes: Uint8Array): VpdDeviceIdentification {
  const page = readVpdHeader(bytes, VPD_PAGE.DEVICE_IDENTIFICATION);
  const { designators, complete } = readDesignators(bytes, VPD_HEADER_LENGTH, page.end);
  return { ...page.received, designators, truncated: page.truncated || !complete };
}

/**
 * VPD page 83, Device Identification (SPC). The bytes belong to the caller.
 *
 * @throws {RangeError} When a value does not fit, or all designators together are longer than 65535 bytes.
 * @example
 * const port = relativeTargetPortDesignator(1);
 * writeVpdDeviceIdentification({ designators: [port] }); // hex 00 83 00 08 01 14 00 04 00 00 00 01
 */
export function writeVpdDeviceIdentification(values: VpdDeviceIdentificationInput): Uint8Array<ArrayBuffer> {
  const body = concat(...values.designators.map(writeDesignator));
  const bytes = newVpdPage(VPD_PAGE.DEVICE_IDENTIFICATION, body.length, values);
  bytes.set(body, VPD_HEADER_LENGTH);
  return bytes;
}
