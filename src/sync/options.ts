import type { ConnectOptions, OpenOptions } from '../client/options.ts';
import type { RequestOptions } from '../client/session-requests.ts';
import type { ScsiRequest } from '../scsi/request.ts';
import type { RangeOptions } from '../unit/block-device.ts';
import type { ExtentOptions } from '../unit/extents.ts';
import type { CommandOptions, PositionOptions } from '../unit/options.ts';

/**
 * The options of a call without those that need somebody to run while the caller waits: signals and functions. A call
 * that must not take long has a `timeout`.
 */
export type Waiting<O> = {
  readonly [Name in keyof O as NonNullable<O[Name]> extends ((...given: never[]) => unknown) | { aborted: boolean }
    ? never
    : Name]: O[Name];
};

/** Options of `connectSync`, `openSessionSync` and `discoverSync`. */
export type ConnectSyncOptions = Waiting<ConnectOptions>;

/** Options of `session.logicalUnitSync`. */
export type OpenSyncOptions = Waiting<OpenOptions>;

/** Options of a single call. */
export type CommandSyncOptions = Waiting<CommandOptions>;

/** Where in the logical unit, and the options of a call. */
export type PositionSyncOptions = Waiting<PositionOptions>;

/** Which part of a logical unit is looked at, and the options of each command that it takes. */
export type ExtentSyncOptions = Waiting<ExtentOptions>;

/** A range of bytes, and the options of a call. */
export type RangeSyncOptions = Waiting<RangeOptions>;

/** Options of a request that is no SCSI command. */
export type RequestSyncOptions = Waiting<RequestOptions>;

/** A command for `executeSync`. */
export type ScsiSyncRequest = Waiting<ScsiRequest>;
