import { IscsiError } from '../errors.ts';

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is a target listening there?',
  ENOTFOUND: 'is the host name spelled right?',
  EAI_AGAIN: 'is the name server reachable?',
  EHOSTUNREACH: 'is the host up, and is there a route to it?',
  ENETUNREACH: 'is there a route to that network?',
  ETIMEDOUT: 'is the host up, and does a firewall drop the packets?',
};

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
};

/** Says in one line why no TCP connection could be made, and what to look at. */
export function connectError(cause: Error, portal: string): IscsiError {
  const code = codeOf(cause);
  const what = WORDS[code] ?? cause.message;
  const hint = HINTS[code];
  return new IscsiError(
    code === 'ECONNREFUSED' ? 'ISCSI_REFUSED' : 'ISCSI_UNREACHABLE',
    `Cannot connect to ${portal}: ${what}`,
    hint === undefined ? { cause } : { cause, hint },
  );
}

/** The code of a system error; of several attempts (one per address) that of the first. */
function codeOf(error: Error): string {
  const { code, errors } = error as { readonly code?: unknown; readonly errors?: readonly Error[] };
  if (typeof code === 'string') return code;
  const first = errors?.[0];
  return first === undefined ? '' : codeOf(first);
}
