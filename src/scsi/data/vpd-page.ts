/*
  Header of every vital product data page (SPC, "VPD parameters overview")
     0  :7-5 PERIPHERAL QUALIFIER; :4-0 PERIPHERAL DEVICE TYPE
     1  PAGE CODE
     2  PAGE LENGTH (n - 3)
*/
import { ProtocolError } from '../../errors.ts';
import { hexByte } from '../additional-sense.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, byte, readFields, u16, writeField, writeFields } from '../fields.ts';
import type { Block, Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

/** Bytes of the header. */
export const VPD_HEADER_LENGTH = 4;

const DEVICE = { peripheralQualifier: bits(0, 3, 5), peripheralDeviceType: bits(0, 5) };

/** The device that a page is about, as in standard INQUIRY data. */
export type VpdDevice = FieldValues<typeof DEVICE>;

/** The device that a page is written for; a connected block device when left out. */
export type VpdDeviceInput = FieldInput<typeof DEVICE>;

/** What every VPD page tells. */
export type VpdReceived = VpdDevice & Received;

/** A page whose header was read. */
export interface VpdBlock extends Block {
  /** What goes into the result of the page's reader. */
  readonly received: VpdReceived;
}

/**
 * Reads the header of a page.
 *
 * @throws {ProtocolError} When there are fewer than 4 bytes, or it is another page.
 */
export function readVpdHeader(bytes: Uint8Array, pageCode: number): VpdBlock {
  atLeast(bytes, VPD_HEADER_LENGTH, `VPD page ${hexByte(pageCode)}`);
  const code = bytes[1] ?? 0;
  if (code !== pageCode) {
    throw new ProtocolError(`Cannot read VPD page ${hexByte(pageCode)}: the device sent page ${hexByte(code)}`);
  }
  const data = block(bytes, VPD_HEADER_LENGTH + (((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)));
  const device = readFields(DEVICE, data.view, 0, data.end);
  return { ...data, received: { ...device, fullLength: data.fullLength, truncated: data.truncated } };
}

/**
 * A page with its header filled in and `bodyLength` zero bytes behind it.
 *
 * @throws {RangeError} When the body is longer than 65535 bytes, or the device's values do not fit.
 */
export function newVpdPage(pageCode: number, bodyLength: number, device: VpdDeviceInput): Uint8Array<ArrayBuffer> {
  const what = `VPD page ${hexByte(pageCode)}`;
  const bytes = new Uint8Array(VPD_HEADER_LENGTH + bodyLength);
  const view = new DataView(bytes.buffer);
  writeFields(DEVICE, view, 0, device, what);
  writeField(view, 0, byte(1), pageCode, `${what}: pageCode`);
  writeField(view, 0, u16(2), bodyLength, `${what}: pageLength`);
  return bytes;
}
