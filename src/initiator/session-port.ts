import type { IscsiError } from '../errors.ts';
import { formatLun, type Lun } from '../scsi/lun.ts';
import type { Clock, ScsiPort } from '../scsi/port.ts';
import type { UnitCounters } from './counters.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { InitiatorSession } from './session.ts';

/** What a port to a logical unit is made of, besides its session. */
export interface SessionPortOptions {
  readonly lun: Lun;
  /** The iSCSI name of the target. */
  readonly targetName: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Counts what its commands do. Default: nobody does, but the session. */
  readonly counters?: UnitCounters;
}

/** One logical unit of the target that a session is logged in to. */
export class SessionPort implements ScsiPort {
  readonly unitName: string;
  readonly deviceName: string;
  readonly timeout: number;
  readonly clock: Clock;
  /** The session: all its ports lead to logical units of one target. */
  readonly device: object;
  /** Counts what its commands do. */
  readonly counters: UnitCounters | undefined;
  readonly #session: InitiatorSession;
  readonly #lunHigh: number;
  readonly #lunLow: number;

  constructor(session: InitiatorSession, { lun, targetName, timeout, clock, counters }: SessionPortOptions) {
    this.counters = counters;
    this.unitName = `LUN ${formatLun(lun)}`;
    this.deviceName = targetName;
    this.timeout = timeout;
    this.clock = clock;
    this.device = session;
    this.#session = session;
    this.#lunHigh = lun.high;
    this.#lunLow = lun.low;
  }

  newTask(): InitiatorTask {
    const task = this.#session.newTask();
    task.lunHigh = this.#lunHigh;
    task.lunLow = this.#lunLow;
    task.counters = this.counters;
    return task;
  }

  submit(task: InitiatorTask): void {
    this.#session.submit(task);
  }

  abort(task: InitiatorTask, reason: IscsiError): void {
    this.#session.abort(task, task.initiatorTaskTag, reason);
  }

  retried(): void {
    this.counters?.retried();
  }

  recallUnsent(reason: IscsiError): void {
    const unsent: InitiatorTask[] = [];
    this.#session.tasks.forEach((entry) => {
      if (entry.kind === 'scsi' && entry.phase === 'queued' && entry.recallable) unsent.push(entry);
    });
    for (const task of unsent) this.#session.abort(task, task.initiatorTaskTag, reason);
  }
}
