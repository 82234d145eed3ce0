/** Comparing blocks with data that an initiator sent. */
import { sameLength } from '../bytes/compare.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import { andThen } from './eventually.ts';
import { SLICE } from './pace.ts';
import { inSlices } from './slices.ts';
import type { DeviceTask } from './task.ts';

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
  task: DeviceTask,
  position: number,
  length: number,
  expected: Uint8Array,
  result: Comparison,
): Eventually {
  const bytes = new Uint8Array(Math.min(length, SLICE));
  const whole = expected.length === length;
  const all = whole ? expected : repeated(expected, bytes.length);
  return inSlices(unit, task, length, (at, slice) => {
    if (result.difference >= 0) return false;
    return andThen(unit.store.read(position + at, bytes, 0, slice), () => {
      const same = sameLength(bytes, 0, all, whole ? at : 0, slice);
      if (same < slice) result.difference = at + same;
    });
  });
}

/** Reads `length` bytes from `position` and throws them away: whether they can be read is all that is asked. */
export function readThrough(unit: DeviceLogicalUnit, task: DeviceTask, position: number, length: number): Eventually {
  if (unit.synchronous) return; // RAM has nothing that could fail
  const bytes = new Uint8Array(Math.min(length, SLICE));
  return inSlices(unit, task, length, (at, slice) => unit.store.read(position + at, bytes, 0, slice));
}

/** `block` over and over again, `length` bytes in all. */
export function repeated(block: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(block.subarray(0, length));
  for (let filled = block.length; filled < length; filled *= 2) bytes.copyWithin(filled, 0, filled);
  return bytes;
}
