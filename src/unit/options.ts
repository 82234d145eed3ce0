import { IscsiError } from '../errors.ts';
import type { AbortSignalLike, ScsiRequest } from '../scsi/request.ts';
import { type OnLoss, TASK_ATTRIBUTES } from '../scsi/scsi-task.ts';
import { BOOLEAN, BYTES, MILLISECONDS, type OptionRules, oneOf, SIGNAL, shown, wholeNumber } from './option-rules.ts';

/** Options of a single call. */
export interface CommandOptions {
  /** Aborts the call's commands at the device; everything else lives on. An `AbortSignal`. */
  readonly signal?: AbortSignalLike;
  /**
   * Milliseconds for the whole call, however many commands it takes, waiting for others included. Default: the port's
   * `timeout`, which is that of its session; for each command of a transfer that is longer than one command moves.
   */
  readonly timeout?: number;
  /**
   * What becomes of the call's commands when the session is lost and comes back: `fail` at once, `wait` and be sent
   * when it was not sent yet, or besides that `retry` when it was, where that is safe. Default: what the session was
   * told (`reconnect`); it means nothing where the session ends with its connection.
   */
  readonly onLoss?: OnLoss;
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

/** The rules of {@link CommandOptions}. */
export const COMMAND_OPTIONS: OptionRules<CommandOptions> = {
  signal: SIGNAL,
  timeout: MILLISECONDS,
  onLoss: oneOf('fail', 'wait', 'retry'),
};

/** The rules of {@link PositionOptions}; `position` is looked at by itself. */
export const POSITION_OPTIONS: OptionRules<PositionOptions> = {
  position: { allowed: 'a whole number', is: () => true },
  forceUnitAccess: BOOLEAN,
  ...COMMAND_OPTIONS,
};

/** The rules of the range that `trim` takes; `position` is looked at by itself. */
export const RANGE_OPTIONS: OptionRules<CommandOptions & { readonly position: number; readonly length: number }> = {
  position: { allowed: 'a whole number', is: () => true },
  length: wholeNumber(0),
  ...COMMAND_OPTIONS,
};

/** The rules of a request to `execute`. */
export const REQUEST_OPTIONS: OptionRules<ScsiRequest> = {
  cdb: BYTES,
  dataIn: BYTES,
  dataOut: BYTES,
  attribute: oneOf(...Object.keys(TASK_ATTRIBUTES).filter((name) => name !== 'untagged')),
  ...COMMAND_OPTIONS,
};

/**
 * The error of a time that cannot be; undefined when it can. Not a number would be no limit at all, and nobody asked
 * for that.
 */
export function timeProblem(milliseconds: number | undefined, name: string): IscsiError | undefined {
  if (milliseconds === undefined || MILLISECONDS.is(milliseconds)) return undefined;
  return new IscsiError(
    'ISCSI_USAGE',
    `Cannot use a ${name} of ${shown(milliseconds)}: ${MILLISECONDS.allowed} allowed`,
  );
}
