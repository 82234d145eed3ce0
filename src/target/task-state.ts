import type { AbortWatcher } from '../device/task.ts';
import type { TaskSet } from '../device/task-set.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import type { Sender } from './sender.ts';

/** Where a task is on its way. */
export const PHASE = {
  /** In the pool, or its command PDU is still coming in. */
  IDLE: 0,
  /** Waits for commands before it (RFC 7143 §4.2.2.1). */
  HELD: 1,
  /** Waits for data from the initiator. */
  COLLECTING: 2,
  /** Has everything; waits for its turn. */
  READY: 3,
  /** The device server has it. */
  EXECUTING: 4,
  /** Aborted; takes in, and drops, the data that was asked for. */
  DRAINING: 5,
} as const;

/** One of {@link PHASE}. */
export type Phase = (typeof PHASE)[keyof typeof PHASE];

/** The data that one R2T asks for. */
export interface Sequence {
  readonly targetTransferTag: number;
  /** Where the sequence ends in the command's buffer. */
  readonly end: number;
  /** Where the next byte belongs. */
  next: number;
  dataSN: number;
}

/** Where a task stands in the order of its logical unit. */
export const PLACE = {
  /** Nowhere: it has not arrived, or its LUN names no logical unit, or it has left. */
  NONE: 0,
  /** Has arrived behind tasks of its own session that must enter the task set before it. */
  BEHIND: 1,
  /** Enters the task set as soon as its data is here. */
  NEXT: 2,
  /** Has entered the task set, and waits there for others. */
  ENTERED: 3,
  /** The task set lets it run. */
  ENABLED: 4,
} as const;

/** One of {@link PLACE}. */
export type Place = (typeof PLACE)[keyof typeof PLACE];

const NOTHING = new Uint8Array(0);
const CDB_LENGTH = 16;

/** What is known of one SCSI command: what its PDU said, and how far it is. */
export class TaskState {
  readonly parameters: OperationalParameters;
  /** Of the connection that the command came on: all its PDUs travel there (RFC 7143 §4.2.5.1). */
  sender: Sender;
  phase: Phase = PHASE.IDLE;

  // What the command PDU said.
  initiatorTaskTag = 0;
  lunHigh = 0;
  lunLow = 0;
  attribute = 0;
  immediate = false;
  cmdSN = 0;
  cdb: DataView;
  cdbLength = CDB_LENGTH;
  /** Expected Data Transfer Length of a read, or of the read half of a bidirectional command; 0 for others. */
  readLength = 0;
  /** Expected Data Transfer Length of a write; 0 for others. */
  writeLength = 0;

  // Data from the initiator.
  /** What the device server takes of it, by the CDB. */
  dataOutWanted = 0;
  /** What it will get: no more than the initiator announced. */
  dataOutLength = 0;
  /** Holds the first `capacity` bytes of the data. Belongs to the budget's buffers. */
  buffer: Uint8Array = NOTHING;
  capacity = 0;
  dataOut: Uint8Array = NOTHING;
  /** Whether unsolicited Data-Out PDUs are still to come. */
  unsolicitedOpen = false;
  unsolicitedDataSN = 0;
  /** Where the data that no R2T has asked for ends. */
  nextOffset = 0;
  readonly sequences: Sequence[] = [];
  /** Whether room for all the data is counted in the connection's budget. */
  granted = false;
  /** What was wrong with the data: ASC and ASCQ of ABORTED COMMAND, 0 for nothing. */
  failure = 0;
  /** There was no room for data that came unasked: the command ends with BUSY. */
  roomless = false;

  // Its place among other tasks.
  /** The task set that it is bound to: of the logical unit that its LUN named when its turn came. */
  taskSet: TaskSet | undefined = undefined;
  place: Place = PLACE.NONE;
  aborted = false;
  watchers: AbortWatcher[] = [];

  // Data to the initiator.
  /** Bytes that the device server takes for it besides the data-out, as far as they are counted. */
  workLength = 0;
  /** DataSN and R2TSN of the next PDU: one sequence for both (RFC 7143 §4.2.2.4). */
  nextDataSN = 0;
  /** Data-In PDUs sent. */
  dataInCount = 0;
  /** How many bytes the device server wanted to send. */
  dataInWanted = 0;

  readonly #ownCdb = new DataView(new ArrayBuffer(CDB_LENGTH));

  constructor(parameters: OperationalParameters, sender: Sender) {
    this.parameters = parameters;
    this.sender = sender;
    this.cdb = this.#ownCdb;
  }

  /** Whether data goes both ways: then status never travels in a Data-In (RFC 7143 §11.7.3). */
  get bidirectional(): boolean {
    return this.readLength > 0 && this.writeLength > 0;
  }

  /** Whether the initiator owes data to the task. */
  get awaitsData(): boolean {
    return this.unsolicitedOpen || this.sequences.length > 0;
  }

  /** Whether Data-Out PDUs for the task make sense. */
  get takesData(): boolean {
    const { phase } = this;
    return phase === PHASE.COLLECTING || phase === PHASE.DRAINING || phase === PHASE.HELD;
  }

  /** Notes the first thing that was wrong with the data: one of `DATA_FAILURES`. */
  noteFailure(failure: number): void {
    if (this.failure === 0) this.failure = failure;
  }

  /** Copies the first 16 bytes of the CDB. */
  setCdb(view: DataView, at: number): void {
    for (let next = 0; next < CDB_LENGTH; next += 4) this.#ownCdb.setUint32(next, view.getUint32(at + next));
  }

  /** Takes a CDB that is longer than 16 bytes; it belongs to the task. */
  setLongCdb(cdb: DataView): void {
    this.cdb = cdb;
    this.cdbLength = cdb.byteLength;
  }

  /** Makes the object ready for another command. The buffer must have been given back. */
  reset(): void {
    this.phase = PHASE.IDLE;
    this.cdb = this.#ownCdb;
    this.cdbLength = CDB_LENGTH;
    this.readLength = 0;
    this.writeLength = 0;
    this.dataOutWanted = 0;
    this.dataOutLength = 0;
    this.buffer = NOTHING;
    this.capacity = 0;
    this.dataOut = NOTHING;
    this.unsolicitedOpen = false;
    this.unsolicitedDataSN = 0;
    this.nextOffset = 0;
    if (this.sequences.length > 0) this.sequences.length = 0;
    this.granted = false;
    this.failure = 0;
    this.roomless = false;
    this.taskSet = undefined;
    this.place = PLACE.NONE;
    this.aborted = false;
    if (this.watchers.length > 0) this.watchers = [];
    this.workLength = 0;
    this.nextDataSN = 0;
    this.dataInCount = 0;
    this.dataInWanted = 0;
  }
}
