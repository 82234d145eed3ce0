/**
 * What a logical unit calls itself: always the same for the same serial number, so that an initiator knows it again
 * after a restart.
 */

import { utf8 } from '../bytes/text.ts';
import { ValueError } from '../bytes/value-error.ts';

/** The names of a logical unit. All text is printable ASCII. */
export interface UnitNames {
  /** Unit serial number: 1 to 244 characters. */
  readonly serial: string;
  /** T10 vendor identification, at most 8 characters. */
  readonly vendor: string;
  /** Product identification, at most 16 characters. */
  readonly product: string;
  /** Product revision level, at most 4 characters. */
  readonly revision: string;
  /** NAA designator, 8 bytes, locally assigned (first four bits 3). */
  readonly naa: Uint8Array;
}

const NAA_LOCALLY_ASSIGNED = 0x3n;
// The longest serial number with which "vendor + serial" still fits the DESIGNATOR LENGTH byte of page 83h, with its
// padding.
const LONGEST_SERIAL = 244;
const FNV_OFFSET = 0xcbf2_9ce4_8422_2325n;
const FNV_PRIME = 0x100_0000_01b3n;

/**
 * The names that go with a serial number.
 *
 * @throws {ValueError} When a text is too long, empty where it may not be, or not printable ASCII.
 */
export function unitNamesOf(
  serial: string,
  names: { readonly vendor?: string; readonly product?: string; readonly revision?: string } = {},
): UnitNames {
  return {
    serial: printable('serial number', serial, LONGEST_SERIAL),
    vendor: printable('vendor identification', names.vendor ?? 'TSISCSI', 8),
    product: printable('product identification', names.product ?? 'VIRTUAL DISK', 16),
    revision: printable('product revision level', names.revision ?? '0001', 4),
    naa: naaOf(serial),
  };
}

/**
 * An NAA of 60 bits that are spread over the serial number: FNV-1a, and a final mix since its high bits follow the last
 * bytes badly.
 */
function naaOf(serial: string): Uint8Array {
  let hash = FNV_OFFSET;
  for (const byte of utf8(serial)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  hash ^= hash >> 33n;
  hash = BigInt.asUintN(64, hash * 0xff51_afd7_ed55_8ccdn);
  hash ^= hash >> 33n;
  hash = BigInt.asUintN(64, hash * 0xc4ce_b9fe_1a85_ec53n);
  hash ^= hash >> 33n;
  const naa = new Uint8Array(8);
  new DataView(naa.buffer).setBigUint64(0, (NAA_LOCALLY_ASSIGNED << 60n) | (hash >> 4n));
  return naa;
}

function printable(what: string, text: string, longest: number): string {
  if (text.length < 1 || text.length > longest || !/^[\x20-\x7e]*$/.test(text)) {
    throw new ValueError(`Cannot use "${text}" as ${what}: 1 to ${longest} printable ASCII characters allowed`);
  }
  return text;
}
