import { IscsiError } from '../errors.ts';
import type { ConnectAttempt } from '../node/portal-race.ts';
import { portalText } from './target-portals.ts';

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is a target listening there?',
  ENOTFOUND: 'is the host name spelled right?',
  EAI_AGAIN: 'is the name server reachable?',
  EHOSTUNREACH: 'is the host up, and is there a route to it?',
  ENETUNREACH: 'is there a route to that network?',
  ETIMEDOUT: 'is the host up, and does a firewall drop the packets?',
  EINVAL: 'is there a network interface of that name, and is the address one of this network?',
};
const LINK_LOCAL_HINT = 'a link-local address needs its network interface: write it like iscsi://[fe80::1%25eth0]';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  EINVAL: 'the address cannot be used here',
  EADDRNOTAVAIL: 'the address cannot be used here',
};

/** Addresses that a message names; the rest is counted. */
const MOST_SHOWN = 8;

/**
 * Says in one line why no TCP connection could be made, and what to look at. Where several addresses were tried, each
 * is named with its reason, and `cause` is an `AggregateError` of theirs.
 * @param portal What was to be connected to, as its caller calls it.
 */
export function connectError(attempts: readonly ConnectAttempt[], portal: string): IscsiError {
  const refused = attempts.find(({ error }) => codeOf(error) === 'ECONNREFUSED');
  const main = refused ?? attempts[0];
  const hint = hintOf(main);
  const cause = causeOf(attempts);
  return new IscsiError(
    refused === undefined ? 'ISCSI_UNREACHABLE' : 'ISCSI_REFUSED',
    `Cannot connect to ${portal}: ${attempts.length === 1 ? reasonOf(main) : listed(attempts)}`,
    { cause, ...(hint === undefined ? {} : { hint }) },
  );
}

/** The addresses that were tried, each with its reason: `127.0.0.1:3260 connection refused, [::1]:3260 no answer`. */
export function listed(attempts: readonly ConnectAttempt[]): string {
  const shown = attempts.slice(0, MOST_SHOWN).map((attempt) => `${addressText(attempt)} ${reasonOf(attempt)}`);
  if (attempts.length > MOST_SHOWN) shown.push(`and ${attempts.length - MOST_SHOWN} more`);
  return shown.join(', ');
}

/** What the errors of attempts are to whoever looks for a cause: the one that there is, or all of them. */
export function causeOf(attempts: readonly ConnectAttempt[]): Error | undefined {
  if (attempts.length === 1) return attempts[0]?.error;
  const errors = attempts.map((attempt) => {
    const { error } = attempt;
    return new Error(`${addressText(attempt)}: ${reasonOf(attempt)}`, error === undefined ? {} : { cause: error });
  });
  return new AggregateError(errors, 'No address answered');
}

/** Why one address did not do. */
export function reasonOf(attempt: ConnectAttempt | undefined): string {
  if (attempt?.error === undefined) return 'no answer';
  return WORDS[codeOf(attempt.error)] ?? attempt.error.message;
}

/** The address that was tried, with its port. */
export function addressText({ portal, address }: ConnectAttempt): string {
  return portalText({ host: address, port: portal.port });
}

function hintOf(attempt: ConnectAttempt | undefined): string | undefined {
  const code = codeOf(attempt?.error);
  if (code === 'EINVAL' && attempt !== undefined && /^fe[89ab][^%]*$/i.test(attempt.address)) return LINK_LOCAL_HINT;
  return HINTS[code];
}

function codeOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}
