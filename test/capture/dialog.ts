/** What both ends of a connection say, PDU by PDU: a login, an INQUIRY, a refused command, a long read, a logout. */

import { viewOf } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { writeDataIn } from '../../src/pdu/data-in.ts';
import { writeLoginRequest } from '../../src/pdu/login-request.ts';
import { writeLoginResponse } from '../../src/pdu/login-response.ts';
import { writeLogoutRequest } from '../../src/pdu/logout-request.ts';
import { writeLogoutResponse } from '../../src/pdu/logout-response.ts';
import { writeScsiCommand } from '../../src/pdu/scsi-command.ts';
import { writeScsiResponse } from '../../src/pdu/scsi-response.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { RESERVED_TAG } from '../../src/spec/iscsi-opcodes.ts';
import { type Digests, frame, NO_DIGESTS } from '../../src/wire/draft.ts';

/** One PDU on its way. */
export interface Said {
  readonly fromInitiator: boolean;
  readonly bytes: Uint8Array;
}

/** Bytes of the long read. */
export const LONG = 5000;
export const PORT = 3260;
/** Both ends, as the initiator sees them. */
export const ENDS = {
  local: { address: '192.0.2.1', port: 40_000 },
  remote: { address: '192.0.2.2', port: PORT },
  client: true,
} as const;

/** A PDU of a writer of `src/pdu`. */
export function pdu<T>(
  write: (view: DataView, at: number, fields: T) => void,
  fields: T,
  data: Uint8Array = new Uint8Array(0),
  digests: Digests = NO_DIGESTS,
): Uint8Array {
  const header = new Uint8Array(48);
  write(viewOf(header), 0, fields);
  return frame({ header, data }, digests);
}

export const LOGIN = {
  transit: true,
  continues: false,
  currentStage: 1,
  nextStage: 3,
  versionMax: 0,
  isid: 0x8020_0000_0001,
  tsih: 0,
  initiatorTaskTag: 0,
  cmdSN: 7,
  expStatSN: 0,
  cid: 0,
  versionMin: 0,
} as const;
export const LOGGED_IN = {
  ...LOGIN,
  versionActive: 0,
  tsih: 1,
  statSN: 1,
  expCmdSN: 7,
  maxCmdSN: 38,
  statusClass: 0,
  statusDetail: 0,
} as const;

/** A Login Request with this text. */
export function loginRequest(text: string, fields: Partial<Parameters<typeof writeLoginRequest>[2]> = {}): Said {
  const data = utf8(text);
  return {
    fromInitiator: true,
    bytes: pdu(writeLoginRequest, { ...LOGIN, ...fields, dataSegmentLength: data.length }, data),
  };
}

/** A Login Response with this text. */
export function loginResponse(text: string, fields: Partial<Parameters<typeof writeLoginResponse>[2]> = {}): Said {
  const data = utf8(text);
  return {
    fromInitiator: false,
    bytes: pdu(writeLoginResponse, { ...LOGGED_IN, ...fields, dataSegmentLength: data.length }, data),
  };
}

const NUMBERS = { expCmdSN: 8, maxCmdSN: 38 };
export const COMMAND = {
  immediate: false,
  final: true,
  read: true,
  write: false,
  attribute: 1,
  totalAhsLength: 0,
  dataSegmentLength: 0,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 1,
  expectedDataTransferLength: 96,
  cmdSN: 7,
  expStatSN: 2,
  cdb: viewOf(new Uint8Array(16)),
} as const;
export const DATA_IN = {
  final: true,
  acknowledge: false,
  overflow: false,
  underflow: false,
  hasStatus: true,
  status: 0,
  dataSegmentLength: 96,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 1,
  targetTransferTag: RESERVED_TAG,
  statSN: 2,
  ...NUMBERS,
  dataSN: 0,
  bufferOffset: 0,
  residualCount: 0,
} as const;
export const RESPONSE = {
  bidirectionalOverflow: false,
  bidirectionalUnderflow: false,
  overflow: false,
  underflow: false,
  response: 0,
  status: 2,
  dataSegmentLength: 20,
  initiatorTaskTag: 2,
  snackTag: 0,
  statSN: 3,
  ...NUMBERS,
  expDataSN: 0,
  bidirectionalReadResidualCount: 0,
  residualCount: 0,
} as const;

/** A CDB with the 16 bytes that a header has. */
export function cdbView(bytes: Uint8Array): DataView {
  const padded = new Uint8Array(16);
  padded.set(bytes);
  return viewOf(padded);
}

/** Sense data behind its length: ILLEGAL REQUEST, invalid field in CDB. */
export const SENSE = Uint8Array.of(0, 18, 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0, 0, 0);

/** The whole dialog. */
export function dialog(digests: Digests = NO_DIGESTS): Said[] {
  const offered = (on: boolean): string => (on ? 'CRC32C' : 'None');
  const keys = `HeaderDigest=${offered(digests.header)}\0DataDigest=${offered(digests.data)}\0`;
  const initiator = <T>(write: (view: DataView, at: number, fields: T) => void, fields: T): Said => ({
    fromInitiator: true,
    bytes: pdu(write, fields, undefined, digests),
  });
  const target = <T>(write: (view: DataView, at: number, fields: T) => void, fields: T, data?: Uint8Array): Said => ({
    fromInitiator: false,
    bytes: pdu(write, fields, data, digests),
  });
  const inquiry = Uint8Array.from({ length: 96 }, (_, at) => at);
  const long = Uint8Array.from({ length: LONG }, (_, at) => (at * 7) & 0xff);
  return [
    loginRequest(`InitiatorName=iqn.2003-01.org.example:me\0${keys}`),
    loginResponse(keys),
    initiator(writeScsiCommand, { ...COMMAND, cdb: cdbView(cdb('INQUIRY', { allocationLength: 96 })) }),
    target(writeDataIn, DATA_IN, inquiry),
    initiator(writeScsiCommand, {
      ...COMMAND,
      initiatorTaskTag: 2,
      cmdSN: 8,
      expStatSN: 3,
      cdb: cdbView(cdb('INQUIRY', { evpd: true, pageCode: 0xc0, allocationLength: 96 })),
    }),
    target(writeScsiResponse, RESPONSE, SENSE),
    initiator(writeScsiCommand, {
      ...COMMAND,
      initiatorTaskTag: 3,
      cmdSN: 9,
      expStatSN: 4,
      expectedDataTransferLength: LONG,
      cdb: cdbView(cdb('READ_10', { logicalBlockAddress: 8, transferLength: 10 })),
    }),
    target(writeDataIn, { ...DATA_IN, initiatorTaskTag: 3, statSN: 4, dataSegmentLength: LONG }, long),
    initiator(writeLogoutRequest, {
      immediate: false,
      reason: 0,
      initiatorTaskTag: 4,
      cid: 0,
      cmdSN: 10,
      expStatSN: 5,
    }),
    target(writeLogoutResponse, {
      response: 0,
      initiatorTaskTag: 4,
      statSN: 5,
      ...NUMBERS,
      time2Wait: 0,
      time2Retain: 0,
    }),
  ];
}
