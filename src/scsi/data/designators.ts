/*
  Designation descriptor (SPC, "Device Identification VPD page")
     0  :7-4 PROTOCOL IDENTIFIER; :3-0 CODE SET
     1  :7 PIV; :5-4 ASSOCIATION; :3-0 DESIGNATOR TYPE
     3  DESIGNATOR LENGTH
     4  DESIGNATOR
          0 vendor specific    1 T10 VENDOR IDENTIFICATION (8), text    2 EUI-64 (8, 12, 16)    3 NAA (8, 16)
          4, 5, 6  2-3 RELATIVE TARGET PORT / TARGET PORT GROUP / LOGICAL UNIT GROUP    7 MD5 (16)
          8 SCSI name string, UTF-8, NUL padded    9 protocol-specific port    A  2 UUID (16)
*/

import { toHex, viewOf } from '../../bytes/hex.ts';
import { fromAscii, fromUtf8 } from '../../bytes/text.ts';
import { ValueError } from '../../bytes/value-error.ts';
import { CODE_SET, DESIGNATOR_TYPE } from '../../spec/scsi-designators.ts';
import { bits, byte, flag, readField, readFields, u16, writeFields } from '../fields.ts';

const HEADER_LENGTH = 4;
const LONGEST_DESIGNATOR = 0xff;
const FIELDS = {
  codeSet: bits(0, 4),
  piv: flag(1, 7),
  association: bits(1, 2, 4),
  designatorType: bits(1, 4),
};
const PROTOCOL_IDENTIFIER = bits(0, 4, 4);
const DESIGNATOR_LENGTH = byte(3);
const NUMBER = u16(2);

/** What every designator tells. */
export interface DesignatorHeader {
  /** One of `PROTOCOL_IDENTIFIER`; only where PIV says that it is valid. */
  readonly protocolIdentifier: number | undefined;
  /** One of `CODE_SET`. */
  readonly codeSet: number;
  /** One of `ASSOCIATION`: what is named. */
  readonly association: number;
  /** One of `DESIGNATOR_TYPE`. */
  readonly designatorType: number;
  /** The designator itself as it came, copied. */
  readonly designator: Uint8Array;
  /** For people, in the usual spelling: `naa.6001405…`, `eui.…`, `t10.…`, `uuid.…`, a SCSI name, a port number. */
  readonly text: string;
}

/**
 * A name of a logical unit, a target port or a target device. One whose content is too short for its type is `other`.
 */
export type Designator = DesignatorHeader &
  (
    | {
        /** How the designator is made up, and so which of the fields below there are. */
        readonly kind: 't10VendorId';
        /** T10 VENDOR IDENTIFICATION without padding. */
        readonly vendorIdentification: string;
        /** Text; hex digits where the code set is binary. */
        readonly vendorSpecificIdentifier: string;
      }
    | {
        readonly kind: 'naa';
        /** NAA: the first four bits, 2, 3, 5 or 6. */
        readonly naa: number;
      }
    | {
        readonly kind: 'relativeTargetPort';
        /** RELATIVE TARGET PORT IDENTIFIER. */
        readonly relativeTargetPort: number;
      }
    | {
        readonly kind: 'targetPortGroup';
        /** TARGET PORT GROUP. */
        readonly targetPortGroup: number;
      }
    | {
        readonly kind: 'logicalUnitGroup';
        /** LOGICAL UNIT GROUP. */
        readonly logicalUnitGroup: number;
      }
    | {
        readonly kind: 'scsiName';
        /** The SCSI name string, such as an iSCSI name. */
        readonly name: string;
      }
    | {
        readonly kind: 'uuid';
        /** In the usual form, with hyphens. */
        readonly uuid: string;
      }
    | { readonly kind: 'eui64' | 'md5' | 'protocolSpecificPort' | 'vendorSpecific' | 'other' }
  );

/** What the writers take for each designator; what was read can be written. */
export interface DesignatorInput {
  /** Sets PIV; only for ports and target devices. */
  readonly protocolIdentifier?: number | undefined;
  /** One of `CODE_SET`. */
  readonly codeSet: number;
  /** The logical unit when left out. */
  readonly association?: number | undefined;
  /** One of `DESIGNATOR_TYPE`. */
  readonly designatorType: number;
  /** At most 255 bytes. */
  readonly designator: Uint8Array;
}

/**
 * The designators in `bytes[from, to)` in wire order. `complete` is false when the last one does not lie whole before
 * `to`.
 */
export function readDesignators(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly designators: readonly Designator[]; readonly complete: boolean } {
  const designators: Designator[] = [];
  let at = from;
  while (at + HEADER_LENGTH <= to) {
    const end = at + HEADER_LENGTH + (bytes[at + 3] ?? 0);
    if (end > to) break;
    designators.push(readDesignator(bytes.slice(at, end)));
    at = end;
  }
  return { designators, complete: at >= to };
}

