/** tsiscsi: an iSCSI initiator in user space. This file is the list of public names; `tsiscsi/scsi` and `tsiscsi/target` are further entrances. */

export type { Capacity } from './client/capacity.ts';
export { connect, openSession } from './client/connect.ts';
export { type DiscoveredTarget, discover, type Portal } from './client/discover.ts';
export type { RawPage } from './client/inquiry.ts';
export { LogicalUnit, type PositionOptions } from './client/logical-unit.ts';
export type { CommandOptions, ConnectOptions, DigestOffer, UrlLike } from './client/options.ts';
export type { ReportedLun } from './client/report-luns.ts';
export {
  type OperationalParameters,
  Session,
  type SessionEvent,
  type TaskManagementRequest,
} from './client/session.ts';
export type { ReadStreamOptions, WriteStreamOptions } from './client/streams.ts';
export { formatUrl, type IscsiUrl, parseUrl, redactUrl, type UrlAuth, type UrlOptions } from './client/url.ts';
export {
  DigestError,
  type ErrorCode,
  IscsiError,
  type IscsiErrorOptions,
  LoginError,
  ProtocolError,
  RejectError,
} from './errors.ts';
export { cdb } from './scsi/cdb.ts';
export type { ScsiRequest, ScsiResult, ScsiTransport } from './scsi/request.ts';
export { ScsiStatusError } from './scsi/status-error.ts';
export { TASK_MANAGEMENT_FUNCTIONS, TASK_MANAGEMENT_RESPONSES } from './spec/iscsi-task-management.ts';
