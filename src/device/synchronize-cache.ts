/**
 * SYNCHRONIZE CACHE (SBC): everything that was written before is brought onto the medium, whatever the range: a store
 * has one flush for all.
 */

import { extentAddress, extentBlocks } from '../scsi/fast.ts';
import { flag, readField } from '../scsi/fields.ts';
import { DEFERRED_WRITE_ERROR, perform } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { extentFits } from './extent.ts';
import type { DeviceTask } from './task.ts';
import type { Touch } from './task-order.ts';

const IMMED = flag(1, 1);

function synchronizeCache(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const address = extentAddress(task.cdb, 0);
  const blocks = extentBlocks(task.cdb, 0); // 0: up to the last block
  if (!extentFits(unit, task, address, blocks, Number.POSITIVE_INFINITY)) return;
  if (readField(task.cdb, 0, task.cdbLength, IMMED) === 0) flushAndAnswer(unit, task, () => task.good());
  else {
    task.good();
    flushInBackground(unit, task);
  }
}

const FLUSH: Touch = { access: 'flush', from: 0, to: Number.POSITIVE_INFINITY };

/** Flushes what was written before this task, and then calls `answer`; a failure ends the task instead. */
export function flushAndAnswer(unit: DeviceLogicalUnit, task: DeviceTask, answer: () => void): void {
  perform(unit, task, FLUSH, () => unit.flush(), answer);
}

/** Flushes for a task that has been answered: a failure is told with the next command, as a deferred error. */
export function flushInBackground(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { nexus } = task;
  const done = (error: unknown) => {
    if (error !== undefined) unit.attentions.add(nexus, DEFERRED_WRITE_ERROR);
  };
  unit.order.run(nexus, FLUSH, () => unit.flush(), done);
}

// SYNC_NV (a non-volatile cache would do) is obsolete; going to the medium does what it asks for, too.
const FIELDS = ['logicalBlockAddress', 'numberOfLogicalBlocks', 'syncNv', 'immed'] as const;

/** SYNCHRONIZE CACHE(10) and (16). */
export const SYNCHRONIZE_CACHE_COMMANDS: readonly Declaration[] = [
  declare({ name: 'SYNCHRONIZE_CACHE_10', accepts: FIELDS, run: synchronizeCache, needs: 'medium' }),
  declare({ name: 'SYNCHRONIZE_CACHE_16', accepts: FIELDS, run: synchronizeCache, needs: 'medium' }),
];