/**
 * One designation descriptor.
 *
 * @throws {RangeError} When a code does not fit, or the designator is longer than 255 bytes.
 */
export function writeDesignator(values: DesignatorInput): Uint8Array<ArrayBuffer> {
  const { protocolIdentifier, designator } = values;
  if (designator.length > LONGEST_DESIGNATOR) {
    throw new ValueError(
      `Cannot write a designator of ${designator.length} bytes: at most ${LONGEST_DESIGNATOR} allowed`,
    );
  }
  const bytes = new Uint8Array(HEADER_LENGTH + designator.length);
  const view = new DataView(bytes.buffer);
  writeFields(
    { ...FIELDS, protocolIdentifier: PROTOCOL_IDENTIFIER },
    view,
    0,
    { ...values, piv: protocolIdentifier !== undefined },
    'designator',
  );
  bytes[DESIGNATOR_LENGTH.at] = designator.length;
  bytes.set(designator, HEADER_LENGTH);
  return bytes;
}

function readDesignator(bytes: Uint8Array): Designator {
  const view = viewOf(bytes);
  const { piv, ...fields } = readFields(FIELDS, view, 0, bytes.length);
  const designator = bytes.slice(HEADER_LENGTH);
  const protocolIdentifier = piv ? readField(view, 0, bytes.length, PROTOCOL_IDENTIFIER) : undefined;
  const header = { ...fields, protocolIdentifier, designator, text: toHex(designator) };
  return decode(header);
}

function decode(header: DesignatorHeader): Designator {
  const { designator } = header;
  const digits = toHex(designator);
  switch (header.designatorType) {
    case DESIGNATOR_TYPE.VENDOR_SPECIFIC:
      return {
        ...header,
        kind: 'vendorSpecific',
        text: header.codeSet === CODE_SET.BINARY ? digits : trimmed(designator),
      };
    case DESIGNATOR_TYPE.T10_VENDOR_ID:
      return designator.length < 8 ? other(header) : t10VendorId(header);
    case DESIGNATOR_TYPE.EUI_64:
      return { ...header, kind: 'eui64', text: `eui.${digits}` };
    case DESIGNATOR_TYPE.NAA:
      if (designator.length === 0) return other(header);
      return { ...header, kind: 'naa', naa: (designator[0] ?? 0) >>> 4, text: `naa.${digits}` };
    case DESIGNATOR_TYPE.RELATIVE_TARGET_PORT:
    case DESIGNATOR_TYPE.TARGET_PORT_GROUP:
    case DESIGNATOR_TYPE.LOGICAL_UNIT_GROUP:
      return designator.length < 4 ? other(header) : numbered(header);
    case DESIGNATOR_TYPE.MD5_LOGICAL_UNIT:
      return { ...header, kind: 'md5' };
    case DESIGNATOR_TYPE.SCSI_NAME_STRING: {
      const name = fromUtf8(designator).replace(/\0+$/, '');
      return { ...header, kind: 'scsiName', name, text: name };
    }
    case DESIGNATOR_TYPE.PROTOCOL_SPECIFIC_PORT:
      return { ...header, kind: 'protocolSpecificPort' };
    case DESIGNATOR_TYPE.UUID: {
      if (designator.length < 18) return other(header);
      const uuid = digits.slice(4, 36).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      return { ...header, kind: 'uuid', uuid, text: `uuid.${uuid}` };
    }
    default:
      return other(header);
  }
}

function t10VendorId(header: DesignatorHeader): Designator {
  const { designator, codeSet } = header;
  const rest = designator.subarray(8);
  return {
    ...header,
    kind: 't10VendorId',
    vendorIdentification: trimmed(designator.subarray(0, 8)),
    vendorSpecificIdentifier: codeSet === CODE_SET.BINARY ? toHex(rest) : trimmed(rest),
    text: `t10.${trimmed(designator)}`,
  };
}

function numbered(header: DesignatorHeader): Designator {
  const value = readField(viewOf(header.designator), 0, header.designator.length, NUMBER);
  const text = `${value}`;
  switch (header.designatorType) {
    case DESIGNATOR_TYPE.RELATIVE_TARGET_PORT:
      return { ...header, text, kind: 'relativeTargetPort', relativeTargetPort: value };
    case DESIGNATOR_TYPE.TARGET_PORT_GROUP:
      return { ...header, text, kind: 'targetPortGroup', targetPortGroup: value };
    default:
      return { ...header, text, kind: 'logicalUnitGroup', logicalUnitGroup: value };
  }
}

function other(header: DesignatorHeader): Designator {
  return { ...header, kind: 'other' };
}

/** Text without padding of blanks and NUL at its end. */
function trimmed(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0)) end--;
  return fromAscii(bytes, 0, end);
}
