/** The 18 PDUs by opcode: to read, check or describe a PDU without knowing beforehand which it is. Cold paths only. */

import { toHex } from '../bytes/hex.ts';
import { OPCODES, type OpcodeKey, opcodeName } from '../spec/iscsi-opcodes.ts';
import { checkAsyncMessage, readAsyncMessage } from './async-message.ts';
import { dataSegmentLength, initiatorTaskTag, opcode, totalAhsLength } from './bhs.ts';
import { checkDataIn, readDataIn } from './data-in.ts';
import { checkDataOut, readDataOut } from './data-out.ts';
import { checkLoginRequest, readLoginRequest } from './login-request.ts';
import { checkLoginResponse, readLoginResponse } from './login-response.ts';
import { checkLogoutRequest, readLogoutRequest } from './logout-request.ts';
import { checkLogoutResponse, readLogoutResponse } from './logout-response.ts';
import { checkNopIn, readNopIn } from './nop-in.ts';
import { checkNopOut, readNopOut } from './nop-out.ts';
import { checkR2T, readR2T } from './r2t.ts';
import { checkReject, readReject } from './reject.ts';
import { checkScsiCommand, readScsiCommand } from './scsi-command.ts';
import { checkScsiResponse, readScsiResponse } from './scsi-response.ts';
import { checkSnack, readSnack } from './snack.ts';
import { checkTaskManagementRequest, readTaskManagementRequest } from './task-management-request.ts';
import { checkTaskManagementResponse, readTaskManagementResponse } from './task-management-response.ts';
import { checkTextRequest, readTextRequest } from './text-request.ts';
import { checkTextResponse, readTextResponse } from './text-response.ts';

/** What is known about one opcode. */
export interface PduKind {
  /** Who sends it. */
  readonly role: 'initiator' | 'target';
  /** Reads its 48 bytes; any 48 bytes can be read. */
  readonly read: (v: DataView, at: number) => object;
  /** Checks what makes the header senseless by itself. Throws a ProtocolError. */
  readonly check: (v: DataView, at: number) => void;
}

/** Reader and check of every PDU. */
export const PDU_KINDS = {
  NOP_OUT: { role: 'initiator', read: readNopOut, check: checkNopOut },
  SCSI_COMMAND: { role: 'initiator', read: readScsiCommand, check: checkScsiCommand },
  TASK_MANAGEMENT_REQUEST: {
    role: 'initiator',
    read: readTaskManagementRequest,
    check: checkTaskManagementRequest,
  },
  LOGIN_REQUEST: { role: 'initiator', read: readLoginRequest, check: checkLoginRequest },
  TEXT_REQUEST: { role: 'initiator', read: readTextRequest, check: checkTextRequest },
  DATA_OUT: { role: 'initiator', read: readDataOut, check: checkDataOut },
  LOGOUT_REQUEST: { role: 'initiator', read: readLogoutRequest, check: checkLogoutRequest },
  SNACK: { role: 'initiator', read: readSnack, check: checkSnack },
  NOP_IN: { role: 'target', read: readNopIn, check: checkNopIn },
  SCSI_RESPONSE: { role: 'target', read: readScsiResponse, check: checkScsiResponse },
  TASK_MANAGEMENT_RESPONSE: {
    role: 'target',
    read: readTaskManagementResponse,
    check: checkTaskManagementResponse,
  },
  LOGIN_RESPONSE: { role: 'target', read: readLoginResponse, check: checkLoginResponse },
  TEXT_RESPONSE: { role: 'target', read: readTextResponse, check: checkTextResponse },
  DATA_IN: { role: 'target', read: readDataIn, check: checkDataIn },
  LOGOUT_RESPONSE: { role: 'target', read: readLogoutResponse, check: checkLogoutResponse },
  R2T: { role: 'target', read: readR2T, check: checkR2T },
  ASYNC_MESSAGE: { role: 'target', read: readAsyncMessage, check: checkAsyncMessage },
  REJECT: { role: 'target', read: readReject, check: checkReject },
} as const satisfies Record<OpcodeKey, PduKind>;

const KIND_BY_OPCODE: ReadonlyMap<number, PduKind> = new Map(
  (Object.keys(OPCODES) as OpcodeKey[]).map((key) => [OPCODES[key], PDU_KINDS[key]]),
);

/** What is known about an opcode; undefined when it is vendor-specific or unassigned. */
export function pduKind(code: number): PduKind | undefined {
  return KIND_BY_OPCODE.get(code);
}

/** A header in words and values, for logs and error messages. */
export interface PduDescription {
  readonly opcode: number;
  /** The RFC's name. */
  readonly name: string;
  /** Undefined when the opcode is vendor-specific or unassigned. */
  readonly role: 'initiator' | 'target' | undefined;
  /**
   * The fields as the reader of the PDU names them; bytes such as the CDB as hex text. Never anything of the data
   * segment.
   */
  readonly fields: Readonly<Record<string, number | boolean | string>>;
}

/**
 * Describes whatever 48 bytes are at `at`. Of an unknown opcode the common fields are given. Never throws for 48 bytes.
 */
export function describePdu(v: DataView, at: number): PduDescription {
  const code = opcode(v, at);
  const kind = pduKind(code);
  const fields = kind?.read(v, at) ?? {
    totalAhsLength: totalAhsLength(v, at) / 4,
    dataSegmentLength: dataSegmentLength(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
  };
  const plain = Object.entries(fields).map(([name, value]) => [name, plainValue(value)] as const);
  return { opcode: code, name: opcodeName(code), role: kind?.role, fields: Object.fromEntries(plain) };
}

function plainValue(value: unknown): number | boolean | string {
  if (value instanceof DataView) return toHex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
