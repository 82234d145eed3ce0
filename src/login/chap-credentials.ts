/** Who proves what with CHAP, and the rules for names and secrets (RFC 7143 §9.2.1, §12.1.3). */
import { utf8 } from '../bytes/text.ts';
import { IscsiError } from '../errors.ts';
import type { ChapAlgorithm } from './chap-algorithms.ts';
import { chapError } from './chap-errors.ts';
import type { Secret } from './secret.ts';

/** Bytes of a secret: 96 bits, below which a recorded login gives the secret away to whoever tries them all. */
const LEAST_SECRET = 12;
/** Bytes of CHAP_N: what a text-value may have where a key does not say otherwise (§6.1). */
const LONGEST_NAME = 255;

/** Who one side is, and the secret that proves it. */
export interface ChapIdentity {
  /** The name that is sent (CHAP_N). */
  readonly user: string;
  /** What is never sent. */
  readonly secret: Secret;
}

/** What an initiator authenticates with. */
export interface Credentials extends ChapIdentity {
  /** What the target has to prove, where it has to. */
  readonly target?: ChapIdentity | undefined;
  /** True: log in without authentication where the target asks for none. Otherwise such a target is refused. */
  readonly optional?: boolean | undefined;
  /** The hashes that are offered, in this order. Default: all that the platform has, the strongest first. */
  readonly algorithms?: readonly ChapAlgorithm[] | undefined;
  /** True: secrets of less than 96 bits are used all the same. */
  readonly allowShortSecrets?: boolean | undefined;
}

/** The bytes of a secret: what the text says in UTF-8, whatever it looks like. */
export function secretBytes({ secret }: ChapIdentity): Uint8Array {
  return utf8(secret.reveal());
}

/** Whether a secret has less than the 96 bits that RFC 7143 §9.2.1 wants. */
export function isShortSecret(identity: ChapIdentity): boolean {
  return secretBytes(identity).length < LEAST_SECRET;
}

/** Whether two of them have the same secret. */
export function haveSameSecret(one: ChapIdentity, other: ChapIdentity): boolean {
  return one.secret.reveal() === other.secret.reveal();
}

/**
 * Refuses a name that cannot be sent, and an empty secret.
 * @throws {IscsiError} `ISCSI_USAGE`, without the secret.
 */
export function checkIdentity(identity: ChapIdentity): void {
  const { user } = identity;
  if (user === '' || user.includes('\0') || utf8(user).length > LONGEST_NAME) {
    const allowed = `1..${LONGEST_NAME} bytes without NUL allowed`;
    throw new IscsiError('ISCSI_USAGE', `Cannot use the user name of CHAP: ${allowed}`);
  }
  if (identity.secret.reveal() === '')
    throw new IscsiError('ISCSI_USAGE', 'Cannot use an empty secret for CHAP', { hint: 'give a password, or no user' });
}

/**
 * Refuses secrets that prove nothing: the same in both directions, or too short to keep.
 * @throws {LoginError} `ISCSI_CHAP_SAME_SECRET`, `ISCSI_CHAP_SHORT_SECRET`. @throws {IscsiError} `ISCSI_USAGE`.
 */
export function checkCredentials(credentials: Credentials): void {
  const { target, allowShortSecrets } = credentials;
  for (const identity of target === undefined ? [credentials] : [credentials, target]) {
    checkIdentity(identity);
    if (allowShortSecrets === true || !isShortSecret(identity)) continue;
    const whose = identity === target ? 'the target' : 'this initiator';
    const message = `the secret of ${whose} has less than ${LEAST_SECRET} bytes (96 bits)`;
    throw chapError('ISCSI_CHAP_SHORT_SECRET', message);
  }
  if (target !== undefined && haveSameSecret(credentials, target))
    throw chapError('ISCSI_CHAP_SAME_SECRET', 'initiator and target have the same secret');
}
