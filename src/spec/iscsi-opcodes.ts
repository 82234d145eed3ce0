/** iSCSI opcodes (RFC 7143 §11.2.1.2) and the tag that is no tag. */

/** 0xffffffff: no Initiator Task Tag, no Target Transfer Tag (RFC 7143 §11.2.1.8, §11.7.4). Never given to a task. */
export const RESERVED_TAG = 0xffff_ffff;

/** Opcode numbers. 0x1c..0x1e and 0x3c..0x3e are vendor-specific; all others that are not here are unassigned. */
export const OPCODES = {
  NOP_OUT: 0x00,
  SCSI_COMMAND: 0x01,
  TASK_MANAGEMENT_REQUEST: 0x02,
  LOGIN_REQUEST: 0x03,
  TEXT_REQUEST: 0x04,
  DATA_OUT: 0x05,
  LOGOUT_REQUEST: 0x06,
  SNACK: 0x10,
  NOP_IN: 0x20,
  SCSI_RESPONSE: 0x21,
  TASK_MANAGEMENT_RESPONSE: 0x22,
  LOGIN_RESPONSE: 0x23,
  TEXT_RESPONSE: 0x24,
  DATA_IN: 0x25,
  LOGOUT_RESPONSE: 0x26,
  R2T: 0x31,
  ASYNC_MESSAGE: 0x32,
  REJECT: 0x3f,
} as const;

/** The key of an opcode in {@link OPCODES}. */
export type OpcodeKey = keyof typeof OPCODES;

/** Opcodes from here on belong to the target, those below to the initiator. */
export const FIRST_TARGET_OPCODE = 0x20;

const NAMES = {
  NOP_OUT: 'NOP-Out',
  SCSI_COMMAND: 'SCSI Command',
  TASK_MANAGEMENT_REQUEST: 'Task Management Function Request',
  LOGIN_REQUEST: 'Login Request',
  TEXT_REQUEST: 'Text Request',
  DATA_OUT: 'SCSI Data-Out',
  LOGOUT_REQUEST: 'Logout Request',
  SNACK: 'SNACK Request',
  NOP_IN: 'NOP-In',
  SCSI_RESPONSE: 'SCSI Response',
  TASK_MANAGEMENT_RESPONSE: 'Task Management Function Response',
  LOGIN_RESPONSE: 'Login Response',
  TEXT_RESPONSE: 'Text Response',
  DATA_IN: 'SCSI Data-In',
  LOGOUT_RESPONSE: 'Logout Response',
  R2T: 'Ready To Transfer',
  ASYNC_MESSAGE: 'Asynchronous Message',
  REJECT: 'Reject',
} as const satisfies Record<OpcodeKey, string>;

const NAME_BY_OPCODE: ReadonlyMap<number, string> = new Map(
  Object.entries(OPCODES).map(([key, opcode]) => [opcode, NAMES[key as OpcodeKey]]),
);

/** The RFC's name of an opcode (0..0x3f), also of one that it leaves to vendors or unassigned. */
export function opcodeName(opcode: number): string {
  const name = NAME_BY_OPCODE.get(opcode);
  if (name !== undefined) return name;
  const vendor = (opcode >= 0x1c && opcode <= 0x1e) || (opcode >= 0x3c && opcode <= 0x3e);
  return `${vendor ? 'vendor-specific' : 'unassigned'} opcode 0x${opcode.toString(16).padStart(2, '0')}`;
}
