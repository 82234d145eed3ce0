import { IscsiError } from '../errors.ts';
import type { AbortSignalLike } from '../scsi/request.ts';

/** Options of a single command. */
export interface CommandOptions {
  /** Aborts the command at the device; everything else lives on. An `AbortSignal`. */
  readonly signal?: AbortSignalLike;
  /** Milliseconds. Default: the port's `timeout`, which is that of its session. */
  readonly timeout?: number;
}

/** Options of one transfer. */
export interface TransferOptions extends CommandOptions {
  /**
   * Writes: the status comes only when the data is on stable storage (FUA). Reads: from the medium, not from a volatile
   * cache.
   */
  readonly forceUnitAccess?: boolean;
}

/** Where in the logical unit, and the options of a command. */
export interface PositionOptions extends TransferOptions {
  /** First byte. Any number; it need not be a multiple of the block size. */
  readonly position: number;
}

/**
 * The error of a time that cannot be; undefined when it can. Not a number would be no limit at all, and nobody asked
 * for that.
 */
export function timeProblem(milliseconds: number | undefined, name: string): IscsiError | undefined {
  if (milliseconds === undefined || milliseconds > 0) return undefined;
  return new IscsiError('ISCSI_USAGE', `Cannot use a ${name} of ${milliseconds}: milliseconds above 0 allowed`);
}
