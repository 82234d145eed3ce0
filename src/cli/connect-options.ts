/** The options of every tool that connects to a target. */
import { readChapFile } from '../client/chap-file.ts';
import type { ConnectOptions } from '../client/options.ts';
import type { IscsiUrl } from '../client/url.ts';
import { parseUrl } from '../client/url.ts';
import { CAPTURE_OPTIONS } from './capture-options.ts';
import type { OptionTable } from './options.ts';
import type { Printer } from './print.ts';
import type { Host } from './tool.ts';

/** Rows for the option tables; `--debug` differs from tool to tool, as libiscsi's does. */
export const CONNECT_OPTIONS = {
  initiatorName: { kind: 'text', short: 'i', value: 'IQN', help: 'iSCSI name of this initiator' },
  timeout: { kind: 'seconds', value: 'SECONDS', help: 'Time that one command may take (30)' },
  connectTimeout: { kind: 'seconds', value: 'SECONDS', help: 'Time until the session must stand (15)' },
  chapFile: { kind: 'text', value: 'FILE', help: 'User and password for CHAP, in a file that only its owner can read' },
  allowShortSecrets: { kind: 'flag', help: 'Use passwords of less than 12 bytes, which are easily guessed' },
  ...CAPTURE_OPTIONS,
} as const satisfies OptionTable;

/** `--json` for the option tables. */
export const JSON_OPTION = { kind: 'flag', help: 'Print one JSON document instead of text' } as const;

/** What the help of every initiator tool says below its options. */
export const URL_HELP = `URL: iscsi://[USER[%PASSWORD]@]HOST[:PORT]/TARGET/LUN[?KEY=VALUE[&KEY=VALUE]...]
HOST: a name, an IPv4 address or [IPv6]. KEY:
  header_digest, data_digest    crc32c or none: the one digest to offer
  force_usn                     unit serial number that the logical unit must have
  auth                          md5, sha1, sha-256 or sha3-256: the one hash to offer for CHAP
  target_user, target_password  what the target has to prove with CHAP
Where the URL has no user or password for CHAP, they come from --chap-file, or else from LIBISCSI_CHAP_USERNAME,
LIBISCSI_CHAP_PASSWORD, LIBISCSI_CHAP_TARGET_USERNAME and LIBISCSI_CHAP_TARGET_PASSWORD: there, unlike in a command
line, other users of the machine cannot see them.`;

/** The same for tools that want a portal. */
export const PORTAL_HELP = URL_HELP.replace('/TARGET/LUN', '');

/** Exit codes, for the end of every help. */
export const EXIT_HELP = `exit codes: 0 done, 1 failed, 2 usage, 3 cannot connect, 4 authentication, 5 not found, 6 partial result,
130 interrupted (SIGINT), 143 terminated (SIGTERM, SIGHUP)`;

/** What the command line says about connecting, as the library wants it. */
export function connectOptions(
  options: {
    readonly initiatorName: string | undefined;
    readonly timeout: number | undefined;
    readonly connectTimeout: number | undefined;
    readonly allowShortSecrets?: boolean;
  },
  host: Host,
): ConnectOptions {
  const { initiatorName, timeout, connectTimeout, allowShortSecrets } = options;
  return {
    signal: host.signal,
    ...(host.capture === undefined ? {} : { capture: host.capture }),
    ...(initiatorName === undefined ? {} : { initiatorName }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(allowShortSecrets === true ? { allowShortSecrets } : {}),
  };
}

/**
 * The host as URLs see it: what a file of credentials says stands in the place of the variables for them.
 * @throws {IscsiError} `ISCSI_CHAP_FILE`
 */
export async function withChapFile(options: { readonly chapFile: string | undefined }, host: Host): Promise<Host> {
  if (options.chapFile === undefined) return host;
  const { user, password, target } = await readChapFile(options.chapFile);
  const env = {
    ...host.env,
    LIBISCSI_CHAP_USERNAME: user,
    LIBISCSI_CHAP_PASSWORD: password,
    LIBISCSI_CHAP_TARGET_USERNAME: target?.user,
    LIBISCSI_CHAP_TARGET_PASSWORD: target?.password,
  };
  return { ...host, env };
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
