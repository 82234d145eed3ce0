import { SessionCounters, UnitCounters } from '../initiator/counters.ts';
import { SessionPort } from '../initiator/session-port.ts';
import { AnnouncingUnit } from './announcing-unit.ts';
import type { CommandUnderWay, TaskName } from './commands-under-way.ts';
import type { RequestOptions } from './session-requests.ts';
import { type UnitStatistics, unitStatistics } from './statistics.ts';
import type { TaskFunctions, TaskManagementOutcome } from './task-functions.ts';

/** What a logical unit needs of its session to be managed. */
export interface UnitManager extends TaskFunctions {
  /** See `Session.commandsUnderWay`. */
  commandsUnderWay(): CommandUnderWay[];
}

/**
 * A logical unit whose commands can be ended and counted: the part of `IscsiLogicalUnit` that is task management and
 * statistics.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * await lun.read(new Uint8Array(4096), { position: 0 });
 * lun.statistics().commands.read.bytes; // 4096
 */
export abstract class ManagedUnit extends AnnouncingUnit {
  /** The session that it belongs to. */
  abstract readonly session: UnitManager;

  /**
   * What the commands of this session to the logical unit have done so far, whoever has it open here: a snapshot, a
   * plain object.
   */
  statistics(): UnitStatistics {
    const { port } = this;
    const counters = port instanceof SessionPort ? port.counters : undefined;
    return unitStatistics(counters ?? new UnitCounters(new SessionCounters()));
  }

  /** Those of `session.commandsUnderWay()` that go to this logical unit. */
  commandsUnderWay(): CommandUnderWay[] {
    const { high, low } = this.lun;
    return this.session.commandsUnderWay().filter(({ lun }) => lun.high === high && lun.low === low);
  }

  /** As `session.abortTask`. */
  abortTask(task: TaskName, options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.session.abortTask(task, options);
  }

  /** As `session.abortTaskSet`, for this logical unit. */
  abortTaskSet(options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.session.abortTaskSet(this.lun, options);
  }

  /** As `session.clearTaskSet`, for this logical unit: the commands of other initiators end, too. */
  clearTaskSet(options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.session.clearTaskSet(this.lun, options);
  }

  /** As `session.logicalUnitReset`, for this logical unit: the commands of other initiators end, too. */
  logicalUnitReset(options: RequestOptions = {}): Promise<TaskManagementOutcome> {
    return this.session.logicalUnitReset(this.lun, options);
  }
}
