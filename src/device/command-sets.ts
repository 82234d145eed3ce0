/** All commands of the device server. */
import { CAPACITY_COMMANDS } from './capacity.ts';
import type { CommandSet } from './command.ts';
import { commandSet } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { INQUIRY_COMMANDS } from './inquiry.ts';
import { LBA_STATUS_COMMANDS } from './lba-status.ts';
import { MODE_SELECT_COMMANDS } from './mode-select.ts';
import { MODE_SENSE_COMMANDS } from './mode-sense.ts';
import { READ_WRITE_COMMANDS } from './read-write.ts';
import { READINESS_COMMANDS } from './readiness.ts';
import { REPORT_LUNS_COMMANDS } from './report-luns.ts';
import { RESERVATION_COMMANDS } from './reservation.ts';
import { SUPPORTED_OPERATIONS_COMMANDS } from './supported-operations.ts';
import { SYNCHRONIZE_CACHE_COMMANDS } from './synchronize-cache.ts';
import { UNMAP_COMMANDS } from './unmap.ts';
import { VERIFY_COMMANDS } from './verify.ts';
import { writeSameCommands } from './write-same.ts';

const SHARED = [
  ...INQUIRY_COMMANDS,
  ...REPORT_LUNS_COMMANDS,
  ...READINESS_COMMANDS,
  ...CAPACITY_COMMANDS,
  ...READ_WRITE_COMMANDS,
  ...VERIFY_COMMANDS,
  ...SYNCHRONIZE_CACHE_COMMANDS,
  ...MODE_SENSE_COMMANDS,
  ...MODE_SELECT_COMMANDS,
  ...RESERVATION_COMMANDS,
  ...SUPPORTED_OPERATIONS_COMMANDS,
];
const THICK = commandSet([...SHARED, ...writeSameCommands(false)]);
const THIN = commandSet([...SHARED, ...writeSameCommands(true), ...UNMAP_COMMANDS, ...LBA_STATUS_COMMANDS]);

/** The commands that a logical unit knows. */
export function commandsFor(unit: DeviceLogicalUnit): CommandSet {
  return unit.store.thin ? THIN : THICK;
}
