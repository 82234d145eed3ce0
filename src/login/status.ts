/** Login status (RFC 7143 §11.13.5) as errors: what each means to a program, and what a person can do about it. */
import { type ErrorCode, LoginError } from '../errors.ts';
import { LOGIN_STATUS, loginStatusText } from '../spec/iscsi-login-status.ts';

interface Meaning {
  readonly code?: ErrorCode;
  readonly hint: string;
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  [LOGIN_STATUS.INITIATOR_ERROR]: {
    hint: 'the target did not accept something in the login: its own log may say what',
  },
  [LOGIN_STATUS.AUTHENTICATION_FAILURE]: {
    code: 'ISCSI_AUTHENTICATION',
    hint: 'check user name and password, also of the target where both sides authenticate',
  },
  [LOGIN_STATUS.AUTHORIZATION_FAILURE]: {
    hint: 'let the target allow this initiator name, or use the name that it allows',
  },
  [LOGIN_STATUS.NOT_FOUND]: {
    code: 'ISCSI_TARGET_NOT_FOUND',
    hint: 'check the target name; iscsi-ls lists the names that the portal offers',
  },
  [LOGIN_STATUS.TARGET_REMOVED]: {
    code: 'ISCSI_TARGET_NOT_FOUND',
    hint: 'the target is gone from this portal: list the targets again',
  },
  [LOGIN_STATUS.UNSUPPORTED_VERSION]: { hint: 'the target speaks another version of iSCSI: update it' },
  [LOGIN_STATUS.TOO_MANY_CONNECTIONS]: { hint: 'use fewer connections in the session' },
  [LOGIN_STATUS.MISSING_PARAMETER]: { hint: 'the target misses a key: it may demand a target name or authentication' },
  [LOGIN_STATUS.CANNOT_INCLUDE_IN_SESSION]: {
    hint: 'connect to a portal of the portal group that the session began with',
  },
  [LOGIN_STATUS.SESSION_TYPE_NOT_SUPPORTED]: {
    hint: 'ask another portal, or name the target instead of discovering it',
  },
  [LOGIN_STATUS.SESSION_DOES_NOT_EXIST]: { hint: 'begin a new session: the target has ended this one' },
  [LOGIN_STATUS.INVALID_DURING_LOGIN]: {
    hint: 'the target took a request for something that does not belong into a login',
  },
  [LOGIN_STATUS.TARGET_ERROR]: { hint: 'the fault is at the target: try again later, and look into its log' },
  [LOGIN_STATUS.SERVICE_UNAVAILABLE]: {
    hint: 'the target is not ready: try again later; or there is no such target, which some answer so: check the target name',
  },
  [LOGIN_STATUS.OUT_OF_RESOURCES]: {
    hint: 'the target has no room for another session: close one, or try again later',
  },
};

/** What to do about a detail that is not known, by its class (RFC 7143 §11.13.5). */
const CLASS_HINTS: Readonly<Record<number, string>> = {
  1: 'the target has moved, and did not say where to',
  2: 'the target will not accept this login: do not repeat it unchanged',
  3: 'the fault is at the target: try again later',
};

/**
 * The error for a login that the target refused. A detail that the RFC does not know is handled by its class.
 * @param what What was logged in to, for the message.
 */
export function loginRefused(what: string, statusClass: number, statusDetail: number): LoginError {
  const meaning = MEANINGS[(statusClass << 8) | statusDetail];
  const hint =
    meaning?.hint ?? CLASS_HINTS[statusClass] ?? 'the status class is not one of RFC 7143: is this an iSCSI target?';
  const status = `0x${((statusClass << 8) | statusDetail).toString(16).padStart(4, '0')}`;
  const message = `Cannot log in to ${what}: ${loginStatusText(statusClass, statusDetail).text} (login status ${status})`;
  return new LoginError(meaning?.code ?? 'ISCSI_LOGIN', message, { statusClass, statusDetail }, { hint });
}

/** The error with which a target refuses a login; `statusClass` and `statusDetail` go to the initiator. */
export function refuseLogin(status: number, message: string): LoginError {
  const code = MEANINGS[status]?.code ?? 'ISCSI_LOGIN';
  return new LoginError(code, message, { statusClass: status >> 8, statusDetail: status & 0xff });
}
