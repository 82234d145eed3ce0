/**
 * tsiscsi: an iSCSI initiator in user space. This file is the list of public names; `tsiscsi/scsi` and `tsiscsi/target`
 * are further entrances.
 */

export { ValueError } from './bytes/value-error.ts';
export type { CaptureSummary } from './capture/recorder.ts';
export { Announcer } from './client/announcer.ts';
export { AnnouncingUnit } from './client/announcing-unit.ts';
export { readChapFile } from './client/chap-file.ts';
export type { CommandUnderWay, TaskName } from './client/commands-under-way.ts';
export { connect, openSession } from './client/connect.ts';
export {
  type CommandEndMessage,
  type CommandStartMessage,
  DIAGNOSTICS_CHANNELS,
  type PduMessage,
  type SessionCondition,
  type SessionStateMessage,
} from './client/diagnostics.ts';
export { type DiscoveredTarget, discover, type Portal } from './client/discover.ts';
export type { LogFields, LogHook, LogLevel } from './client/log.ts';
export { ManagedUnit, type UnitManager } from './client/managed-unit.ts';
export type {
  AskForChap,
  ChapRequest,
  ConnectOptions,
  DigestOffer,
  OpenOptions,
  PortalLocation,
  UrlLike,
} from './client/options.ts';
export type { ReconnectOptions } from './client/reconnect-options.ts';
export { IscsiLogicalUnit, type OperationalParameters, Session } from './client/session.ts';
export type {
  IdentityChanged,
  LogoutRequested,
  Reconnected,
  Reconnecting,
  SessionEventName,
  SessionEvents,
} from './client/session-events.ts';
export type { RequestOptions, TaskManagementFunction } from './client/session-requests.ts';
export {
  type CommandKind,
  type CommandStatistics,
  type KindStatistics,
  type LatencyBucket,
  type LatencyStatistics,
  latencyPercentile,
  type SessionStatistics,
  type UnitStatistics,
} from './client/statistics.ts';
export { StreamingUnit } from './client/streaming-unit.ts';
export type { TargetEvent } from './client/target-event.ts';
export {
  TaskFunctions,
  type TaskManagementOutcome,
  type TaskManagementResponseName,
  type TaskReassignOptions,
} from './client/task-functions.ts';
export {
  formatUrl,
  type IscsiUrl,
  parseUrl,
  redactUrl,
  type UrlCredentials,
  type UrlForm,
  type UrlOptions,
} from './client/url.ts';
export {
  DigestError,
  EndedByFunctionError,
  type ErrorCode,
  IscsiError,
  type IscsiErrorOptions,
  LoginError,
  ProtocolError,
  RejectError,
} from './errors.ts';
export type { ChapAlgorithm } from './login/chap-algorithms.ts';
export type { ChapIdentity } from './login/chap-credentials.ts';
export type { ChapLogin, ChapOptions } from './login/chap-options.ts';
export type { TaskReporting } from './login/policy.ts';
export type { Secret } from './login/secret.ts';
export type { BlockStats } from './node/block-stats.ts';
export { CaptureFile, type CaptureFileOptions } from './node/capture-file.ts';
export { generateChapSecret } from './node/chap-secret.ts';
export { BlockFileHandle, openFileHandle } from './node/file-handle.ts';
export type { HandleRange, HandleReadOptions } from './node/file-handle-arguments.ts';
export type { HandleReadStreamOptions, HandleWriteStreamOptions } from './node/file-handle-streams.ts';
export type { ReadStreamOptions, WriteStreamOptions } from './node/streams.ts';
export { cdb } from './scsi/cdb.ts';
export type { Lun } from './scsi/lun.ts';
export type { Clock, ScsiPort } from './scsi/port.ts';
export type { AbortSignalLike, Residual, ScsiRequest, ScsiResult, TaskAttribute } from './scsi/request.ts';
export { type OnLoss, ScsiTask } from './scsi/scsi-task.ts';
export { type CommandPlace, ScsiStatusError, type StatusErrorOptions } from './scsi/status-error.ts';
export { WriteLog } from './scsi/write-log.ts';
export { ASYNC_EVENTS } from './spec/iscsi-async-events.ts';
export { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from './spec/iscsi-task-management.ts';
export type { BlockDevice, BytesRead, BytesWritten, RangeOptions } from './unit/block-device.ts';
export type { Capacity } from './unit/capacity.ts';
export type { Extent, ExtentOptions } from './unit/extents.ts';
export type { Identity } from './unit/identity.ts';
export type { RawPage } from './unit/inquiry.ts';
export { LogicalUnit } from './unit/logical-unit.ts';
export type { CommandOptions, PositionOptions, TransferOptions } from './unit/options.ts';
export type { Probe, ProbeOptions } from './unit/probe.ts';
export type { Inventory, ReportedLun } from './unit/report-luns.ts';
