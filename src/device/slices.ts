/**
 * Long work on an extent, cut into slices between which others have their turn, and which ends early when its task is
 * aborted.
 */
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import { andThen, inPieces } from './eventually.ts';
import { SLICE } from './pace.ts';
import type { DeviceTask } from './task.ts';

/** Room is given back faster than bytes are written: that much at a time counts as a slice. */
const DISCARD_PIECE = 64 * 1024 * 1024;

/**
 * Calls `body(at, length)` for each slice of `length` bytes, one after the other. `body` returns false to stop early.
 */
export function inSlices(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  length: number,
  body: (at: number, length: number) => false | Eventually,
): Eventually {
  return inTurns(unit, task, length, SLICE, body);
}

/** Makes `length` bytes from `position` on read as zeros and gives their room back. */
export function discardInSlices(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  position: number,
  length: number,
): Eventually {
  return inTurns(unit, task, length, DISCARD_PIECE, (at, piece) => unit.discard(position + at, piece));
}

function inTurns(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  length: number,
  step: number,
  body: (at: number, length: number) => false | Eventually,
): Eventually {
  let stopped = false;
  return inPieces(0, length, step, (at, piece) => {
    if (stopped || task.aborted) return false;
    return andThen(unit.pace.turn(Math.min(piece, SLICE)), () => {
      const result = task.aborted ? false : body(at, piece);
      if (result !== false) return result;
      stopped = true;
    });
  });
}
