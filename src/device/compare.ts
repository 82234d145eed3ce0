/** Comparing blocks with data that an initiator sent. */

import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import { andThen, inPieces } from './eventually.ts';

// What is read at a time: long ranges shall not take as much RAM as they are long.
const PIECE = 256 * 1024;

/** Where bytes first differ, counted from the start of the range; -1 when they do not. */
export interface Comparison {
  difference: number;
}

/**
 * Compares `length` bytes of the unit from `position` with `expected`, which is repeated as often as needed. Stops at
 * the first difference. The lengths are multiples of each other.
 */
export function compare(
  unit: DeviceLogicalUnit,
  position: number,
  length: number,
  expected: Uint8Array,
  result: Comparison,
): Eventually {
  const bytes = new Uint8Array(Math.min(length, PIECE));
  return inPieces(0, length, PIECE, (at, piece) => {
    if (result.difference >= 0) return false;
    return andThen(unit.store.read(position + at, bytes, 0, piece), () => {
      const difference = firstDifference(bytes, piece, expected, at % expected.length);
      if (difference >= 0) result.difference = at + difference;
    });
  });
}

/** Reads `length` bytes from `position` and throws them away: whether they can be read is all that is asked. */
export function readThrough(unit: DeviceLogicalUnit, position: number, length: number): Eventually {
  if (unit.synchronous) return; // RAM has nothing that could fail
  const bytes = new Uint8Array(Math.min(length, PIECE));
  return inPieces(0, length, PIECE, (at, piece) => unit.store.read(position + at, bytes, 0, piece));
}

/**
 * Index of the first of `length` bytes that differs from `expected`, read from `from` on and over again; -1 when none
 * does.
 */
function firstDifference(bytes: Uint8Array, length: number, expected: Uint8Array, from: number): number {
  let next = from;
  for (let at = 0; at < length; at++) {
    if (bytes[at] !== expected[next]) return at;
    if (++next === expected.length) next = 0;
  }
  return -1;
}
