/**
 * tsiscsi/sync: the initiator for simple programs, without promises. A thread runs the initiator of `tsiscsi`; the
 * calling thread waits for it. Errors and most types are those of `tsiscsi`.
 */

export { connectSync, discoverSync, openSessionSync } from './connect.ts';
export type {
  CommandSyncOptions,
  ConnectSyncOptions,
  ExtentSyncOptions,
  OpenSyncOptions,
  PositionSyncOptions,
  RangeSyncOptions,
  RequestSyncOptions,
  ScsiSyncRequest,
  Waiting,
} from './options.ts';
export { SyncLogicalUnit, SyncSession } from './session.ts';
