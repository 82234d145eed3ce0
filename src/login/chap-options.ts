/** Names and passwords as callers give them, for both roles. */
import { IscsiError } from '../errors.ts';
import type { ChapIdentity } from './chap-credentials.ts';
import { checkIdentity } from './chap-credentials.ts';
import { Secret } from './secret.ts';

/** A name, and the password that proves it. */
export interface ChapLogin {
  /** The name that is sent: 1 to 255 bytes of UTF-8. It is often, but need not be, the iSCSI name. */
  readonly user: string;
  /**
   * The secret, which is not sent. At least 12 bytes (96 bits), and best random: see `generateChapSecret()`. Taken as
   * it stands, whatever it looks like.
   */
  readonly password: string;
}

/** What an initiator proves with CHAP, and what its target proves in turn. */
export interface ChapOptions extends ChapLogin {
  /** Mutual CHAP: the name and password of the target. The password must be another than the initiator's. */
  readonly target?: ChapLogin | undefined;
}

/**
 * Name and secret of a caller, who may have given anything.
 * @param what What they are for, as messages have it.
 * @throws {IscsiError} `ISCSI_USAGE`, without the password.
 */
export function identityOf(login: ChapLogin, what: string): ChapIdentity {
  const { user, password } = (login ?? {}) as Partial<ChapLogin>;
  if (typeof user !== 'string' || typeof password !== 'string')
    throw new IscsiError('ISCSI_USAGE', `Cannot use ${what}: an object with user and password, both text, allowed`);
  const identity = { user, secret: new Secret(password) };
  checkIdentity(identity);
  return identity;
}
