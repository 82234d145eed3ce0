/*
  Standard INQUIRY data (SPC, "Standard INQUIRY data")
     0  :7-5 PERIPHERAL QUALIFIER; :4-0 PERIPHERAL DEVICE TYPE
     1  :7 RMB; :6 LU_CONG
     2  VERSION
     3  :5 NORMACA; :4 HISUP; :3-0 RESPONSE DATA FORMAT (2)
     4  ADDITIONAL LENGTH (n - 4)
     5  :7 SCCS; :5-4 TPGS; :3 3PC; :0 PROTECT
     6  :6 ENCSERV; :4 MULTIP; :0 ADDR16
     7  :5 WBUS16; :4 SYNC; :1 CMDQUE
     8  T10 VENDOR IDENTIFICATION (8)
    16  PRODUCT IDENTIFICATION (16)
    32  PRODUCT REVISION LEVEL (4)
    36  vendor specific (20)
    56  :3-2 CLOCKING; :1 QAS; :0 IUS
    58  VERSION DESCRIPTOR (8 of 2)
*/
import { ValueError } from '../../bytes/value-error.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, byte, flag, readField, readFields, u16, writeField, writeFields } from '../fields.ts';
import type { Received } from './parameter-data.ts';
import { atLeast, block, readText, writeText } from './parameter-data.ts';

const FIELDS = {
  peripheralQualifier: bits(0, 3, 5),
  peripheralDeviceType: bits(0, 5),
  rmb: flag(1, 7),
  luCong: flag(1, 6),
  version: byte(2),
  normaca: flag(3, 5),
  hisup: flag(3, 4),
  responseDataFormat: bits(3, 4),
  sccs: flag(5, 7),
  acc: flag(5, 6), // obsolete since SPC-5
  tpgs: bits(5, 2, 4),
  thirdPartyCopy: flag(5, 3),
  protect: flag(5, 0),
  encserv: flag(6, 6),
  multip: flag(6, 4),
  addr16: flag(6, 0),
  wbus16: flag(7, 5),
  sync: flag(7, 4),
  cmdque: flag(7, 1),
  clocking: bits(56, 2, 2),
  qas: flag(56, 1),
  ius: flag(56, 0),
};
const ADDITIONAL_LENGTH = byte(4);
const VERSION_DESCRIPTORS = 8;
/** Bytes that all standard INQUIRY data has since SCSI-2. */
const LEAST_LENGTH = 36;
const WRITTEN_LENGTH = 96; // all of the standard's own bytes

/** Standard INQUIRY data: the numbers and bits. RMB is `rmb`, 3PC is `thirdPartyCopy`. */
export type InquiryFields = FieldValues<typeof FIELDS>;

/** Standard INQUIRY data as it came. */
export interface Inquiry extends InquiryFields, Received {
  /** ADDITIONAL LENGTH: how many bytes follow byte 4 at the device, received or not. */
  readonly additionalLength: number;
  /** Without padding; as it came with the suffix `Padded`. */
  readonly vendorIdentification: string;
  /** T10 VENDOR IDENTIFICATION with its padding, 8 characters. */
  readonly vendorIdentificationPadded: string;
  /** PRODUCT IDENTIFICATION without padding. */
  readonly productIdentification: string;
  /** PRODUCT IDENTIFICATION with its padding, 16 characters. */
  readonly productIdentificationPadded: string;
  /** PRODUCT REVISION LEVEL without padding. */
  readonly productRevisionLevel: string;
  /** PRODUCT REVISION LEVEL with its padding, 4 characters. */
  readonly productRevisionLevelPadded: string;
  /** In wire order, zeros left out. */
  readonly versionDescriptors: readonly number[];
}

/** What {@link writeInquiry} takes; `responseDataFormat` is 2 when left out, all else zero or blank. */
export interface InquiryInput extends FieldInput<typeof FIELDS> {
  /** At most 8 characters of ASCII. */
  readonly vendorIdentification?: string | undefined;
  /** At most 16 characters of ASCII. */
  readonly productIdentification?: string | undefined;
  /** At most 4 characters of ASCII. */
  readonly productRevisionLevel?: string | undefined;
  /** At most 8, such as those of `VERSION_DESCRIPTOR`. */
  readonly versionDescriptors?: readonly number[] | undefined;
}

/**
 * Reads standard INQUIRY data (SPC, "Standard INQUIRY data"). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 5 bytes.
 * @example
 * readInquiry(writeInquiry({ productIdentification: 'disk' })).productIdentification; // 'disk'
 */
export function readInquiry(bytes: Uint8Array): Inquiry {
  atLeast(bytes, 5, 'INQUIRY data');
  const additionalLength = bytes[4] ?? 0;
  // The first 36 bytes are mandatory: a device that leaves the length empty has sent them, if they came.
  const claimed = additionalLength === 0 ? Math.min(bytes.length, LEAST_LENGTH) : additionalLength + 5;
  const data = block(bytes, claimed);
  const vendor = readText(data, 8, 16);
  const product = readText(data, 16, 32);
  const revision = readText(data, 32, 36);
  const versionDescriptors: number[] = [];
  for (let next = 0; next < VERSION_DESCRIPTORS; next++) {
    const value = readField(data.view, 58 + 2 * next, data.end, u16(0));
    if (value !== 0) versionDescriptors.push(value);
  }
  return {
    ...readFields(FIELDS, data.view, 0, data.end),
    additionalLength,
    vendorIdentification: vendor.trimmed,
    vendorIdentificationPadded: vendor.padded,
    productIdentification: product.trimmed,
    productIdentificationPadded: product.padded,
    productRevisionLevel: revision.trimmed,
    productRevisionLevelPadded: revision.padded,
    versionDescriptors,
    fullLength: data.fullLength,
    truncated: data.truncated,
  };
}

/**
 * Standard INQUIRY data (SPC), 96 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value or a text does not fit.
 * @example
 * writeInquiry({ vendorIdentification: 'EXAMPLE', cmdque: true }); // hex 00 00 00 02 5b 00 00 02 45 58 41 4d 50 ...
 */
export function writeInquiry(values: InquiryInput): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(WRITTEN_LENGTH);
  const view = new DataView(bytes.buffer);
  const { versionDescriptors = [] } = values;
  writeFields(FIELDS, view, 0, { ...values, responseDataFormat: values.responseDataFormat ?? 2 }, 'INQUIRY data');
  writeField(view, 0, ADDITIONAL_LENGTH, WRITTEN_LENGTH - 5, 'INQUIRY data: additionalLength');
  writeText(bytes, 8, 8, values.vendorIdentification ?? '', 'vendorIdentification');
  writeText(bytes, 16, 16, values.productIdentification ?? '', 'productIdentification');
  writeText(bytes, 32, 4, values.productRevisionLevel ?? '', 'productRevisionLevel');
  if (versionDescriptors.length > VERSION_DESCRIPTORS) {
    throw new ValueError(
      `Cannot write ${versionDescriptors.length} version descriptors: at most ${VERSION_DESCRIPTORS} allowed`,
    );
  }
  versionDescriptors.forEach((value, next) => {
    writeField(view, 58 + 2 * next, u16(0), value, 'INQUIRY data: versionDescriptors');
  });
  return bytes;
}
