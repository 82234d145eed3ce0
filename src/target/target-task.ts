import type { DataSource } from '../bytes/data-source.ts';
import type { AbortWatcher, DeviceTask, Nexus } from '../device/task.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { sendDataInFrom, sendDataInOf } from './data-in.ts';
import { sendStatus, sendTargetFailure } from './scsi-response.ts';
import type { Sender } from './sender.ts';
import { abortedCommandSense } from './sense.ts';
import { PHASE, PLACE, TaskState } from './task-state.ts';

/** What a task needs of its session. */
export interface TaskSession {
  readonly nexus: Nexus;
  readonly parameters: OperationalParameters;
  /** A task has all it needs: it joins the others of its logical unit, if those before it let it. */
  enter(task: TargetTask): void;
  /** Runs a task that has all it needs and that its task set lets run: now or later. */
  run(task: TargetTask): void;
  /** The device server is about to answer. False when the answer must be dropped: the task is gone then. */
  answering(task: TargetTask): boolean;
  /** The answer was written: the task is over. */
  ended(task: TargetTask): void;
  /** Ends a task without an answer. */
  forget(task: TargetTask): void;
}

/** What a task needs of the connection that its command came on. */
export interface TaskConnection {
  readonly sender: Sender;
  /** The task asks for no more data: the room that it holds, or waits for, is free. */
  releaseRoom(task: TargetTask): void;
  /** What still comes for this tag is dropped without a word. */
  dropDataOf(initiatorTaskTag: number): void;
  /** Gives the connection up, and with it the session. */
  fail(error: unknown): void;
}

const GOOD = 0x00;
const CHECK_CONDITION = 0x02;
const BUSY = 0x08;

/**
 * One SCSI command, from its PDU to its status: the only object that a command costs, and it comes from a pool. The
 * device server sees it as {@link DeviceTask}. `scsi-command.ts` makes it, `data-collector.ts` gets its data,
 * `data-in.ts` and `scsi-response.ts` answer it.
 */
export class TargetTask extends TaskState implements DeviceTask {
  readonly session: TaskSession;
  connection: TaskConnection;

  constructor(session: TaskSession, connection: TaskConnection) {
    super(session.parameters, connection.sender);
    this.session = session;
    this.connection = connection;
  }

  get nexus(): Nexus {
    return this.session.nexus;
  }

  good(): void {
    if (!this.session.answering(this)) return;
    sendStatus(this, GOOD);
    this.session.ended(this);
  }

  dataIn(bytes: Uint8Array, length: number): void {
    if (!this.session.answering(this)) return;
    sendDataInOf(this, bytes, length);
    this.session.ended(this);
  }

  dataInFrom(source: DataSource, offset: number, length: number): void {
    if (!this.session.answering(this)) return;
    try {
      sendDataInFrom(this, source, offset, length);
    } catch (error) {
      this.connection.fail(error); // half a PDU is in the stream: nothing sensible can follow it
      throw error;
    }
    this.session.ended(this);
  }

  status(code: number): void {
    if (!this.session.answering(this)) return;
    sendStatus(this, code);
    this.session.ended(this);
  }

  checkCondition(sense: Uint8Array): void {
    if (!this.session.answering(this)) return;
    sendStatus(this, CHECK_CONDITION, sense);
    this.session.ended(this);
  }

  /** The command could not be carried out for a reason that SCSI has no words for. */
  targetFailure(): void {
    if (!this.session.answering(this)) return;
    sendTargetFailure(this);
    this.session.ended(this);
  }

  /** Those before it let it go on: the ones of its session into the task set, and there all others to the device. */
  enable(): void {
    const entered = this.place === PLACE.ENTERED;
    this.place = entered ? PLACE.ENABLED : PLACE.NEXT;
    if (this.phase !== PHASE.READY || this.aborted) return;
    if (entered) this.session.run(this);
    else this.session.enter(this);
  }

  /** Everything is here: runs it as soon as it may. A task whose data was wrong ends here without having run. */
  ready(): void {
    if (this.failure !== 0) {
      this.phase = PHASE.EXECUTING;
      this.checkCondition(abortedCommandSense(this.failure));
      return;
    }
    if (this.roomless) {
      this.phase = PHASE.EXECUTING;
      this.status(BUSY);
      return;
    }
    this.phase = PHASE.READY;
    this.session.enter(this);
  }

  /**
   * A function of the own session first lets in the data that was asked for, one of another session does not (RFC 7143
   * §4.2.3.3 a).
   */
  terminate(issuer: Nexus, watcher: AbortWatcher): boolean {
    return this.abort(watcher, issuer === this.nexus);
  }

  /**
   * Ends the task without an answer.
   * @param drains Whether it first takes in the data that was asked for.
   * @returns True when it is gone; otherwise `watcher` is told when it is.
   */
  abort(watcher: AbortWatcher, drains: boolean): boolean {
    if (this.phase === PHASE.IDLE) return true;
    if (drains && this.phase === PHASE.COLLECTING && this.awaitsData) this.phase = PHASE.DRAINING;
    if (this.phase === PHASE.EXECUTING || this.phase === PHASE.DRAINING) {
      this.watchers.push(watcher);
      return false;
    }
    this.#drop();
    return true;
  }

  /** Takes in no more data that was asked for before its end. */
  stopDraining(): void {
    if (this.phase === PHASE.DRAINING) this.#drop();
  }

  #drop(): void {
    this.connection.dropDataOf(this.initiatorTaskTag);
    this.session.forget(this);
  }
}
