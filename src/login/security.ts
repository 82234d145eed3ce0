/**
 * The choice of an authentication method (RFC 7143 §12.1), both roles. The steps of CHAP itself are not here yet; the
 * places where they begin are {@link checkMethodAnswer} and {@link checkMethodOffer}.
 */
import { LoginError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import type { Secret } from './secret.ts';
import { refuseLogin } from './status.ts';
import { parseList, quote } from './values.ts';

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
  readonly target?: ChapIdentity;
  /** True: log in without authentication where the target asks for none. Otherwise such a target is refused. */
  readonly optional?: boolean;
}

/** How far the CHAP exchange is. `challenged` and `answered` come with CHAP itself. */
export type ChapProgress = 'none' | 'offered';

/** What to do when a target demands credentials and there are none. */
export const NO_CREDENTIALS_HINT =
  'the target demands authentication: give user name and password, as in iscsi://user%password@host, or in LIBISCSI_CHAP_USERNAME and LIBISCSI_CHAP_PASSWORD';

/**
 * The methods that an initiator offers. `None` is offered only where going without is allowed: whoever sits between
 * the two could choose it.
 */
export function methodsOf(credentials: Credentials | undefined): readonly string[] {
  if (credentials === undefined) return ['None'];
  return credentials.optional === true ? ['CHAP', 'None'] : ['CHAP'];
}

/**
 * Initiator: looks at the target's choice, if `pairs` hold it.
 *
 * TODO(CHAP): on `CHAP`, send CHAP_A with T=0, go to the sub-state `challenged`, and take the CHAP keys out of `pairs`
 * from there on.
 *
 * @throws {LoginError} `ISCSI_AUTHENTICATION` when the target chose what was not offered, or nothing.
 */
export function checkMethodAnswer(credentials: Credentials | undefined, pairs: readonly TextPair[]): void {
  const chosen = methodIn(pairs);
  if (chosen === undefined) return;
  const offered = methodsOf(credentials);
  if (chosen === 'None' && offered.includes('None')) return;
  if (credentials === undefined) throw refused(`the target answers AuthMethod=${quote(chosen)}`, NO_CREDENTIALS_HINT);
  if (chosen === 'None')
    throw refused(
      'the target does not authenticate anyone',
      'allow a login without authentication, or let the target demand it',
    );
  if (!offered.includes(chosen))
    throw refused(`the target answers AuthMethod=${quote(chosen)}`, 'enable CHAP at the target');
  throw refused(`${chosen} is not supported yet`, 'let the target allow this initiator without authentication');
}

/**
 * Initiator: leaving the security stage is allowed only with authentication done, or not needed.
 * @param answered True when the target has chosen a method.
 * @throws {LoginError} `ISCSI_AUTHENTICATION` when a target skips the authentication that was offered.
 */
export function checkAuthenticated(credentials: Credentials | undefined, answered: boolean): void {
  if (answered || credentials === undefined || credentials.optional === true) return;
  throw refused(
    'the target goes on without authenticating',
    'allow a login without authentication, or let the target demand it',
  );
}

/**
 * Target: looks at the methods that the initiator offers.
 *
 * TODO(CHAP): where authentication is required and `CHAP` is offered, choose it, and take the CHAP keys out of `pairs`
 * from there on.
 *
 * @param required True when the initiator has to authenticate.
 * @throws {LoginError} With login status 0201 when no method fits.
 */
export function checkMethodOffer(required: boolean, pairs: readonly TextPair[]): void {
  const offered = methodIn(pairs);
  if (required) throw noMethodFits('authentication is required, and CHAP is not supported yet');
  if (offered !== undefined && !parseList(offered).includes('None'))
    throw noMethodFits(`the initiator offers ${quote(offered)} only`);
}

function methodIn(pairs: readonly TextPair[]): string | undefined {
  return pairs.find(([name]) => name === 'AuthMethod')?.[1];
}

function noMethodFits(why: string): LoginError {
  return refuseLogin(LOGIN_STATUS.AUTHENTICATION_FAILURE, `Cannot authenticate the initiator: ${why}`);
}

function refused(why: string, hint: string): LoginError {
  return new LoginError(
    'ISCSI_AUTHENTICATION',
    `Cannot authenticate: ${why}`,
    { statusClass: 0, statusDetail: 0 },
    { hint },
  );
}
