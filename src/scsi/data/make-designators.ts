/**
 * The designators that a target gives its logical units and ports, ready for `writeVpdDeviceIdentification()`. The
 * layouts are in designators.ts.
 */

import { utf8 } from '../../bytes/text.ts';
import { ValueError } from '../../bytes/value-error.ts';
import { ASSOCIATION, CODE_SET, DESIGNATOR_TYPE } from '../../spec/scsi-designators.ts';
import { u16, writeField } from '../fields.ts';
import type { DesignatorInput } from './designators.ts';
import { writeText } from './parameter-data.ts';

/** What a designator of a port or target device says besides its content. */
export interface DesignatorOwner {
  /** One of `ASSOCIATION`. */
  readonly association?: number | undefined;
  /** One of `PROTOCOL_IDENTIFIER`. */
  readonly protocolIdentifier?: number | undefined;
}

/**
 * A world-wide name in an NAA format, of the logical unit when `owner` does not say otherwise.
 *
 * @param designator 8 bytes (NAA 2, 3, 5) or 16 bytes (NAA 6), the NAA in the first four bits. Referred to, not copied.
 * @throws {RangeError} When the length does not belong to the NAA.
 * @example
 * const name = naaDesignator(Uint8Array.of(0x51, 2, 3, 4, 5, 6, 7, 8));
 * writeVpdDeviceIdentification({ designators: [name] }); // hex 00 83 00 0c 01 03 00 08 51 02 03 04 05 06 07 08
 */
export function naaDesignator(designator: Uint8Array, owner: DesignatorOwner = {}): DesignatorInput {
  const naa = (designator[0] ?? 0) >>> 4;
  const length = naa === 6 ? 16 : naa === 2 || naa === 3 || naa === 5 ? 8 : 0;
  if (length === 0 || designator.length !== length) {
    throw new ValueError(
      `Cannot make NAA ${naa} designator of ${designator.length} bytes: NAA 2, 3 or 5 of 8, NAA 6 of 16 allowed`,
    );
  }
  return { ...owner, codeSet: CODE_SET.BINARY, designatorType: DESIGNATOR_TYPE.NAA, designator };
}

/**
 * An EUI-64 of 8 bytes, or one of its longer forms of 12 or 16. The bytes are referred to, not copied.
 *
 * @throws {RangeError} When it has another length.
 * @example
 * const name = eui64Designator(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
 * writeVpdDeviceIdentification({ designators: [name] }); // hex 00 83 00 0c 01 02 00 08 01 02 03 04 05 06 07 08
 */
export function eui64Designator(designator: Uint8Array, owner: DesignatorOwner = {}): DesignatorInput {
  if (![8, 12, 16].includes(designator.length)) {
    throw new ValueError(`Cannot make an EUI-64 designator of ${designator.length} bytes: 8, 12 or 16 allowed`);
  }
  return { ...owner, codeSet: CODE_SET.BINARY, designatorType: DESIGNATOR_TYPE.EUI_64, designator };
}

/**
 * The vendor's registered name and an identifier that is unique with this vendor.
 *
 * @throws {RangeError} When a text is not printable ASCII, the vendor is longer than 8 characters or the identifier
 *   than 247.
 * @example
 * t10VendorDesignator('EXAMPLE', 'disk-7').designator; // hex 45 58 41 4d 50 4c 45 20 64 69 73 6b 2d 37
 */
export function t10VendorDesignator(vendorIdentification: string, identifier: string): DesignatorInput {
  if (identifier.length > 247) {
    throw new ValueError(
      `Cannot make a T10 vendor designator with ${identifier.length} characters: at most 247 allowed`,
    );
  }
  const designator = new Uint8Array(8 + identifier.length);
  writeText(designator, 0, 8, vendorIdentification, 'vendorIdentification');
  writeText(designator, 8, identifier.length, identifier, 'vendorSpecificIdentifier');
  return { codeSet: CODE_SET.ASCII, designatorType: DESIGNATOR_TYPE.T10_VENDOR_ID, designator };
}

/**
 * A SCSI name string, such as an iSCSI name for the target device, or `<name>,t,0x0001` for its port.
 *
 * @throws {RangeError} When it is longer than 251 bytes of UTF-8.
 * @example
 * const name = scsiNameDesignator('iqn.2003-01.org.example:disk', { association: ASSOCIATION.TARGET_DEVICE });
 * name.designator.length; // 32
 */
export function scsiNameDesignator(name: string, owner: DesignatorOwner = {}): DesignatorInput {
  const text = utf8(name);
  const length = Math.ceil((text.length + 1) / 4) * 4; // NUL terminated, padded to four
  if (length > 252) throw new ValueError(`Cannot make a SCSI name string of ${text.length} bytes: at most 251 allowed`);
  const designator = new Uint8Array(length);
  designator.set(text);
  return { ...owner, codeSet: CODE_SET.UTF_8, designatorType: DESIGNATOR_TYPE.SCSI_NAME_STRING, designator };
}

/**
 * The relative number of the target port through which the page was asked for.
 *
 * @throws {RangeError} When it is not 0..65535.
 * @example
 * relativeTargetPortDesignator(1, PROTOCOL_IDENTIFIER.ISCSI).designator; // hex 00 00 00 01
 */
export function relativeTargetPortDesignator(port: number, protocolIdentifier?: number): DesignatorInput {
  return portNumber(DESIGNATOR_TYPE.RELATIVE_TARGET_PORT, port, protocolIdentifier);
}

/**
 * The target port group (ALUA) of the target port through which the page was asked for.
 *
 * @throws {RangeError} When it is not 0..65535.
 * @example
 * targetPortGroupDesignator(2, PROTOCOL_IDENTIFIER.ISCSI).designator; // hex 00 00 00 02
 */
export function targetPortGroupDesignator(group: number, protocolIdentifier?: number): DesignatorInput {
  return portNumber(DESIGNATOR_TYPE.TARGET_PORT_GROUP, group, protocolIdentifier);
}

function portNumber(designatorType: number, value: number, protocolIdentifier: number | undefined): DesignatorInput {
  const designator = new Uint8Array(4);
  writeField(new DataView(designator.buffer), 0, u16(2), value, 'designator: port or group');
  return {
    association: ASSOCIATION.TARGET_PORT,
    protocolIdentifier,
    codeSet: CODE_SET.BINARY,
    designatorType,
    designator,
  };
}
