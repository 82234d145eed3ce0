/**
 * Bit fields of CDBs and parameter data, as tables: one table reads, writes and gives the type. A row says what T10's
 * byte maps say: `bits(2, 6, 5)` is "byte 2, bits 7-6", written as first byte, number of bits, lowest bit.
 */

import { readUint64Clamped, writeUint64 } from '../bytes/uint64.ts';
import { ValueError } from '../bytes/value-error.ts';

/** Where a number lies: the big-endian bytes from `at` on that `bits + shift` fill, less the `shift` lowest bits. */
export interface Field {
  /** Offset of the first byte, from the start of the structure. */
  readonly at: number;
  /** How many bits it has. */
  readonly bits: number;
  /** How many bits of the last byte lie below it. */
  readonly shift: number;
}

/** A field of one bit: a boolean. */
export interface Flag extends Field {
  /** One: so it reads as a boolean. */
  readonly bits: 1;
}

/** The fields of one structure, by name. */
export type FieldTable = Readonly<Record<string, Field>>;

/** What a table reads: a boolean for each flag, a number for each other field. */
export type FieldValues<T> = { readonly [N in keyof T]: T[N] extends Flag ? boolean : number };

/** What a table writes: a field left out is zero; a flag may also be given as 0 or 1. */
export type FieldInput<T> = {
  readonly [N in keyof T]?: (T[N] extends Flag ? boolean | number : number) | undefined;
};

/** One bit: byte, and bit number (7 is the most significant). */
export function flag(at: number, bit: number): Flag {
  return { at, bits: 1, shift: bit };
}

/** Several bits of a byte, or of the bytes that end with the lowest bit: first byte, number of bits, lowest bit. */
export function bits(at: number, count: number, lowest = 0): Field {
  return { at, bits: count, shift: lowest };
}

/** A whole byte. */
export function byte(at: number): Field {
  return { at, bits: 8, shift: 0 };
}

/** Two bytes. */
export function u16(at: number): Field {
  return { at, bits: 16, shift: 0 };
}

/** Three bytes. */
export function u24(at: number): Field {
  return { at, bits: 24, shift: 0 };
}

/** Four bytes. */
export function u32(at: number): Field {
  return { at, bits: 32, shift: 0 };
}

/** Eight bytes. Writing refuses more than 2^53 - 1; reading gives 2^53 - 1 for more. */
export function u64(at: number): Field {
  return { at, bits: 64, shift: 0 };
}

/**
 * The value of a field of a structure at `at`. A field that does not lie whole before `end` is zero: it was not sent.
 */
export function readField(view: DataView, at: number, end: number, field: Field): number {
  const from = at + field.at;
  const to = from + byteLength(field);
  if (to > end || to > view.byteLength) return 0;
  if (field.bits === 64) return readUint64Clamped(view, from);
  let whole = 0;
  for (let next = from; next < to; next++) whole = whole * 256 + view.getUint8(next);
  return Math.floor(whole / 2 ** field.shift) % 2 ** field.bits;
}

/** All fields of a table, from the structure that lies at `at` and ends before `end`. */
export function readFields<T extends FieldTable>(table: T, view: DataView, at: number, end: number): FieldValues<T> {
  const values: Record<string, number | boolean> = {};
  for (const name in table) {
    const field = table[name] as Field;
    const value = readField(view, at, end, field);
    values[name] = field.bits === 1 ? value === 1 : value;
  }
  return values as FieldValues<T>;
}

/**
 * Writes all fields of a table that `values` names into the structure at `at`, whose bytes must be zero so far.
 * Other properties of `values` are passed over, so that what was read can be changed and written again.
 *
 * @throws {RangeError} When a value does not fit; the message names `what`, the field, the value and what is allowed.
 */
export function writeFields<T extends FieldTable>(
  table: T,
  view: DataView,
  at: number,
  values: FieldInput<T>,
  what: string,
): void {
  for (const name in table) {
    const value = values[name];
    if (value !== undefined) writeField(view, at, table[name] as Field, value, `${what}: ${name}`);
  }
}

/**
 * Writes one field into bytes that are zero so far.
 *
 * @throws {RangeError} When the value does not fit.
 */
export function writeField(view: DataView, at: number, field: Field, value: number | boolean, what: string): void {
  const number = Number(value);
  const limit = field.bits === 64 ? Number.MAX_SAFE_INTEGER : 2 ** field.bits - 1;
  if (!Number.isInteger(number) || number < 0 || number > limit) {
    const allowed = field.bits === 64 ? '0..2^53 - 1' : `0..${limit}`;
    throw new ValueError(`Cannot write ${what} = ${value}: ${allowed} allowed`);
  }
  if (field.bits === 64) {
    writeUint64(view, at + field.at, number);
    return;
  }
  let rest = number * 2 ** field.shift;
  for (let next = at + field.at + byteLength(field) - 1; next >= at + field.at; next--) {
    view.setUint8(next, view.getUint8(next) | (rest % 256));
    rest = Math.floor(rest / 256);
  }
}

/** How many bytes the field touches. */
function byteLength(field: Field): number {
  return (field.bits + field.shift + 7) >>> 3;
}
