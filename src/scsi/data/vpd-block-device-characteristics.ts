/*
  Block Device Characteristics VPD page, B1 (SBC)
     4  MEDIUM ROTATION RATE (0 not told, 1 does not rotate, else rotations per minute)
     6  PRODUCT TYPE
     7  :7-6 WABEREQ; :5-4 WACEREQ; :3-0 NOMINAL FORM FACTOR
     8  :5-4 ZONED; :3 RBWZ; :2 BOCS; :1 FUAB; :0 VBULS
    12  DEPOPULATION TIME
*/
import { VPD_PAGE } from '../../spec/vpd-page-codes.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, byte, flag, readFields, u16, u32, writeFields } from '../fields.ts';
import type { VpdDeviceInput, VpdReceived } from './vpd-page.ts';
import { newVpdPage, readVpdHeader } from './vpd-page.ts';

const FIELDS = {
  mediumRotationRate: u16(4),
  productType: byte(6),
  wabereq: bits(7, 2, 6),
  wacereq: bits(7, 2, 4),
  nominalFormFactor: bits(7, 4),
  zoned: bits(8, 2, 4),
  rbwz: flag(8, 3),
  bocs: flag(8, 2),
  fuab: flag(8, 1),
  vbuls: flag(8, 0),
  depopulationTime: u32(12),
};
const BODY_LENGTH = 0x3c;

/** VPD page B1. A `mediumRotationRate` of 1 is a medium that does not rotate; `depopulationTime` in seconds. */
export type VpdBlockDeviceCharacteristics = FieldValues<typeof FIELDS> & VpdReceived;

/** What {@link writeVpdBlockDeviceCharacteristics} takes. */
export type VpdBlockDeviceCharacteristicsInput = FieldInput<typeof FIELDS> & VpdDeviceInput;

/**
 * Reads VPD page B1, Block Device Characteristics (SBC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readVpdBlockDeviceCharacteristics(Uint8Array.of(0x00, 0xb1, 0x00, 0x3c, 0x00, 0x01)).mediumRotationRate; // 1
 */
export function readVpdBlockDeviceCharacteristics(bytes: Uint8Array): VpdBlockDeviceCharacteristics {
  const page = readVpdHeader(bytes, VPD_PAGE.BLOCK_DEVICE_CHARACTERISTICS);
  return { ...page.received, ...readFields(FIELDS, page.view, 0, page.end) };
}

/**
 * VPD page B1, Block Device Characteristics (SBC): 64 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeVpdBlockDeviceCharacteristics({ mediumRotationRate: 1 }); // hex 00 b1 00 3c 00 01 ...
 */
export function writeVpdBlockDeviceCharacteristics(
  values: VpdBlockDeviceCharacteristicsInput,
): Uint8Array<ArrayBuffer> {
  const bytes = newVpdPage(VPD_PAGE.BLOCK_DEVICE_CHARACTERISTICS, BODY_LENGTH, values);
  writeFields(FIELDS, new DataView(bytes.buffer), 0, values, 'VPD page B1');
  return bytes;
}
