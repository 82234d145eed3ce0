import { COMMANDS_CLEARED } from './attentions.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask, Nexus, UnitFunction, UnitFunctionRun } from './task.ts';

/** Whose tasks a function ends (SAM, "Task management functions"). There is one task set for all nexuses (TST 000b). */
const WHOSE = {
  abortTaskSet: 'issuer',
  clearTaskSet: 'everybody',
  logicalUnitReset: 'everybody',
} as const satisfies Record<UnitFunction, 'issuer' | 'everybody'>;

/** A task management function that ends the tasks of a logical unit, over whichever target they came. */
export function beginUnitFunction(name: UnitFunction, unit: DeviceLogicalUnit, issuer: Nexus): UnitFunctionRun {
  const nexuses = WHOSE[name] === 'issuer' ? [issuer] : unit.attentions.nexuses();
  const tasks: DeviceTask[] = [];
  const others = new Set<Nexus>();
  for (const nexus of nexuses) {
    const affected = nexus.tasksIn(unit.taskSet);
    if (affected.length > 0 && nexus !== issuer) others.add(nexus);
    for (const task of affected) tasks.push(task);
  }
  return {
    tasks,
    complete: () => {
      if (name === 'logicalUnitReset') unit.reset();
      // Their tasks vanish without a status (TAS is 0), so this is how the other nexuses get to know.
      if (name === 'clearTaskSet') for (const nexus of others) unit.attentions.add(nexus, COMMANDS_CLEARED);
    },
  };
}
