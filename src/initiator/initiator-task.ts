import type { IscsiError } from '../errors.ts';
import { ScsiTask } from '../scsi/scsi-task.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { InitiatorConnection } from './connection.ts';
import type { UnitCounters } from './counters.ts';

/**
 * Where a task is on its way. `flushing`: its outcome is known, but the socket has not yet taken the last of its data,
 * so the caller's buffer is still in use.
 */
export type TaskPhase = 'idle' | 'queued' | 'sent' | 'aborting' | 'flushing' | 'settled';

/** A SCSI command on its way through a session: what is asked and what came of it, and here, how far it is. */
export class InitiatorTask extends ScsiTask {
  readonly kind = 'scsi';
  initiatorTaskTag = RESERVED_TAG;
  lunHigh = 0;
  lunLow = 0;
  phase: TaskPhase = 'idle';
  /** The connection that carries it, from sending on: all its PDUs travel there (RFC 7143 §4.2.5.1). */
  connection: InitiatorConnection | undefined = undefined;
  cmdSN = 0;
  /** While `queued`: its place, kept by the queue. */
  queuedAt = 0;
  /** When to begin aborting, so that the answer to the abort can come before the deadline. */
  abortAt = Number.POSITIVE_INFINITY;
  /** What the task will settle with once the abort in progress has ended. */
  abortReason: IscsiError | undefined = undefined;
  nextDataSN = 0;
  nextR2TSN = 0;
  /** Data-Out bytes sent so far; with DataSequenceInOrder also the offset that must be asked for next. */
  sent = 0;
  /** Where the last of the data sent so far ends in the outbox; 0 when none was. */
  sentEnd = 0;
  /** While `flushing`: what it will settle with. */
  outcome: IscsiError | undefined = undefined;
  /** Part of its data was damaged on the way: what still comes is dropped, and it cannot end well. */
  damaged = false;
  /** How often it was sent anew in another session, after the one that carried it was lost. */
  repeats = 0;
  /** When it was first submitted, in milliseconds; 0 before that. */
  submittedAt = 0;
  /** The counters of the logical unit, where there are any. */
  counters: UnitCounters | undefined = undefined;

  /** Whether a target may have seen it: in the session that has it now, or in one that was lost before. */
  get maybeSeen(): boolean {
    return this.phase !== 'queued' || this.repeats > 0;
  }

  /** Expected Data Transfer Length: for a bidirectional command that of the write (RFC 7143 §11.3.4). */
  get expectedDataTransferLength(): number {
    return this.dataOut.length > 0 ? this.dataOut.length : this.dataIn.length;
  }

  override reset(): void {
    super.reset();
    this.lunHigh = 0;
    this.lunLow = 0;
    this.repeats = 0;
    this.submittedAt = 0;
    this.counters = undefined;
    this.#leaveSession();
  }

  /** Forgets how far it was, and nothing of what is asked: to be submitted to another session. */
  startAnew(): void {
    this.initiatorTaskTag = RESERVED_TAG;
    this.status = 0;
    this.received = 0;
    this.residual = 'none';
    this.residualCount = 0;
    this.sense = undefined;
    this.#leaveSession();
  }

  #leaveSession(): void {
    this.phase = 'idle';
    this.connection = undefined;
    this.abortAt = Number.POSITIVE_INFINITY;
    this.abortReason = undefined;
    this.nextDataSN = 0;
    this.nextR2TSN = 0;
    this.sent = 0;
    this.sentEnd = 0;
    this.outcome = undefined;
    this.damaged = false;
  }
}
