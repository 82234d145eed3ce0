/** Login status (RFC 7143 §11.13.5): Status-Class in the high byte, Status-Detail in the low byte. */

import { byCode, type CodeText, hexCode } from './iscsi-text.ts';

/** Status-Class of a Login Response. */
export const LOGIN_STATUS_CLASS = {
  SUCCESS: 0,
  REDIRECTION: 1,
  INITIATOR_ERROR: 2,
  TARGET_ERROR: 3,
} as const;

/** Status-Class and Status-Detail as one number: `statusClass << 8 | statusDetail`. */
export const LOGIN_STATUS = {
  SUCCESS: 0x0000,
  TARGET_MOVED_TEMPORARILY: 0x0101,
  TARGET_MOVED_PERMANENTLY: 0x0102,
  INITIATOR_ERROR: 0x0200,
  AUTHENTICATION_FAILURE: 0x0201,
  AUTHORIZATION_FAILURE: 0x0202,
  NOT_FOUND: 0x0203,
  TARGET_REMOVED: 0x0204,
  UNSUPPORTED_VERSION: 0x0205,
  TOO_MANY_CONNECTIONS: 0x0206,
  MISSING_PARAMETER: 0x0207,
  CANNOT_INCLUDE_IN_SESSION: 0x0208,
  SESSION_TYPE_NOT_SUPPORTED: 0x0209,
  SESSION_DOES_NOT_EXIST: 0x020a,
  INVALID_DURING_LOGIN: 0x020b,
  TARGET_ERROR: 0x0300,
  SERVICE_UNAVAILABLE: 0x0301,
  OUT_OF_RESOURCES: 0x0302,
} as const;

/** A login status that the RFC allocates. */
export type LoginStatus = (typeof LOGIN_STATUS)[keyof typeof LOGIN_STATUS];

const TEXT = {
  SUCCESS: { name: 'Success', text: 'the login is proceeding' },
  TARGET_MOVED_TEMPORARILY: {
    name: 'Target moved temporarily',
    text: 'the target has moved to the given address for a while',
  },
  TARGET_MOVED_PERMANENTLY: {
    name: 'Target moved permanently',
    text: 'the target has moved to the given address for good',
  },
  INITIATOR_ERROR: { name: 'Initiator error', text: 'the target found an error in the login requests' },
  AUTHENTICATION_FAILURE: {
    name: 'Authentication failure',
    text: 'the initiator could not be authenticated, or the target cannot authenticate itself',
  },
  AUTHORIZATION_FAILURE: { name: 'Authorization failure', text: 'the initiator is not allowed to use this target' },
  NOT_FOUND: { name: 'Not found', text: 'the target name does not exist at this address' },
  TARGET_REMOVED: {
    name: 'Target removed',
    text: 'the target has been removed and has left no forwarding address',
  },
  UNSUPPORTED_VERSION: { name: 'Unsupported version', text: 'the target does not support this version of iSCSI' },
  TOO_MANY_CONNECTIONS: { name: 'Too many connections', text: 'the session cannot have another connection' },
  MISSING_PARAMETER: {
    name: 'Missing parameter',
    text: 'a key that the target needs is missing, such as InitiatorName or TargetName',
  },
  CANNOT_INCLUDE_IN_SESSION: {
    name: "Can't include in session",
    text: 'the session cannot span to this address of the target',
  },
  SESSION_TYPE_NOT_SUPPORTED: {
    name: 'Session type not supported',
    text: 'the target does not support this type of session, or not from this initiator',
  },
  SESSION_DOES_NOT_EXIST: {
    name: 'Session does not exist',
    text: 'the session that the connection was to join does not exist',
  },
  INVALID_DURING_LOGIN: { name: 'Invalid during login', text: 'the request type is not allowed during login' },
  TARGET_ERROR: { name: 'Target error', text: 'the target has a hardware or software error' },
  SERVICE_UNAVAILABLE: { name: 'Service unavailable', text: 'the target is not operational at present' },
  OUT_OF_RESOURCES: { name: 'Out of resources', text: 'the target has no room for another session or connection' },
} as const satisfies Record<keyof typeof LOGIN_STATUS, CodeText>;

const CLASS_TEXT: Readonly<Record<number, CodeText>> = {
  0: { name: 'Success', text: 'the login is proceeding' },
  1: { name: 'Redirection', text: 'the target has moved' },
  2: {
    name: 'Initiator error',
    text: 'the target found fault with the initiator, which should not try the same again',
  },
  3: { name: 'Target error', text: 'the target cannot fulfil the request at present' },
};

const find = byCode(LOGIN_STATUS, TEXT);

/**
 * Words for a login status. A detail that the RFC does not know is described by its class, as the RFC wants it handled.
 */
export function loginStatusText(statusClass: number, statusDetail: number): CodeText {
  const code = (statusClass << 8) | statusDetail;
  const known = find(code);
  if (known !== undefined) return known;
  const { name, text } = CLASS_TEXT[statusClass] ?? { name: 'Unknown status', text: 'the status class is reserved' };
  return { name: `${name} ${hexCode(code, 4)}`, text };
}
