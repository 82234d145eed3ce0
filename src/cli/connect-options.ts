/** The options of every tool that connects to a target. */
import type { ConnectOptions } from '../client/options.ts';
import type { IscsiUrl } from '../client/url.ts';
import { parseUrl } from '../client/url.ts';
import type { OptionTable } from './options.ts';
import type { Printer } from './print.ts';
import type { Host } from './tool.ts';

/** Rows for the option tables; `--debug` differs from tool to tool, as libiscsi's does. */
export const CONNECT_OPTIONS = {
  initiatorName: { kind: 'text', short: 'i', value: 'IQN', help: 'iSCSI name of this initiator' },
  timeout: { kind: 'seconds', value: 'SECONDS', help: 'Time that one command may take (30)' },
  connectTimeout: { kind: 'seconds', value: 'SECONDS', help: 'Time until the session must stand (15)' },
} as const satisfies OptionTable;

/** `--json` for the option tables. */
export const JSON_OPTION = { kind: 'flag', help: 'Print one JSON document instead of text' } as const;

/** What the help of every initiator tool says below its options. */
export const URL_HELP = `URL: iscsi://[USER[%PASSWORD]@]HOST[:PORT]/TARGET/LUN, HOST a name, an IPv4 address or [IPv6]
The environment (LIBISCSI_CHAP_USERNAME, LIBISCSI_CHAP_PASSWORD and the like) is a safer place for a
password than the command line, which other users of this machine can read.`;

/** The same for tools that want a portal. */
export const PORTAL_HELP = URL_HELP.replace('/TARGET/LUN', '');

/** Exit codes, for the end of every help. */
export const EXIT_HELP =
  'exit codes: 0 done, 1 failed, 2 usage, 3 cannot connect, 4 authentication, 5 not found, 6 partial result';

/** What the command line says about connecting, as the library wants it. */
export function connectOptions(
  options: {
    readonly initiatorName: string | undefined;
    readonly timeout: number | undefined;
    readonly connectTimeout: number | undefined;
  },
  host: Host,
): ConnectOptions {
  const { initiatorName, timeout, connectTimeout } = options;
  return {
    signal: host.signal,
    ...(initiatorName === undefined ? {} : { initiatorName }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
  };
}

/**
 * Reads the URL of a command line and warns about what in it has no effect.
 * @throws {IscsiError} `ISCSI_URL`
 */
export function readUrl(text: string, form: 'full' | 'portal', print: Printer, host: Host): IscsiUrl {
  const url = parseUrl(text, { form, env: host.env });
  if (url.incompleteCredentials)
    print.note('warning: user name and password are not both given: the login goes without');
  if (url.unknownKeys.length > 0)
    print.note(`warning: the URL has keys without a meaning: ${url.unknownKeys.join(', ')}`);
  return url;
}
