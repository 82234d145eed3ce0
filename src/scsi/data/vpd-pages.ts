/**
 * The VPD pages that are decoded, by page code: for callers that learn the code at run time, and for the types of those
 * that do not.
 */

import { ValueError } from '../../bytes/value-error.ts';
import { ProtocolError } from '../../errors.ts';
import { readVpdBlockDeviceCharacteristics } from './vpd-block-device-characteristics.ts';
import { readVpdBlockLimits } from './vpd-block-limits.ts';
import { readVpdDeviceIdentification } from './vpd-device-identification.ts';
import { readVpdLogicalBlockProvisioning } from './vpd-logical-block-provisioning.ts';
import { readVpdSupportedPages } from './vpd-supported-pages.ts';
import { readVpdUnitSerialNumber } from './vpd-unit-serial-number.ts';

/** Page code → name and reader. */
export const vpdPages = {
  0: { name: 'supportedPages', read: readVpdSupportedPages },
  128: { name: 'unitSerialNumber', read: readVpdUnitSerialNumber },
  131: { name: 'deviceIdentification', read: readVpdDeviceIdentification },
  176: { name: 'blockLimits', read: readVpdBlockLimits },
  177: { name: 'blockDeviceCharacteristics', read: readVpdBlockDeviceCharacteristics },
  178: { name: 'logicalBlockProvisioning', read: readVpdLogicalBlockProvisioning },
} as const satisfies Readonly<Record<number, { readonly name: string; read(bytes: Uint8Array): unknown }>>;

/** One row of {@link vpdPages}. */
export type VpdPageReader = (typeof vpdPages)[keyof typeof vpdPages];

/** Name of a decoded page, such as `deviceIdentification`. */
export type VpdPageName = VpdPageReader['name'];

/** What the reader of a page gives. */
export type VpdPage<N extends VpdPageName> = ReturnType<Extract<VpdPageReader, { readonly name: N }>['read']>;

/** A decoded page with its name: the `name` tells what `page` is. */
export type NamedVpdPage = {
  readonly [N in VpdPageName]: { readonly name: N; readonly page: VpdPage<N> };
}[VpdPageName];

const CODES = new Map<string, number>();
for (const [code, { name }] of Object.entries(vpdPages)) CODES.set(name, Number(code));

/**
 * The page code of a decoded page.
 *
 * @throws {RangeError} When no page of this name is decoded here.
 * @example
 * vpdPageCode('blockLimits'); // 0xb0
 */
export function vpdPageCode(name: VpdPageName): number {
  const code = CODES.get(name);
  if (code === undefined)
    throw new ValueError(`Cannot find VPD page "${name}": ${[...CODES.keys()].join(', ')} allowed`);
  return code;
}

/**
 * Decodes a page by the page code in it. `bytes` is not kept.
 *
 * @returns `undefined` when this page is not decoded here.
 * @throws {ProtocolError} When there is not even a header.
 * @example
 * const found = readVpdPage(writeVpdUnitSerialNumber({ serialNumber: 'disk-7' }));
 * found?.name === 'unitSerialNumber' && found.page.serialNumber; // 'disk-7'
 */
export function readVpdPage(bytes: Uint8Array): NamedVpdPage | undefined {
  const code = bytes[1];
  if (code === undefined || bytes.length < 4) {
    throw new ProtocolError(`Cannot read a VPD page of ${bytes.length} bytes: at least 4 needed`);
  }
  const entry: { readonly name: string; read(bytes: Uint8Array): unknown } | undefined = Object.hasOwn(vpdPages, code)
    ? vpdPages[code as keyof typeof vpdPages]
    : undefined;
  return entry && ({ name: entry.name, page: entry.read(bytes) } as NamedVpdPage);
}

/**
 * Decodes the page that was asked for. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readVpdPageAs('unitSerialNumber', writeVpdUnitSerialNumber({ serialNumber: 'disk-7' })).serialNumber; // 'disk-7'
 */
export function readVpdPageAs<N extends VpdPageName>(name: N, bytes: Uint8Array): VpdPage<N> {
  return vpdPages[vpdPageCode(name) as keyof typeof vpdPages].read(bytes) as VpdPage<N>;
}
