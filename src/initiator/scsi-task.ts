import type { IscsiError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';

const NOTHING = new Uint8Array(0);

/**
 * Where a task is on its way. `flushing`: its outcome is known, but the socket has not yet taken the last of its data, so the caller's buffer is still in use.
 */
export type TaskPhase = 'idle' | 'queued' | 'sent' | 'aborting' | 'flushing' | 'settled';

/** How much less or more than announced the target wanted to move (RFC 7143 §11.4.5). */
export type ResidualKind = 'none' | 'underflow' | 'overflow';

/** Task attributes (RFC 7143 §11.3.1). */
export const TASK_ATTRIBUTES = { untagged: 0, simple: 1, ordered: 2, headOfQueue: 3, aca: 4 } as const;

/**
 * One SCSI command on its way through the session: what is asked, how far it is, what came of it.
 * Taken from `InitiatorSession.newTask()`, filled in, submitted; after `settle` was called it belongs to the session again.
 */
export class ScsiTask {
  readonly kind = 'scsi';
  initiatorTaskTag = RESERVED_TAG;

  // What is asked.
  lunHigh = 0;
  lunLow = 0;
  /** The first 16 bytes of the CDB, zero-padded. */
  readonly cdb = new DataView(new ArrayBuffer(16));
  /** The whole CDB when it is longer than 16 bytes. */
  longCdb: Uint8Array | undefined = undefined;
  attribute: number = TASK_ATTRIBUTES.simple;
  /** Where data from the target goes. The session writes to it until the task has settled. */
  dataIn: Uint8Array = NOTHING;
  /** Data for the target. Not to be touched until the task has settled. */
  dataOut: Uint8Array = NOTHING;
  /** Milliseconds from `submit` to the latest moment of `settle`. Infinity for none. */
  timeout = Number.POSITIVE_INFINITY;
  /** Called exactly once. Without an error, the outcome below is valid. */
  settle: (task: ScsiTask, error: IscsiError | undefined) => void = ignore;
  /** For the submitter's own use. */
  context: unknown = undefined;

  // How far it is.
  phase: TaskPhase = 'idle';
  cmdSN = 0;
  deadline = Number.POSITIVE_INFINITY;
  /** When to begin aborting, so that the answer to the abort can come before the deadline. */
  abortAt = Number.POSITIVE_INFINITY;
  /** What the task will settle with once the abort in progress has ended. */
  abortReason: IscsiError | undefined = undefined;
  /** Data-In bytes received so far; with DataPDUInOrder also the offset that must come next. */
  received = 0;
  nextDataSN = 0;
  nextR2TSN = 0;
  /** Data-Out bytes sent so far; with DataSequenceInOrder also the offset that must be asked for next. */
  sent = 0;
  /** Where the last of its data that goes out by reference ends in the outbox. */
  dataEnd = 0;
  /** While `flushing`: what it will settle with. */
  outcome: IscsiError | undefined = undefined;
  /** Part of its data was damaged on the way: what still comes is dropped, and it cannot end well. */
  damaged = false;

  // What came of it.
  status = 0;
  residual: ResidualKind = 'none';
  residualCount = 0;
  /** Sense data as it came, without SenseLength. */
  sense: Uint8Array | undefined = undefined;

  /** Expected Data Transfer Length: for a bidirectional command that of the write (RFC 7143 §11.3.4). */
  get expectedDataTransferLength(): number {
    return this.dataOut.length > 0 ? this.dataOut.length : this.dataIn.length;
  }

  /** Makes the object as new. Holds on to no buffer. */
  reset(): void {
    this.lunHigh = 0;
    this.lunLow = 0;
    this.longCdb = undefined;
    this.attribute = TASK_ATTRIBUTES.simple;
    this.dataIn = NOTHING;
    this.dataOut = NOTHING;
    this.timeout = Number.POSITIVE_INFINITY;
    this.settle = ignore;
    this.context = undefined;
    this.phase = 'idle';
    this.deadline = Number.POSITIVE_INFINITY;
    this.abortAt = Number.POSITIVE_INFINITY;
    this.abortReason = undefined;
    this.received = 0;
    this.nextDataSN = 0;
    this.nextR2TSN = 0;
    this.sent = 0;
    this.dataEnd = 0;
    this.outcome = undefined;
    this.damaged = false;
    this.status = 0;
    this.residual = 'none';
    this.residualCount = 0;
    this.sense = undefined;
  }
}

function ignore(): void {
  // A task whose submitter wants to know nothing.
}
