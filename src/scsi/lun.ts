/**
 * Logical unit numbers (SAM, "Logical unit numbers"): eight bytes of up to four levels, two bytes each. Held as two
 * 32-bit words.
 *
 *     0:7-6 = 0    peripheral device    0:5-0 BUS IDENTIFIER   1 TARGET OR LUN
 *     0:7-6 = 1    flat space           0:5-0, 1 LUN (14 bits)
 *     0:7-6 = 2    logical unit         0:5-0 TARGET   1:7-5 BUS   1:4-0 LUN
 *     0:7-6 = 3    extended             0:5-4 LENGTH   0:3-0 EXTENDED ADDRESS METHOD
 *                  C1 well known        1 W-LUN
 *                  D2 extended flat     1-3 LUN (24 bits)
 *                  E2 long ext. flat    1-5 LUN (40 bits)
 */
import { ValueError } from '../bytes/value-error.ts';

/** The eight bytes of a LUN as two big-endian words. */
export interface Lun {
  /** Bytes 0 to 3. */
  readonly high: number;
  /** Bytes 4 to 7. */
  readonly low: number;
}

/** A LUN taken apart. */
export interface DecodedLun {
  /** The addressing method of the first level. */
  readonly kind: 'peripheral' | 'flat' | 'logicalUnit' | 'extendedFlat' | 'wellKnown' | 'other';
  /** The number that people use, where the LUN has a single level on bus 0 or in a flat space. */
  readonly number: number | undefined;
  /** For people: the number, or what is known about it. */
  readonly text: string;
}

const PERIPHERAL_LIMIT = 0xff;
const FLAT_LIMIT = 0x3fff;
const EXTENDED_FLAT_LIMIT = 0xff_ffff;
const WELL_KNOWN = new Map([
  [0x01, 'REPORT LUNS'],
  [0x02, 'ACCESS CONTROLS'],
  [0x03, 'TARGET LOG PAGES'],
  [0x04, 'SECURITY PROTOCOL'],
  [0x05, 'MANAGEMENT PROTOCOL'],
]);

/**
 * The LUN of a number, in the shortest method that holds it: peripheral up to 255, flat up to 16383, extended flat up
 * to 16777215.
 *
 * @throws {RangeError} When `number` is not a whole number of 0..16777215.
 * @example
 * encodeLun(5); // { high: 0x0005_0000, low: 0 }
 * encodeLun(256); // { high: 0x4100_0000, low: 0 }
 */
export function encodeLun(number: number): Lun {
  if (!Number.isInteger(number) || number < 0 || number > EXTENDED_FLAT_LIMIT) {
    throw new ValueError(`Cannot make a LUN of ${number}: 0..${EXTENDED_FLAT_LIMIT} allowed`);
  }
  if (number <= PERIPHERAL_LIMIT) return { high: number << 16, low: 0 };
  if (number <= FLAT_LIMIT) return { high: 0x4000_0000 | (number << 16), low: 0 };
  return { high: (0xd200_0000 | number) >>> 0, low: 0 };
}

/**
 * Takes a LUN apart. Every 64-bit value has an answer; the kind tells how much of it is understood.
 *
 * @example
 * decodeLun(0x4100_0000, 0); // { kind: 'flat', number: 256, text: '256' }
 */
export function decodeLun(high: number, low: number): DecodedLun {
  const single = (high & 0xffff) === 0 && low === 0; // no second level
  switch (high >>> 30) {
    case 0: {
      const bus = (high >>> 24) & 0x3f;
      if (!single) return raw('peripheral', high, low);
      const unit = (high >>> 16) & 0xff;
      return bus === 0
        ? numbered('peripheral', unit)
        : { kind: 'peripheral', number: undefined, text: `bus ${bus}, target ${unit}` };
    }
    case 1:
      return single ? numbered('flat', (high >>> 16) & FLAT_LIMIT) : raw('flat', high, low);
    case 2: {
      const bus = (high >>> 21) & 0x7;
      const target = (high >>> 24) & 0x3f;
      const unit = (high >>> 16) & 0x1f;
      if (!single) return raw('logicalUnit', high, low);
      return { kind: 'logicalUnit', number: undefined, text: `bus ${bus}, target ${target}, LUN ${unit}` };
    }
    default:
      return decodeExtended(high, low, single);
  }
}

/**
 * Text that {@link parseLun} reads back to the same LUN: the number where it has this very encoding, else `0x` and 16
 * hex digits.
 *
 * @example
 * formatLun({ high: 0x0005_0000, low: 0 }); // '5'
 * formatLun({ high: 0x4005_0000, low: 0 }); // '0x4005000000000000'
 */
export function formatLun(lun: Lun): string {
  const { number } = decodeLun(lun.high, lun.low);
  if (number === undefined || number > EXTENDED_FLAT_LIMIT) return rawText(lun.high, lun.low);
  return sameLun(encodeLun(number), lun) ? `${number}` : rawText(lun.high, lun.low);
}

/**
 * Reads a LUN: a decimal number, or `0x` and 16 hex digits for all eight bytes.
 *
 * @throws {RangeError} When it is neither, or the number is above 16777215.
 * @example
 * parseLun('5'); // { high: 0x0005_0000, low: 0 }
 */
export function parseLun(text: string): Lun {
  if (/^\d+$/.test(text)) return encodeLun(Number(text));
  const digits = /^0[xX]([0-9a-fA-F]{8})([0-9a-fA-F]{8})$/.exec(text);
  if (!digits) {
    throw new ValueError(`Cannot read LUN "${text}": a decimal number, or 0x and 16 hexadecimal digits allowed`);
  }
  return { high: Number.parseInt(digits[1] ?? '', 16), low: Number.parseInt(digits[2] ?? '', 16) };
}

/**
 * True when both have the same eight bytes. Two methods for one number are two LUNs.
 *
 * @example
 * sameLun(parseLun('5'), parseLun('0x4005000000000000')); // false
 */
export function sameLun(a: Lun, b: Lun): boolean {
  return a.high === b.high && a.low === b.low;
}

function decodeExtended(high: number, low: number, single: boolean): DecodedLun {
  const number = high & 0xff_ffff;
  switch (high >>> 24) {
    case 0xc1: {
      if (!single) return raw('wellKnown', high, low);
      const code = (high >>> 16) & 0xff;
      return { kind: 'wellKnown', number: undefined, text: `well known: ${WELL_KNOWN.get(code) ?? code}` };
    }
    case 0xd2:
      return low === 0 ? numbered('extendedFlat', number) : raw('extendedFlat', high, low);
    case 0xe2:
      return (low & 0xffff) === 0
        ? numbered('extendedFlat', number * 0x1_0000 + (low >>> 16))
        : raw('extendedFlat', high, low);
    default:
      return raw('other', high, low);
  }
}

function numbered(kind: DecodedLun['kind'], number: number): DecodedLun {
  return { kind, number, text: `${number}` };
}

function raw(kind: DecodedLun['kind'], high: number, low: number): DecodedLun {
  return { kind, number: undefined, text: rawText(high, low) };
}

function rawText(high: number, low: number): string {
  return `0x${(high >>> 0).toString(16).padStart(8, '0')}${(low >>> 0).toString(16).padStart(8, '0')}`;
}
