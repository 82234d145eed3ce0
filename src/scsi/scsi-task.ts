import type { IscsiError } from '../errors.ts';

const NOTHING = new Uint8Array(0);

/** Task attributes by the number that goes on the wire (RFC 7143 §11.3.1; SAM, "Task attributes"). */
export const TASK_ATTRIBUTES = { untagged: 0, simple: 1, ordered: 2, headOfQueue: 3, aca: 4 } as const;

/**
 * What becomes of a command when what carries it is lost, and comes back later. `fail`: it fails. `wait`: when it was
 * not sent, it waits and is sent. `retry`: when it was sent, it is sent again besides, where that is safe.
 */
export type OnLoss = 'fail' | 'wait' | 'retry';

/** How much less or more than announced the device wanted to move. */
export type ResidualKind = 'none' | 'underflow' | 'overflow';

/**
 * One SCSI command on its way through a port: what is asked, and what came of it. Ports extend it by how far it is.
 * Taken from `ScsiPort.newTask()`, filled in, submitted; once `settle` has been called it belongs to the port again.
 *
 * @example
 * const task = new ScsiTask();
 * writeReadCdb(task.cdb, 0, 8, 1);
 * task.dataIn = new Uint8Array(512);
 * commandName(task.cdb); // 'READ_10'
 */
export class ScsiTask {
  // What is asked.
  /** The first 16 bytes of the CDB, zero-padded. */
  readonly cdb = new DataView(new ArrayBuffer(16));
  /** The whole CDB when it is longer than 16 bytes. */
  longCdb: Uint8Array | undefined = undefined;
  /** One of {@link TASK_ATTRIBUTES}. */
  attribute: number = TASK_ATTRIBUTES.simple;
  /** Where data from the device goes. The port writes to it until the task has settled. */
  dataIn: Uint8Array = NOTHING;
  /** Data for the device. Not to be touched until the task has settled. */
  dataOut: Uint8Array = NOTHING;
  /** Milliseconds from `submit` to the latest moment of `settle`. Infinity for none. */
  timeout = Number.POSITIVE_INFINITY;
  /** Whether it may be taken back by `ScsiPort.recallUnsent`. */
  recallable = false;
  /**
   * Whether whoever made it knows that it may be carried out twice, as far as the command itself goes: for ports that
   * come back after a loss. Never for a CDB of the caller's own.
   */
  repeatable = false;
  /** What becomes of it at a loss; undefined for what the port has been told. */
  onLoss: OnLoss | undefined = undefined;
  /** A write that is noted in the log of its logical unit: its place there; else 0. */
  writeOrder = 0;
  /** Called exactly once. Without an error, the outcome below is valid until it returns. It must not throw. */
  settle: (task: ScsiTask, error: IscsiError | undefined) => void = ignore;

  // What came of it. `deadline` from `submit` on, the rest once it has settled.
  /** The moment at which the time allowed is over, by the port's clock. */
  deadline = Number.POSITIVE_INFINITY;
  /** One of `SCSI_STATUS`. */
  status = 0;
  /** Bytes written into `dataIn`. */
  received = 0;
  /** Whether the device wanted to move more or less than was announced. */
  residual: ResidualKind = 'none';
  /** In bytes; 0 with residual `none`. */
  residualCount = 0;
  /** Sense data as it came; undefined when there is none. */
  sense: Uint8Array | undefined = undefined;

  /** Makes the object as new. Holds on to no buffer. */
  reset(): void {
    this.longCdb = undefined;
    this.attribute = TASK_ATTRIBUTES.simple;
    this.dataIn = NOTHING;
    this.dataOut = NOTHING;
    this.timeout = Number.POSITIVE_INFINITY;
    this.recallable = false;
    this.repeatable = false;
    this.onLoss = undefined;
    this.writeOrder = 0;
    this.settle = ignore;
    this.deadline = Number.POSITIVE_INFINITY;
    this.status = 0;
    this.received = 0;
    this.residual = 'none';
    this.residualCount = 0;
    this.sense = undefined;
  }
}

function ignore(): void {
  // A task whose submitter wants to know nothing.
}
