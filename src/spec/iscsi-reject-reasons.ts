/** Reasons of a Reject (RFC 7143 §11.17.1). */

import { byCode, type CodeText, hexCode } from './iscsi-text.ts';

/** The Reason field. 0x01 is reserved; all values that are not here are unassigned. */
export const REJECT_REASONS = {
  DATA_DIGEST_ERROR: 0x02,
  SNACK_REJECT: 0x03,
  PROTOCOL_ERROR: 0x04,
  COMMAND_NOT_SUPPORTED: 0x05,
  TOO_MANY_IMMEDIATE_COMMANDS: 0x06,
  TASK_IN_PROGRESS: 0x07,
  INVALID_DATA_ACK: 0x08,
  INVALID_PDU_FIELD: 0x09,
  LONG_OPERATION_REJECT: 0x0a,
  /** Must not be sent; whoever receives it ends the login and the connection (RFC 7143 §11.17.1, Note 3). */
  NEGOTIATION_RESET: 0x0b,
  WAITING_FOR_LOGOUT: 0x0c,
} as const;

/** Words for a reason, and whether the rejected PDU may be sent again. */
export interface RejectReasonText extends CodeText {
  readonly resendAllowed: boolean;
}

const TEXT = {
  DATA_DIGEST_ERROR: { name: 'Data digest error', text: 'the data digest did not match', resendAllowed: true },
  SNACK_REJECT: { name: 'SNACK Reject', text: 'the target cannot send again what was asked for', resendAllowed: true },
  PROTOCOL_ERROR: { name: 'Protocol Error', text: 'the PDU breaks a rule of the protocol', resendAllowed: false },
  COMMAND_NOT_SUPPORTED: {
    name: 'Command not supported',
    text: 'the target does not support this PDU',
    resendAllowed: false,
  },
  TOO_MANY_IMMEDIATE_COMMANDS: {
    name: 'Immediate command reject',
    text: 'the target has too many immediate commands',
    resendAllowed: true,
  },
  TASK_IN_PROGRESS: { name: 'Task in progress', text: 'the task is still in progress', resendAllowed: false },
  INVALID_DATA_ACK: { name: 'Invalid data ack', text: 'data was acknowledged that was not sent', resendAllowed: false },
  INVALID_PDU_FIELD: {
    name: 'Invalid PDU field',
    text: 'a tag, offset, LUN or sequence number of the PDU is not valid',
    resendAllowed: false,
  },
  LONG_OPERATION_REJECT: {
    name: 'Long op reject',
    text: 'the target has no Target Transfer Tag left for a long operation',
    resendAllowed: true,
  },
  NEGOTIATION_RESET: {
    name: 'Negotiation Reset',
    text: 'the negotiation failed (a reason that must not be used any more)',
    resendAllowed: false,
  },
  WAITING_FOR_LOGOUT: { name: 'Waiting for Logout', text: 'the target waits for a logout', resendAllowed: false },
} as const satisfies Record<keyof typeof REJECT_REASONS, RejectReasonText>;

const find = byCode<keyof typeof REJECT_REASONS, RejectReasonText>(REJECT_REASONS, TEXT);

/** Words for a Reject's reason. */
export function rejectReasonText(reason: number): RejectReasonText {
  const unassigned = { name: `Reason ${hexCode(reason)}`, text: 'the reason is unassigned', resendAllowed: false };
  return find(reason) ?? unassigned;
}
