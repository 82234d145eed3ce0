import type { ScsiDevice } from '../device/task.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask } from './target-task.ts';
import { TaskSet } from './task-set.ts';

/** What a target is made of. */
export interface TargetDefinition {
  /** The iSCSI name, such as `iqn.2003-01.org.example:disk`. */
  readonly name: string;
  /** Free text that initiators may show. */
  readonly alias?: string;
  readonly device: ScsiDevice;
  /** The portal group that all portals of this node belong to. Default 1. */
  readonly portalGroupTag?: number;
}

/** One target of a node, with what its sessions share. */
export class TargetEntry {
  readonly name: string;
  readonly alias: string | undefined;
  readonly device: ScsiDevice;
  readonly portalGroupTag: number;
  /** Its Normal sessions. */
  readonly sessions = new Set<TargetSession>();
  readonly #taskSets = new Map<number, TaskSet<TargetTask>>();

  constructor(definition: TargetDefinition) {
    this.name = definition.name;
    this.alias = definition.alias;
    this.device = definition.device;
    this.portalGroupTag = definition.portalGroupTag ?? 1;
  }

  /** The task set of a logical unit, shared by all initiators (TST 000b); undefined where there is none. */
  taskSetOf(lunHigh: number, lunLow: number): TaskSet<TargetTask> | undefined {
    if (!this.device.hasLogicalUnit(lunHigh, lunLow)) return undefined;
    const key = logicalUnitKey(lunHigh);
    let taskSet = this.#taskSets.get(key);
    if (taskSet === undefined) {
      taskSet = new TaskSet();
      this.#taskSets.set(key, taskSet);
    }
    return taskSet;
  }
}

/**
 * One number for all the ways in which a LUN field can name the same logical unit: peripheral and flat addressing mean the same
 * (RFC 7143 §11.2.1.7, SAM). Only for logical units that exist, whose lower levels are zero.
 */
export function logicalUnitKey(lunHigh: number): number {
  const method = lunHigh >>> 30;
  return method <= 1 ? (lunHigh >>> 16) & 0x3fff : lunHigh;
}
