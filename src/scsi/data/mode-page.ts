/*
  Mode page (SPC, "Mode page and subpage formats")
     0  :7 PS; :6 SPF = 0; :5-0 PAGE CODE        0  :7 PS; :6 SPF = 1; :5-0 PAGE CODE
     1  PAGE LENGTH (n - 1)                      1  SUBPAGE CODE
                                                 2  PAGE LENGTH (n - 3)
*/
import { ProtocolError } from '../../errors.ts';
import { hexByte } from '../additional-sense.ts';
import type { FieldInput, FieldTable, FieldValues } from '../fields.ts';
import { bits, flag, readFields, writeFields } from '../fields.ts';
import type { Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

/** PS and SPF of byte 0. */
export const PS = 0x80;
const SPF = 0x40;
const HEADER = { ps: flag(0, 7), spf: flag(0, 6), pageCode: bits(0, 6) };

/** A mode page of any code. */
export interface ModePage {
  /** One of `MODE_PAGE`, or another. */
  readonly pageCode: number;
  /** 0 for a page without a subpage format. */
  readonly subpageCode: number;
  /** In MODE SENSE: the device can save the page. Reserved in MODE SELECT. */
  readonly ps: boolean;
  /** The whole page with its header, copied. */
  readonly bytes: Uint8Array;
}

/** What the reader of every page tells. */
export interface ModePageReceived extends Received {
  /** PS: the device can save the page. Reserved in MODE SELECT. */
  readonly ps: boolean;
}

/** What the writer of every page takes. */
export interface ModePageInput {
  /** Only for an answer to MODE SENSE. */
  readonly ps?: boolean | undefined;
}

/**
 * The length that the page at `at` tells of, header included; `undefined` when not even its header lies before `end`.
 */
export function modePageLength(view: DataView, at: number, end: number): number | undefined {
  if (at + 2 > end) return undefined;
  if ((view.getUint8(at) & SPF) === 0) return 2 + view.getUint8(at + 1);
  return at + 4 > end ? undefined : 4 + view.getUint16(at + 2);
}

/** The page that lies whole in `bytes[at, at + length)`. */
export function readAnyModePage(bytes: Uint8Array, view: DataView, at: number, length: number): ModePage {
  const { ps, spf, pageCode } = readFields(HEADER, view, at, at + length);
  return { pageCode, subpageCode: spf ? view.getUint8(at + 1) : 0, ps, bytes: bytes.slice(at, at + length) };
}

/**
 * Reads a page without subpage by its field table.
 *
 * @throws {ProtocolError} When there are fewer than 2 bytes, or it is another page.
 * @internal
 */
export function readModePage<T extends FieldTable>(
  bytes: Uint8Array,
  pageCode: number,
  fields: T,
): FieldValues<T> & ModePageReceived {
  atLeast(bytes, 2, `mode page ${hexByte(pageCode)}`);
  const code = (bytes[0] ?? 0) & ~PS;
  if (code !== pageCode) {
    const met =
      code & SPF ? `subpage ${hexByte(bytes[1] ?? 0)} of page ${hexByte(code & ~SPF)}` : `page ${hexByte(code)}`;
    throw new ProtocolError(`Cannot read mode page ${hexByte(pageCode)}: these are the bytes of ${met}`);
  }
  const data = block(bytes, 2 + (bytes[1] ?? 0));
  const ps = ((bytes[0] ?? 0) & PS) !== 0;
  return { ...readFields(fields, data.view, 0, data.end), ps, fullLength: data.fullLength, truncated: data.truncated };
}

/**
 * Writes a page without subpage by its field table.
 *
 * @param length Bytes of the whole page.
 * @throws {RangeError} When a value does not fit.
 * @internal
 */
export function writeModePage<T extends FieldTable>(
  pageCode: number,
  length: number,
  fields: T,
  values: FieldInput<T> & ModePageInput,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes[0] = pageCode | (values.ps ? PS : 0);
  bytes[1] = length - 2;
  writeFields(fields, new DataView(bytes.buffer), 0, values, `mode page ${hexByte(pageCode)}`);
  return bytes;
}
