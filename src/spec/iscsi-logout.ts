/** Logout: reasons (RFC 7143 §11.14.1) and responses (§11.15.1). */

import { byCode, type CodeText } from './iscsi-text.ts';

/** The Reason Code of a Logout Request. All other values are reserved. */
export const LOGOUT_REASONS = {
  CLOSE_SESSION: 0,
  CLOSE_CONNECTION: 1,
  REMOVE_CONNECTION_FOR_RECOVERY: 2,
} as const;

const REASON_TEXT = {
  CLOSE_SESSION: { name: 'close the session', text: 'all commands of the session are terminated' },
  CLOSE_CONNECTION: { name: 'close the connection', text: 'all commands of the connection are terminated' },
  REMOVE_CONNECTION_FOR_RECOVERY: {
    name: 'remove the connection for recovery',
    text: 'the connection closes, its commands wait for another connection',
  },
} as const satisfies Record<keyof typeof LOGOUT_REASONS, CodeText>;

/** The Response of a Logout Response. */
export const LOGOUT_RESPONSES = {
  CLOSED: 0,
  CID_NOT_FOUND: 1,
  RECOVERY_NOT_SUPPORTED: 2,
  CLEANUP_FAILED: 3,
} as const;

const RESPONSE_TEXT = {
  CLOSED: { name: 'closed successfully', text: 'the connection or session is closed' },
  CID_NOT_FOUND: { name: 'CID not found', text: 'the session has no connection with this CID' },
  RECOVERY_NOT_SUPPORTED: {
    name: 'connection recovery is not supported',
    text: 'the error recovery level does not allow to keep commands for another connection',
  },
  CLEANUP_FAILED: { name: 'cleanup failed', text: 'the target could not clean up' },
} as const satisfies Record<keyof typeof LOGOUT_RESPONSES, CodeText>;

const findReason = byCode(LOGOUT_REASONS, REASON_TEXT);
const findResponse = byCode(LOGOUT_RESPONSES, RESPONSE_TEXT);

/** Words for a logout reason. */
export function logoutReasonText(reason: number): CodeText {
  return findReason(reason) ?? { name: `Reason ${reason}`, text: 'the reason is reserved' };
}

/** Words for a logout response. */
export function logoutResponseText(response: number): CodeText {
  return findResponse(response) ?? { name: `Response ${response}`, text: 'the response is unassigned' };
}
