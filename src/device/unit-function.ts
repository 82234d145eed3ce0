import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Nexus, UnitFunction, UnitFunctionRun } from './task.ts';

/** Whose tasks a function ends (SAM, "Task management functions"). There is one task set for all nexuses (TST 000b). */
const WHOSE = {
  abortTaskSet: 'issuer',
  clearTaskSet: 'everybody',
  logicalUnitReset: 'everybody',
} as const satisfies Record<UnitFunction, 'issuer' | 'everybody'>;

/** A task management function that ends the tasks of a logical unit, over whichever target they came. */
export function beginUnitFunction(name: UnitFunction, unit: DeviceLogicalUnit, issuer: Nexus): UnitFunctionRun {
  const nexuses = WHOSE[name] === 'issuer' ? [issuer] : unit.attentions.nexuses();
  return {
    tasks: nexuses.flatMap((nexus) => nexus.tasksIn(unit.taskSet)),
    // CLEAR TASK SET tells nobody: the tasks of other nexuses are answered TASK ABORTED (TAS 1), and do not vanish.
    complete: () => {
      if (name === 'logicalUnitReset') unit.reset();
    },
  };
}

/** TARGET RESET: as LOGICAL UNIT RESET for each of `units` (SAM, "Hard reset"). */
export function beginTargetReset(units: Iterable<DeviceLogicalUnit>, issuer: Nexus): UnitFunctionRun {
  const runs = [...new Set(units)].map((unit) => beginUnitFunction('logicalUnitReset', unit, issuer));
  return {
    tasks: runs.flatMap(({ tasks }) => tasks),
    complete: () => {
      for (const run of runs) run.complete();
    },
  };
}
