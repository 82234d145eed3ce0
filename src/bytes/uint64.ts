/**
 * 64-bit big-endian integers as `number`: exact up to 2^53 - 1, refused above. Identities that use all 64 bits are
 * `bigint`.
 */
import { ValueError } from './value-error.ts';

/**
 * Reads a 64-bit count.
 * @throws {RangeError} When the value is above 2^53 - 1.
 */
export function readUint64(view: DataView, at: number): number {
  const value = view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4);
  if (!Number.isSafeInteger(value))
    throw new ValueError(`Cannot read a 64-bit count above 2^53 - 1: ${view.getBigUint64(at)}`);
  return value;
}

/**
 * Reads a 64-bit count; what is above 2^53 - 1 becomes 2^53 - 1. For limits, where "more than we can count" means "no
 * limit".
 */
export function readUint64Clamped(view: DataView, at: number): number {
  return Math.min(view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4), Number.MAX_SAFE_INTEGER);
}

/**
 * Writes a 64-bit count.
 * @throws {RangeError} When the value is not a whole number of 0..2^53 - 1.
 */
export function writeUint64(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ValueError(`Cannot write ${value} as a 64-bit count: 0..2^53 - 1 allowed`);
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}
