/**
 * What a target says, as drafts (RFC 7143 §11): each field has the value that a rule-abiding target would give it,
 * unless the caller names it. A StatSN that the caller names uses up none of the count. `to` is the PDU that is
 * answered.
 */
import { type AsyncMessage, writeAsyncMessage } from '../pdu/async-message.ts';
import { type DataIn, writeDataIn } from '../pdu/data-in.ts';
import { type LoginResponse, writeLoginResponse } from '../pdu/login-response.ts';
import { type LogoutResponse, writeLogoutResponse } from '../pdu/logout-response.ts';
import { type NopIn, writeNopIn } from '../pdu/nop-in.ts';
import { type R2T, writeR2T } from '../pdu/r2t.ts';
import { type Reject, writeReject } from '../pdu/reject.ts';
import { type ScsiResponse, writeScsiResponse } from '../pdu/scsi-response.ts';
import { senseSegmentLength, writeSenseSegment } from '../pdu/sense-segment.ts';
import { type TaskManagementResponse, writeTaskManagementResponse } from '../pdu/task-management-response.ts';
import { type TextResponse, writeTextResponse } from '../pdu/text-response.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { PduDraft } from './draft.ts';
import { type Addressed, draftOf, type Payload, type TextPayload, textOf, unitOf } from './draft-of.ts';
import type { TargetNumbers } from './target-numbers.ts';
import type { WirePdu } from './wire-pdu.ts';

/** A Login Response: success, T=1 from the operational stage to the full feature phase. */
export interface LoginResponseDraft extends Partial<LoginResponse>, TextPayload {}

/** A SCSI Response: completed at the target, status GOOD, no residual. */
export interface ScsiResponseDraft extends Partial<ScsiResponse>, Payload {
  /** Sense data, for which the data segment is made. */
  readonly sense?: Uint8Array | undefined;
}

/** A Data-In: the last of its sequence, without status. With `hasStatus` it has a StatSN. */
export interface DataInDraft extends Partial<DataIn>, Addressed, Payload {}

/** An R2T for all that the command writes, with the LUN of the command and a tag of its own. */
export interface R2TDraft extends Partial<R2T>, Addressed, Payload {}

/** A NOP-In. */
export interface NopInDraft extends Partial<NopIn>, Addressed, Payload {}

/** A Text Response: the last of its negotiation. */
export interface TextResponseDraft extends Partial<TextResponse>, Addressed, TextPayload {}

/** A Task Management Function Response: function complete. */
export interface TaskManagementResponseDraft extends Partial<TaskManagementResponse>, Payload {}

/** A Logout Response: closed. */
export interface LogoutResponseDraft extends Partial<LogoutResponse>, Payload {}

/** An Asynchronous Message. */
export interface AsyncMessageDraft extends Partial<AsyncMessage>, Addressed, Payload {
  readonly asyncEvent: number;
}

/** A Reject. */
export interface RejectDraft extends Partial<Reject>, Payload {
  readonly reason: number;
}

/** A Login Response. */
export function loginResponse(numbers: TargetNumbers, to: WirePdu, fields: LoginResponseDraft = {}): PduDraft {
  const request = to.read('LOGIN_REQUEST');
  const usual = {
    transit: true,
    continues: false,
    currentStage: 1,
    nextStage: 3,
    versionMax: 0,
    versionActive: 0,
    dataSegmentLength: 0,
    isid: request.isid,
    tsih: request.tsih === 0 ? 1 : request.tsih,
    statusClass: 0,
    statusDetail: 0,
    ...answering(numbers, to, fields),
  };
  return draftOf(writeLoginResponse, { ...usual, ...fields }, textOf(fields));
}

/** A SCSI Response. */
export function scsiResponse(numbers: TargetNumbers, to: WirePdu, fields: ScsiResponseDraft = {}): PduDraft {
  const usual = {
    bidirectionalOverflow: false,
    bidirectionalUnderflow: false,
    overflow: false,
    underflow: false,
    response: 0,
    status: 0,
    dataSegmentLength: 0,
    snackTag: 0,
    expDataSN: 0,
    bidirectionalReadResidualCount: 0,
    residualCount: 0,
    ...answering(numbers, to, fields),
  };
  const data = fields.data ?? (fields.sense === undefined ? undefined : senseSegment(fields.sense));
  return draftOf(writeScsiResponse, { ...usual, ...fields }, { ahs: fields.ahs, data });
}

/** A Data-In. */
export function dataIn(numbers: TargetNumbers, to: WirePdu, fields: DataInDraft = {}): PduDraft {
  const { hasStatus = false } = fields;
  const usual = {
    final: true,
    acknowledge: false,
    overflow: false,
    underflow: false,
    hasStatus,
    status: 0,
    dataSegmentLength: 0,
    targetTransferTag: RESERVED_TAG,
    dataSN: 0,
    bufferOffset: 0,
    residualCount: 0,
    ...unitOf(fields),
    ...(hasStatus ? answering(numbers, to, fields) : { ...asking(numbers), statSN: 0 }),
    initiatorTaskTag: to.initiatorTaskTag,
  };
  return draftOf(writeDataIn, { ...usual, ...fields }, fields);
}

