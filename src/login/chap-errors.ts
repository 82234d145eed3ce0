/** What goes wrong in CHAP: one code a reason, and what a person can do about each. */
import { type ErrorCode, LoginError } from '../errors.ts';
import { LOGIN_STATUS, type LoginStatus } from '../spec/iscsi-login-status.ts';
import type { ChapAlgorithm } from './chap-algorithms.ts';

/** What to do, by code. */
const HINTS = {
  ISCSI_CHAP_ALGORITHM: 'let both sides allow a hash that they have in common; every iSCSI node has MD5',
  ISCSI_CHAP_STEP: 'the other side does not keep to the steps of CHAP (RFC 7143 §12.1.3): its own log may say why',
  ISCSI_CHAP_VALUE: 'the other side sends a value that CHAP does not have: it may be faulty, or no honest peer',
  ISCSI_CHAP_REFLECTION:
    'the other side sends back a challenge of ours, as an attacker does who does not know the secret',
  ISCSI_CHAP_SAME_SECRET: 'give initiator and target a secret of its own each: with one for both, either can be played',
  ISCSI_CHAP_SHORT_SECRET:
    'use a random secret of 12 bytes or more; allowShortSecrets (--allow-short-secrets) lets a shorter one pass',
  ISCSI_CHAP_TARGET: 'check user name and secret of the target; otherwise this is not the target that it claims to be',
} as const satisfies Partial<Record<ErrorCode, string>>;

/** The codes of CHAP itself; credentials that the peer does not accept are `ISCSI_AUTHENTICATION`. */
export type ChapErrorCode = keyof typeof HINTS;

/** Neither side refused with a status: this side found it. */
const NO_STATUS = { statusClass: 0, statusDetail: 0 };

/** The error of an initiator that ends a login. */
export function chapError(code: ChapErrorCode, why: string): LoginError {
  return new LoginError(code, `Cannot authenticate: ${why}`, NO_STATUS, { hint: HINTS[code] });
}

/** The error of a target that refuses a login with `status`. */
export function chapRefusal(code: ChapErrorCode, status: LoginStatus, why: string): LoginError {
  const parts = { statusClass: status >> 8, statusDetail: status & 0xff };
  return new LoginError(code, `Cannot authenticate the initiator: ${why}`, parts, { hint: HINTS[code] });
}

/**
 * The initiator does not prove who it is. Always the same words, whether the name is unknown or the response wrong, so
 * that nobody learns which names there are.
 */
export function notProven(): LoginError {
  const status = LOGIN_STATUS.AUTHENTICATION_FAILURE;
  const parts = { statusClass: status >> 8, statusDetail: status & 0xff };
  return new LoginError('ISCSI_AUTHENTICATION', 'Cannot authenticate the initiator: it does not prove its name', parts);
}

/** The target refused a list of hashes. Some refuse a list because of what they do not know in it. */
export class AlgorithmsRefused extends LoginError {
  /** What was offered. */
  readonly offered: readonly ChapAlgorithm[];

  /** @param what What was logged in to. */
  constructor(
    what: string,
    offered: readonly ChapAlgorithm[],
    status: { readonly statusClass: number; readonly statusDetail: number },
  ) {
    const word = ((status.statusClass << 8) | status.statusDetail).toString(16).padStart(4, '0');
    const message = `Cannot log in to ${what}: it refuses CHAP with ${offered.join(', ')} (login status 0x${word})`;
    super('ISCSI_CHAP_ALGORITHM', message, status, { hint: HINTS.ISCSI_CHAP_ALGORITHM });
    this.name = 'LoginError';
    this.offered = offered;
  }
}
