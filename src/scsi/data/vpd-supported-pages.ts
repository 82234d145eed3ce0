/*
  Supported VPD Pages VPD page, 00 (SPC)
     0  header
     4  PAGE CODE, one byte each, ascending
*/
import { ValueError } from '../../bytes/value-error.ts';
import { VPD_PAGE } from '../../spec/vpd-page-codes.ts';
import type { VpdDeviceInput, VpdReceived } from './vpd-page.ts';
import { newVpdPage, readVpdHeader, VPD_HEADER_LENGTH } from './vpd-page.ts';

/** VPD page 00: the pages that the device has. */
export interface VpdSupportedPages extends VpdReceived {
  /** Page codes in wire order. */
  readonly pageCodes: readonly number[];
}

/** What {@link writeVpdSupportedPages} takes. */
export interface VpdSupportedPagesInput extends VpdDeviceInput {
  /** Page codes 0..255 in ascending order, 00 among them. */
  readonly pageCodes: readonly number[];
}

/**
 * Reads VPD page 00, Supported VPD Pages (SPC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readVpdSupportedPages(Uint8Array.of(0x00, 0x00, 0x00, 0x02, 0x00, 0x83)).pageCodes; // [0x00, 0x83]
 */
export function readVpdSupportedPages(bytes: Uint8Array): VpdSupportedPages {
  const page = readVpdHeader(bytes, VPD_PAGE.SUPPORTED_VPD_PAGES);
  return { ...page.received, pageCodes: Array.from(bytes.subarray(VPD_HEADER_LENGTH, page.end)) };
}

/**
 * VPD page 00, Supported VPD Pages (SPC). The bytes belong to the caller.
 *
 * @throws {RangeError} When a code is not a byte, or the codes do not ascend.
 * @example
 * writeVpdSupportedPages({ pageCodes: [0x00, 0x83] }); // hex 00 00 00 02 00 83
 */
export function writeVpdSupportedPages(values: VpdSupportedPagesInput): Uint8Array<ArrayBuffer> {
  const { pageCodes } = values;
  const bytes = newVpdPage(VPD_PAGE.SUPPORTED_VPD_PAGES, pageCodes.length, values);
  let last = -1;
  for (const [index, pageCode] of pageCodes.entries()) {
    if (!Number.isInteger(pageCode) || pageCode <= last || pageCode > 0xff) {
      throw new ValueError(
        `Cannot write VPD page 00: page code ${pageCode} after ${last}, bytes in ascending order allowed`,
      );
    }
    bytes[VPD_HEADER_LENGTH + index] = pageCode;
    last = pageCode;
  }
  return bytes;
}
