/** The choice of an authentication method (RFC 7143 §12.1), both roles. The steps of CHAP are files of their own. */
import { LoginError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import type { Credentials } from './chap-credentials.ts';
import { refuseLogin } from './status.ts';
import { parseList, quote } from './values.ts';

/** A method that is known here. */
export type AuthMethod = 'CHAP' | 'None';

/** What to do when a target demands credentials and there are none. */
export const NO_CREDENTIALS_HINT =
  'the target demands authentication: give user name and password in a file (--chap-file, readChapFile()), in LIBISCSI_CHAP_USERNAME and LIBISCSI_CHAP_PASSWORD, or as in iscsi://user%password@host';

/**
 * The methods that an initiator offers. `None` is offered only where going without is allowed: whoever sits between
 * the two could choose it.
 */
export function methodsOf(credentials: Credentials | undefined): readonly AuthMethod[] {
  if (credentials === undefined) return ['None'];
  return credentials.optional === true ? ['CHAP', 'None'] : ['CHAP'];
}

/**
 * Initiator: looks at the target's choice, if `pairs` hold it.
 *
 * @returns What the target has chosen; undefined when it has not yet.
 * @throws {LoginError} `ISCSI_AUTHENTICATION` when the target chose what was not offered, or nothing.
 */
export function checkMethodAnswer(
  credentials: Credentials | undefined,
  pairs: readonly TextPair[],
): AuthMethod | undefined {
  const answered = methodIn(pairs);
  if (answered === undefined) return undefined;
  const chosen = methodsOf(credentials).find((method) => method === answered);
  if (chosen !== undefined) return chosen;
  if (credentials === undefined) throw refused(`the target answers AuthMethod=${quote(answered)}`, NO_CREDENTIALS_HINT);
  if (answered === 'None') throw refused('the target does not authenticate anyone', GO_WITHOUT_HINT);
  throw refused(`the target answers AuthMethod=${quote(answered)}`, 'enable CHAP at the target');
}

const GO_WITHOUT_HINT =
  'to log in without authentication give no user name and password, or let the target demand them';

/**
 * Initiator: leaving the security stage is allowed only with authentication done, or not needed.
 * @param authenticated True when CHAP has ended well, or the target chose to go without where that is allowed.
 * @throws {LoginError} `ISCSI_AUTHENTICATION` when a target skips the authentication that was offered.
 */
export function checkAuthenticated(credentials: Credentials | undefined, authenticated: boolean): void {
  if (authenticated || credentials === undefined || credentials.optional === true) return;
  throw refused('the target goes on without authenticating', GO_WITHOUT_HINT);
}

/**
 * Target: looks at the methods that the initiator offers.
 *
 * @param required True when the initiator has to authenticate.
 * @param leaves Whether the initiator asks to leave the stage with it.
 * @throws {LoginError} With login status 0201 when no method fits.
 */
export function checkMethodOffer(required: boolean, pairs: readonly TextPair[], leaves = true): void {
  const offered = methodIn(pairs);
  if (offered === undefined) {
    if (required && leaves) throw noMethodFits('it skips the authentication that is required');
    return;
  }
  const wanted: AuthMethod = required ? 'CHAP' : 'None';
  if (!parseList(offered).includes(wanted))
    throw noMethodFits(`it offers AuthMethod=${quote(offered)}, and ${wanted} is needed`);
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
