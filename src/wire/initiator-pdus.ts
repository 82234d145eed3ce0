/**
 * What an initiator says, as drafts (RFC 7143 §11): each field has the value that a rule-abiding initiator would give
 * it, unless the caller names it. A CmdSN or a tag that the caller names uses up none of the count.
 */
import { viewOf } from '../bytes/hex.ts';
import { type DataOut, writeDataOut } from '../pdu/data-out.ts';
import { type LoginRequest, writeLoginRequest } from '../pdu/login-request.ts';
import { type LogoutRequest, writeLogoutRequest } from '../pdu/logout-request.ts';
import { type NopOut, writeNopOut } from '../pdu/nop-out.ts';
import { type ScsiCommand, writeScsiCommand } from '../pdu/scsi-command.ts';
import { type Snack, writeSnack } from '../pdu/snack.ts';
import { type TaskManagementRequest, writeTaskManagementRequest } from '../pdu/task-management-request.ts';
import { type TextRequest, writeTextRequest } from '../pdu/text-request.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { PduDraft } from './draft.ts';
import { type Addressed, draftOf, type Payload, type TextPayload, textOf, unitOf } from './draft-of.ts';
import type { InitiatorNumbers } from './initiator-numbers.ts';

/** A SCSI Command. R and W are clear unless they are asked for; F says that no unsolicited Data-Out follows. */
export interface CommandDraft extends Partial<Omit<ScsiCommand, 'cdb'>>, Addressed, Payload {
  /**
   * At most 16 bytes; shorter ones are filled up with zeros. The rest of a longer CDB is the caller's to put in `ahs`.
   */
  readonly cdb: Uint8Array;
}

/** A Login Request: T=1 from the operational stage to the full feature phase. */
export interface LoginRequestDraft extends Partial<LoginRequest>, TextPayload {}

/** A NOP-Out: a ping, immediate. */
export interface NopOutDraft extends Partial<NopOut>, Addressed, Payload {}

/** A Text Request: all of it, the beginning of a negotiation. */
export interface TextRequestDraft extends Partial<TextRequest>, Addressed, TextPayload {}

/** A Data-Out: unsolicited and the last of its sequence. */
export interface DataOutDraft extends Partial<DataOut>, Addressed, Payload {
  readonly initiatorTaskTag: number;
}

/** A Task Management Function Request, immediate. */
export interface TaskManagementDraft extends Partial<TaskManagementRequest>, Addressed, Payload {
  readonly functionCode: number;
}

/** A Logout Request: closes the session, immediate. */
export interface LogoutRequestDraft extends Partial<LogoutRequest>, Payload {}

/** A SNACK Request. */
export interface SnackDraft extends Partial<Snack>, Addressed, Payload {
  readonly type: number;
}

/** A SCSI Command. */
export function scsiCommand(numbers: InitiatorNumbers, fields: CommandDraft): PduDraft {
  const cdb = new Uint8Array(16);
  cdb.set(fields.cdb.subarray(0, 16));
  const usual = {
    final: true,
    read: false,
    write: false,
    attribute: 1,
    totalAhsLength: 0,
    dataSegmentLength: 0,
    expectedDataTransferLength: 0,
    ...unitOf(fields),
    ...tagged(numbers, fields, false),
  };
  return draftOf(writeScsiCommand, { ...usual, ...fields, cdb: viewOf(cdb) }, fields);
}

/** A Login Request. */
export function loginRequest(numbers: InitiatorNumbers, fields: LoginRequestDraft): PduDraft {
  const usual = {
    transit: true,
    continues: false,
    currentStage: 1,
    nextStage: 3,
    versionMax: 0,
    versionMin: 0,
    dataSegmentLength: 0,
    isid: 0x8000_0000_0001, // of the random format (§11.12.5)
    tsih: 0,
    cid: 0,
    initiatorTaskTag: 0,
    cmdSN: numbers.cmdSN,
    expStatSN: numbers.expStatSN,
  };
  return draftOf(writeLoginRequest, { ...usual, ...fields }, textOf(fields));
}

/** A NOP-Out. */
export function nopOut(numbers: InitiatorNumbers, fields: NopOutDraft): PduDraft {
  const usual = { dataSegmentLength: 0, targetTransferTag: RESERVED_TAG, ...unitOf(fields) };
  return draftOf(writeNopOut, { ...usual, ...tagged(numbers, fields, true), ...fields }, fields);
}

/** A Text Request. */
export function textRequest(numbers: InitiatorNumbers, fields: TextRequestDraft): PduDraft {
  const usual = {
    final: true,
    continues: false,
    dataSegmentLength: 0,
    targetTransferTag: RESERVED_TAG,
    ...unitOf(fields),
    ...tagged(numbers, fields, false),
  };
  return draftOf(writeTextRequest, { ...usual, ...fields }, textOf(fields));
}

/** A Data-Out. */
export function dataOut(numbers: InitiatorNumbers, fields: DataOutDraft): PduDraft {
  const usual = {
    final: true,
    dataSegmentLength: 0,
    targetTransferTag: RESERVED_TAG,
    expStatSN: numbers.expStatSN,
    dataSN: 0,
    bufferOffset: 0,
    ...unitOf(fields),
  };
  return draftOf(writeDataOut, { ...usual, ...fields }, fields);
}

/** A Task Management Function Request. */
export function taskManagementRequest(numbers: InitiatorNumbers, fields: TaskManagementDraft): PduDraft {
  const usual = {
    referencedTaskTag: RESERVED_TAG,
    refCmdSN: 0,
    expDataSN: 0,
    ...unitOf(fields),
    ...tagged(numbers, fields, true),
  };
  return draftOf(writeTaskManagementRequest, { ...usual, ...fields }, fields);
}

/** A Logout Request. */
export function logoutRequest(numbers: InitiatorNumbers, fields: LogoutRequestDraft): PduDraft {
  const usual = { reason: 0, cid: 0, ...tagged(numbers, fields, true) };
  return draftOf(writeLogoutRequest, { ...usual, ...fields }, fields);
}

/** A SNACK Request. */
export function snack(numbers: InitiatorNumbers, fields: SnackDraft): PduDraft {
  const usual = {
    initiatorTaskTag: RESERVED_TAG,
    targetTransferTag: RESERVED_TAG,
    expStatSN: numbers.expStatSN,
    begRun: 0,
    runLength: 0,
    ...unitOf(fields),
  };
  return draftOf(writeSnack, { ...usual, ...fields }, fields);
}

interface Numbered {
  readonly immediate?: boolean | undefined;
  readonly initiatorTaskTag?: number | undefined;
  readonly cmdSN?: number | undefined;
}

/** What every numbered request has. */
function tagged(numbers: InitiatorNumbers, fields: Numbered, immediate: boolean) {
  const first = fields.immediate ?? immediate;
  return {
    immediate: first,
    initiatorTaskTag: fields.initiatorTaskTag ?? numbers.useTag(),
    cmdSN: fields.cmdSN ?? numbers.useCmdSN(first),
    expStatSN: numbers.expStatSN,
  };
}
