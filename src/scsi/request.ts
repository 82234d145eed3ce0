/** A command and its outcome for whoever does not count nanoseconds; a `ScsiPort` carries it as a `ScsiTask`. */
import type { OnLoss } from './scsi-task.ts';
import type { Sense } from './sense.ts';

/** What is used of an `AbortSignal`; declared here since this room has no DOM and no Node types. */
export interface AbortSignalLike {
  /** Whether it has been aborted already. */
  readonly aborted: boolean;
  /** Why: it becomes the `cause` of the error. */
  readonly reason?: unknown;
  /** Asks to be told of the abort. */
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  /** Takes a listener back. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Task attribute (SAM, "Task attributes"). */
export type TaskAttribute = 'simple' | 'ordered' | 'headOfQueue' | 'aca';

/** One command. At most one of `dataIn` and `dataOut`; none means that no data moves. */
export interface ScsiRequest {
  /** 6, 10, 12, 16 bytes, or more for variable-length commands. Copied before the call returns. */
  readonly cdb: Uint8Array;
  /** Where data from the device goes, and how much of it is expected. Belongs to the port until the promise settles. */
  readonly dataIn?: Uint8Array | undefined;
  /** The data for the device. Belongs to the port until the promise settles. */
  readonly dataOut?: Uint8Array | undefined;
  /** `simple` when left out. */
  readonly attribute?: TaskAttribute | undefined;
  /** Aborting aborts this command and nothing else. */
  readonly signal?: AbortSignalLike | undefined;
  /** Milliseconds; the port's own when left out. */
  readonly timeout?: number | undefined;
  /**
   * What becomes of it when the session is lost and comes back; the session's own choice when left out. A command that
   * was sent is never sent again, so `retry` is as good as `wait` here.
   */
  readonly onLoss?: OnLoss | undefined;
}

/** Bytes that the device wanted to move, compared with what the request had room or data for. */
export interface Residual {
  /** `underflow`: fewer by `count`; `overflow`: more by `count`, which were not moved. */
  readonly kind: 'none' | 'underflow' | 'overflow';
  /** In bytes; 0 for `none`. */
  readonly count: number;
}

/** How a command ended, whatever the status: only failures of the port are errors. */
export interface ScsiResult {
  /** One of `SCSI_STATUS`. */
  readonly status: number;
  /** Decoded sense data, when the device sent any. */
  readonly sense?: Sense | undefined;
  /** Bytes written into `dataIn`. */
  readonly dataInLength: number;
  /** How far the data that moved was from what the request had room or data for. */
  readonly residual: Residual;
}

/** The result of a command that ended well and moved all its data. */
export const NO_RESIDUAL: Residual = { kind: 'none', count: 0 };
