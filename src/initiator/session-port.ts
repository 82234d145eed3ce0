import type { IscsiError } from '../errors.ts';
import { formatLun, type Lun } from '../scsi/lun.ts';
import type { Clock, ScsiPort } from '../scsi/port.ts';
import type { WriteLog } from '../scsi/write-log.ts';
import type { UnitCounters } from './counters.ts';
import type { Exchange } from './exchange.ts';
import type { InitiatorTask } from './initiator-task.ts';

/** What a port to a logical unit is made of, besides its session. */
export interface SessionPortOptions {
  readonly lun: Lun;
  /** The iSCSI name of the target. */
  readonly targetName: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  readonly clock: Clock;
  /** What `ScsiPort.device` is; default: the session. */
  readonly device?: object;
  /** See `ScsiPort.writes`. */
  readonly writes?: WriteLog | undefined;
  /** Counts what its commands do. Default: nobody does, but the session. */
  readonly counters?: UnitCounters | undefined;
}

/** What takes the commands of ports: a session, or whoever keeps them while there is none. */
export interface Carrier {
  /** A task to fill in and submit. */
  newTask(): InitiatorTask;
  /** See `InitiatorSession.submit`. */
  submit(task: InitiatorTask): void;
  /** See `InitiatorSession.abort`. */
  abort(task: InitiatorTask, tag: number, reason: IscsiError): void;
  /** Everything that has no outcome yet. */
  readonly tasks: { forEach(visit: (entry: InitiatorTask | Exchange) => void): void };
}

/** One logical unit of the target that a session is logged in to. */
export class SessionPort implements ScsiPort {
  /** The LUN field as it goes on the wire. */
  readonly lun: Lun;
  readonly unitName: string;
  readonly deviceName: string;
  readonly timeout: number;
  readonly clock: Clock;
  /** The session: all its ports lead to logical units of one target. */
  readonly device: object;
  readonly writes: WriteLog | undefined;
  /** Counts what its commands do. */
  readonly counters: UnitCounters | undefined;
  #carrier: Carrier;
  readonly #lunHigh: number;
  readonly #lunLow: number;

  constructor(session: Carrier, options: SessionPortOptions) {
    const { lun, targetName, timeout, clock, device = session, writes, counters } = options;
    this.counters = counters;
    this.lun = { high: lun.high, low: lun.low };
    this.unitName = `LUN ${formatLun(lun)}`;
    this.deviceName = targetName;
    this.timeout = timeout;
    this.clock = clock;
    this.device = device;
    this.writes = writes;
    this.#carrier = session;
    this.#lunHigh = lun.high;
    this.#lunLow = lun.low;
  }

  /** From now on its commands go there: to the session that takes the place of one that was lost. */
  carryBy(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  newTask(): InitiatorTask {
    const task = this.#carrier.newTask();
    task.lunHigh = this.#lunHigh;
    task.lunLow = this.#lunLow;
    task.counters = this.counters;
    return task;
  }

  submit(task: InitiatorTask): void {
    this.#carrier.submit(task);
  }

  abort(task: InitiatorTask, reason: IscsiError): void {
    this.#carrier.abort(task, task.initiatorTaskTag, reason);
  }

  retried(): void {
    this.counters?.retried();
  }

  recallUnsent(reason: IscsiError): void {
    const unsent: InitiatorTask[] = [];
    this.#carrier.tasks.forEach((entry) => {
      if (entry.kind === 'scsi' && entry.phase === 'queued' && entry.recallable) unsent.push(entry);
    });
    for (const task of unsent) this.#carrier.abort(task, task.initiatorTaskTag, reason);
  }
}