/** An R2T. */
export function r2t(numbers: TargetNumbers, to: WirePdu, fields: R2TDraft = {}): PduDraft {
  const usual = {
    lunHigh: to.word(8),
    lunLow: to.word(12),
    initiatorTaskTag: to.initiatorTaskTag,
    targetTransferTag: fields.targetTransferTag ?? numbers.useTag(),
    r2tSN: 0,
    bufferOffset: 0,
    desiredDataTransferLength: to.word(20),
    ...asking(numbers),
    ...(fields.lun === undefined ? {} : unitOf(fields)),
  };
  return draftOf(writeR2T, { ...usual, ...fields }, fields);
}

/** The answer to a ping: its data, and its tag. */
export function pong(numbers: TargetNumbers, to: WirePdu, fields: NopInDraft = {}): PduDraft {
  const usual = {
    dataSegmentLength: 0,
    lunHigh: to.word(8),
    lunLow: to.word(12),
    targetTransferTag: RESERVED_TAG,
    ...answering(numbers, to, fields),
  };
  return draftOf(writeNopIn, { ...usual, ...fields }, { ahs: fields.ahs, data: fields.data ?? to.data });
}

/** A NOP-In of the target's own: a ping that wants an answer. With the reserved `targetTransferTag` it wants none. */
export function nopIn(numbers: TargetNumbers, fields: NopInDraft = {}): PduDraft {
  const usual = {
    dataSegmentLength: 0,
    initiatorTaskTag: RESERVED_TAG,
    targetTransferTag: fields.targetTransferTag ?? numbers.useTag(),
    ...unitOf(fields),
    ...asking(numbers),
  };
  return draftOf(writeNopIn, { ...usual, ...fields }, fields);
}

/** A Text Response. */
export function textResponse(numbers: TargetNumbers, to: WirePdu, fields: TextResponseDraft = {}): PduDraft {
  const usual = {
    final: true,
    continues: false,
    dataSegmentLength: 0,
    targetTransferTag: RESERVED_TAG,
    ...unitOf(fields),
    ...answering(numbers, to, fields),
  };
  return draftOf(writeTextResponse, { ...usual, ...fields }, textOf(fields));
}

/** A Task Management Function Response. */
export function taskManagementResponse(
  numbers: TargetNumbers,
  to: WirePdu,
  fields: TaskManagementResponseDraft = {},
): PduDraft {
  const usual = { response: 0, ...answering(numbers, to, fields) };
  return draftOf(writeTaskManagementResponse, { ...usual, ...fields }, fields);
}

/** A Logout Response. */
export function logoutResponse(numbers: TargetNumbers, to: WirePdu, fields: LogoutResponseDraft = {}): PduDraft {
  const usual = { response: 0, time2Wait: 0, time2Retain: 0, ...answering(numbers, to, fields) };
  return draftOf(writeLogoutResponse, { ...usual, ...fields }, fields);
}

/** An Asynchronous Message. */
export function asyncMessage(numbers: TargetNumbers, fields: AsyncMessageDraft): PduDraft {
  const usual = {
    dataSegmentLength: 0,
    asyncVCode: 0,
    parameter1: 0,
    parameter2: 0,
    parameter3: 0,
    ...unitOf(fields),
    ...asking(numbers),
    statSN: fields.statSN ?? numbers.useStatSN(),
  };
  return draftOf(writeAsyncMessage, { ...usual, ...fields }, fields);
}

/** A Reject of `to`, whose header it carries. */
export function reject(numbers: TargetNumbers, to: WirePdu, fields: RejectDraft): PduDraft {
  const usual = { dataSegmentLength: 0, dataSN: 0, ...asking(numbers), statSN: fields.statSN ?? numbers.useStatSN() };
  return draftOf(writeReject, { ...usual, ...fields }, { ahs: fields.ahs, data: fields.data ?? to.header });
}

/** The numbers of a PDU that uses up no StatSN: it shows the next one. */
function asking(numbers: TargetNumbers) {
  return { statSN: numbers.statSN, expCmdSN: numbers.expCmdSN, maxCmdSN: numbers.maxCmdSN };
}

/** Tag and numbers of a PDU that ends what `to` began. */
function answering(numbers: TargetNumbers, to: WirePdu, { statSN }: { readonly statSN?: number | undefined }) {
  const { expCmdSN, maxCmdSN } = numbers;
  return { initiatorTaskTag: to.initiatorTaskTag, statSN: statSN ?? numbers.useStatSN(), expCmdSN, maxCmdSN };
}

function senseSegment(sense: Uint8Array): Uint8Array {
  const segment = new Uint8Array(senseSegmentLength(sense.length));
  writeSenseSegment(segment, 0, sense);
  return segment;
}
