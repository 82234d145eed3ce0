/**
 * RESERVE and RELEASE (SPC-2): one nexus has the logical unit to itself, until it releases it, ends, or a reset comes.
 * Later editions have PERSISTENT RESERVE in their place; VMware still asks for these. There are no third parties and no
 * extents: their fields are refused.
 */
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

/** By the holder itself it is taken again. One of another nexus was refused before. */
function reserve(unit: DeviceLogicalUnit, task: DeviceTask): void {
  unit.reservedBy = task.nexus;
  task.good();
}

/** What somebody else holds, or nobody, stays as it is: that is no error. */
function release(unit: DeviceLogicalUnit, task: DeviceTask): void {
  if (unit.reservedBy === task.nexus) unit.reservedBy = undefined;
  task.good();
}

const RESERVE = { accepts: [], run: reserve } as const;
const RELEASE = { accepts: [], run: release, passesReservation: () => true } as const;

/** RESERVE(6) and (10), RELEASE(6) and (10). */
export const RESERVATION_COMMANDS: readonly Declaration[] = [
  declare({ name: 'RESERVE_6', ...RESERVE }),
  declare({ name: 'RELEASE_6', ...RELEASE }),
  declare({ name: 'RESERVE_10', ...RESERVE }),
  declare({ name: 'RELEASE_10', ...RELEASE }),
];
