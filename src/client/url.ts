/*
  iSCSI URLs, as libiscsi has them

     iscsi://[user[%password]@]host[:port][,portal-group]/target/lun[?key=value[&key=value]...]      one logical unit
     iscsi://[user[%password]@]host[:port][,portal-group][/anything][?...]                           a portal

  Taken apart in this order: the first "?" ends everything before the query; the first "@" ends the user part; in the
  user part the first "%", or without one the first ":", ends the user name; the first "/" ends the portal, the next one
  the target name.

  Escapes. The target name is percent-decoded, and must be well formed. User names are taken as they stand. Passwords
  and the values of the query are decoded when each "%" in them begins a valid escape, and taken as they stand
  otherwise: so "user%p%40ss@" has the password "p@ss", and "user%100%sure@" has "100%sure", as with libiscsi. A
  password for which that is wrong goes into LIBISCSI_CHAP_PASSWORD, which is never decoded.
*/
import { IscsiError } from '../errors.ts';
import type { ChapAlgorithm } from '../login/chap-algorithms.ts';
import type { ChapIdentity } from '../login/chap-credentials.ts';
import { prepareReceivedName } from '../login/iscsi-name.ts';
import { Secret } from '../login/secret.ts';
import { DEFAULT_PORT } from '../login/send-targets.ts';
import { quote } from '../login/values.ts';
import { encodeLun, type Lun, parseLun } from '../scsi/lun.ts';
import { checkOptions, OBJECT, type OptionRules, oneOf, shown } from '../unit/option-rules.ts';

/** What to authenticate with. */
export interface UrlCredentials extends ChapIdentity {
  /** What the target has to prove, for mutual CHAP. */
  readonly target: ChapIdentity | undefined;
}

/** An iSCSI URL, read. */
export interface IscsiUrl {
  /** DNS name, IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  /** TCP port; 3260 where the URL names none. */
  readonly port: number;
  /** Portal group tag, where the URL names one. */
  readonly portalGroupTag: number | undefined;
  /** Undefined in the URL of a portal. */
  readonly targetName: string | undefined;
  /** Undefined in the URL of a portal. */
  readonly lun: Lun | undefined;
  /**
   * From the URL, and part by part from the environment where the URL has none. Only when name and password are both
   * there.
   */
  readonly credentials: UrlCredentials | undefined;
  /** True when a user or a password was given, but not both: worth a warning, since the login goes without. */
  readonly incompleteCredentials: boolean;
  /** How to authenticate, where the URL says it. */
  readonly auth: ChapAlgorithm | undefined;
  /** The one digest to offer. */
  readonly headerDigest: 'CRC32C' | 'None' | undefined;
  /** The one digest to offer. */
  readonly dataDigest: 'CRC32C' | 'None' | undefined;
  /** The unit serial number that the logical unit must have (`force_usn`). */
  readonly unitSerialNumber: string | undefined;
  /** Names of query keys that mean nothing here: worth a warning. */
  readonly unknownKeys: readonly string[];
}

/** What a URL has to name: see {@link UrlOptions}. */
export type UrlForm = 'full' | 'target' | 'portal' | 'any';

/** How to read a URL. */
export interface UrlOptions {
  /**
   * `full`: target and LUN are required. `target`: the target is, a LUN may be there. `portal`: what follows the portal
   * is passed over. `any`, the default: both or nothing.
   */
  readonly form?: UrlForm;
  /** Where `LIBISCSI_CHAP_*` are looked up: the environment of the process unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const URL_OPTIONS: OptionRules<UrlOptions> = { form: oneOf('full', 'target', 'portal', 'any'), env: OBJECT };
const FULL_FORM = 'iscsi://[<username>[%<password>]@]<host>[:<port>]/<target-iqn>/<lun>';
const PORTAL_FORM = 'iscsi://[<username>[%<password>]@]<host>[:<port>]';
const SCHEME = 'iscsi://';
const AUTHS: readonly string[] = ['md5', 'sha1', 'sha-256', 'sha3-256'] satisfies ChapAlgorithm[];

/**
 * Reads an iSCSI URL.
 *
 * @throws {IscsiError} `ISCSI_URL` with one line that says what is wrong, and the expected form as its hint. Passwords
 * are not in it.
 * @example
 * parseUrl('iscsi://[::1]:3260/iqn.2003-01.org.example:disk/1').targetName; // 'iqn.2003-01.org.example:disk'
 */
export function parseUrl(text: string, options: UrlOptions = {}): IscsiUrl {
  checkOptions(options, URL_OPTIONS, 'parseUrl');
  if (typeof text !== 'string')
    throw new IscsiError('ISCSI_USAGE', `Cannot read ${shown(text)} as a URL: text allowed`);
  const { form = 'any', env = process.env } = options;
  const fail: Fail = (why, hint) => {
    const expected = form === 'portal' ? PORTAL_FORM : FULL_FORM;
    throw new IscsiError('ISCSI_URL', `Cannot read URL ${redactUrl(text)}: ${why}`, {
      hint: hint ?? `write it like ${expected}`,
    });
  };
  if (text.startsWith('iser://'))
    fail('iSCSI over RDMA (iser://) is not supported', 'use iscsi:// to reach the target over TCP');
  if (!text.startsWith(SCHEME)) fail('it does not begin with iscsi://');
  const [head, query] = cut(text.slice(SCHEME.length), '?');
  const [before, after] = cut(head, '@');
  const user = after === undefined ? undefined : before;
  const [portal, path] = cut(after ?? before, '/');
  const keys = readQuery(query, fail);
  const credentials = readCredentials(user, keys, env);
  return {
    ...readPortal(portal, fail),
    ...(form === 'portal' ? { targetName: undefined, lun: undefined } : readPath(path, form, fail)),
    ...credentials,
    auth: readAuth(keys, fail),
    headerDigest: readDigest(keys, 'header_digest', fail),
    dataDigest: readDigest(keys, 'data_digest', fail),
    unitSerialNumber: textOf(keys, 'force_usn'),
    unknownKeys: [...keys.keys()].filter((key) => !KNOWN_KEYS.has(key)),
  };
}

/**
 * The URL as text, without any password. A user name that a URL cannot hold (with `% : @ ?` in it) is left out as well.
 *
 * @example
 * const url = parseUrl('iscsi://me%secret@[::1]/iqn.2003-01.org.example:disk/1');
 * formatUrl(url); // 'iscsi://me@[::1]:3260/iqn.2003-01.org.example:disk/1'
 */
export function formatUrl(url: IscsiUrl): string {
  const { host, portalGroupTag, targetName, lun, credentials } = url;
  const user = credentials !== undefined && !/[%:@?]/.test(credentials.user) ? `${credentials.user}@` : '';
  const tag = portalGroupTag === undefined ? '' : `,${portalGroupTag}`;
  const portal = `${SCHEME}${user}${host.includes(':') ? `[${host}]` : host}:${url.port}${tag}`;
  if (targetName === undefined) return portal + formatQuery(url);
  const target = encodeURIComponent(targetName).replaceAll('%3A', ':');
  return `${portal}/${target}${lun === undefined ? '' : `/${formatUrlLun(lun)}`}${formatQuery(url)}`;
}

/**
 * `text` made fit to be shown: one line, and no password in it. It need not be a well-formed URL, and rather too much
 * is hidden of one that is not.
 *
 * @example
 * redactUrl('iscsi://me%secret@[::1]/iqn.2003-01.org.example:a/1'); //
 * 'iscsi://me%***@[::1]/iqn.2003-01.org.example:a/1'
 */
export function redactUrl(text: string): string {
  const shown = withoutSecrets(text).replace(/\p{C}/gu, '?');
  const scheme = /^[a-z]+:\/\//i.exec(shown)?.[0] ?? '';
  const all = shown.slice(scheme.length);
  // A query of our own keys is one; what else stands behind a "?" may be the rest of a password.
  const [head, query] = cut(all, '?');
  const isQuery = query !== undefined && !query.includes('@') && query.split('&').every(hasKnownKey);
  return scheme + redactHead(isQuery ? head : all) + (isQuery ? `?${query}` : '');
}

/** Without the values of keys that are called so. */
function withoutSecrets(text: string): string {
  return text.replace(/([^?&=]*(?:password|secret)[^?&=]*=)[^&]*/gi, '$1***');
}

/** What stands between scheme and query, without password. */
function redactHead(rest: string): string {
  const at = rest.lastIndexOf('@');
  if (at >= 0) return rest.slice(0, at).replace(/[%:].*$/s, '%***') + rest.slice(at);
  // Without "@", what looks like a password in the portal may be one whose "@" was forgotten. Zones and ports are none.
  const [portal, path] = cut(rest, '/');
  const safe = portal.replace(/^(\[[^\]]*\]|[^%:[\]]*)(?:%|:(?!\d{1,5}(?:,|$))).*$/s, '$1%***');
  return safe + (path === undefined ? '' : `/${path}`);
}

function hasKnownKey(item: string): boolean {
  return KNOWN_KEYS.has(cut(item, '=')[0]);
}

/**
 * The LUN of a URL: 0..16383, or `0x` and 16 hex digits for all eight bytes. Numbers of 16384..65535 are the first two
 * bytes themselves: libiscsi has no other way to write flat addressing, and prints LUN 256 as 16640.
 * @returns Undefined when it is none of these.
 */
export function parseUrlLun(text: string): Lun | undefined {
  if (/^0[xX][0-9a-fA-F]{16}$/.test(text)) return parseLun(text);
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  if (number > 0xffff) return undefined;
  return number <= 0x3fff ? encodeLun(number) : { high: (number << 16) >>> 0, low: 0 };
}

/** Text that {@link parseUrlLun} reads back to the same LUN. */
export function formatUrlLun(lun: Lun): string {
  const first = lun.high >>> 16;
  for (const text of [`${first & 0x3fff}`, `${first}`]) {
    const read = parseUrlLun(text);
    if (read !== undefined && read.high === lun.high && read.low === lun.low) return text;
  }
  const hex = (word: number): string => word.toString(16).padStart(8, '0');
  return `0x${hex(lun.high)}${hex(lun.low)}`;
}

type Fail = (why: string, hint?: string) => never;
type Keys = ReadonlyMap<string, string | undefined>;

const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'auth',
  'header_digest',
  'data_digest',
  'target_user',
  'target_password',
  'force_usn',
]);

function readPortal(portal: string, fail: Fail): Pick<IscsiUrl, 'host' | 'port' | 'portalGroupTag'> {
  const comma = portal.lastIndexOf(',');
  const tag = comma < 0 ? undefined : portal.slice(comma + 1);
  if (tag !== undefined && (!/^[0-9]{1,5}$/.test(tag) || Number(tag) > 65_535))
    fail('the portal group behind the comma is no number of 0..65535');
  const address = comma < 0 ? portal : portal.slice(0, comma);
  // The host is not repeated in messages: with an "@" too few it may be a password.
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/u.exec(address);
  if (parts === null) {
    const bare = /^[0-9A-Fa-f:.]+$/.test(address);
    return bare
      ? fail('an IPv6 address needs brackets', 'write it like iscsi://[::1]:3260/...')
      : fail('the host cannot be understood');
  }
  const host = parts[1] ?? parts[2] ?? '';
  const well = parts[1] === undefined ? /^[^\s%/,@#<>"\\^`{|}\p{C}]+$/u : /^[0-9A-Fa-f:.]+(?:%[\w.~-]+)?$/;
  if (host === '') fail('it names no host');
  // What cannot be a name is refused here, so that the end of a password with an unescaped "@" in it is not asked of a
  // name server.
  if (!well.test(host)) fail('the host cannot be understood');
  const port = parts[3];
  if (port !== undefined && (!/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535))
    fail('the port is no number of 1..65535');
  return {
    host: parts[1] === undefined ? host : host.replace(/%25(?=.)/, '%'),
    port: port === undefined ? DEFAULT_PORT : Number(port),
    portalGroupTag: tag === undefined ? undefined : Number(tag),
  };
}

function readPath(
  path: string | undefined,
  form: Exclude<UrlForm, 'portal'>,
  fail: Fail,
): Pick<IscsiUrl, 'targetName' | 'lun'> {
  if (path === undefined || path === '')
    return form === 'any' ? { targetName: undefined, lun: undefined } : fail('it names no target');
  const [encoded, lunText] = cut(path, '/');
  if (lunText === undefined && form !== 'target') fail('it names a target but no LUN');
  const targetName = decode(encoded) ?? fail('the target name has an escape that is none: "%" is written %25');
  try {
    prepareReceivedName(targetName);
  } catch (cause) {
    fail(cause instanceof Error ? cause.message : 'the target name cannot be one');
  }
  if (lunText === undefined) return { targetName, lun: undefined };
  const lun = parseUrlLun(lunText);
  return {
    targetName,
    lun: lun ?? fail(`the LUN is ${quote(withoutSecrets(lunText))}; 0..65535, or 0x and 16 hexadecimal digits allowed`),
  };
}

function readQuery(query: string | undefined, fail: Fail): Keys {
  const keys = new Map<string, string | undefined>();
  for (const item of query?.split('&') ?? []) {
    if (item === '') continue;
    const [key, value] = cut(item, '=');
    // Such a "key" is most likely the rest of a password with an unescaped "?": it must not end in a warning about
    // unknown keys.
    if (!/^[\w.-]+$/.test(key)) fail('the query has a key that cannot be one');
    keys.set(key, value);
  }
  return keys;
}

function readCredentials(
  userPart: string | undefined,
  keys: Keys,
  env: Readonly<Record<string, string | undefined>>,
): Pick<IscsiUrl, 'credentials' | 'incompleteCredentials'> {
  const [user, password] = splitUser(userPart);
  const own = identity(user ?? env['LIBISCSI_CHAP_USERNAME'], password ?? env['LIBISCSI_CHAP_PASSWORD']);
  const target = identity(
    textOf(keys, 'target_user') ?? env['LIBISCSI_CHAP_TARGET_USERNAME'],
    textOf(keys, 'target_password') ?? env['LIBISCSI_CHAP_TARGET_PASSWORD'],
  );
  const complete = own.identity !== undefined;
  // The target proves itself to those only who prove themselves (RFC 7143 §12.1.3).
  return {
    credentials: own.identity === undefined ? undefined : { ...own.identity, target: target.identity },
    incompleteCredentials: own.partial || target.partial || (target.identity !== undefined && !complete),
  };
}

function splitUser(userPart: string | undefined): [user: string | undefined, password: string | undefined] {
  if (userPart === undefined) return [undefined, undefined];
  const [user, password] = cut(userPart, userPart.includes('%') ? '%' : ':');
  return [user, password === undefined ? undefined : decodeWhereMeant(password)];
}

function identity(
  user: string | undefined,
  password: string | undefined,
): { identity: ChapIdentity | undefined; partial: boolean } {
  const complete = user !== undefined && user !== '' && password !== undefined && password !== '';
  if (complete) return { identity: { user, secret: new Secret(password) }, partial: false };
  return { identity: undefined, partial: (user ?? '') !== '' || (password ?? '') !== '' };
}

function readAuth(keys: Keys, fail: Fail): ChapAlgorithm | undefined {
  if (!keys.has('auth')) return undefined;
  const value = keys.get('auth') ?? '';
  return AUTHS.includes(value) ? (value as ChapAlgorithm) : fail(`auth=${quote(value)}; ${AUTHS.join(', ')} allowed`);
}

function readDigest(keys: Keys, key: string, fail: Fail): 'CRC32C' | 'None' | undefined {
  if (!keys.has(key)) return undefined;
  const value = keys.get(key) ?? '';
  if (value === 'crc32c') return 'CRC32C';
  return value === 'none' ? 'None' : fail(`${key}=${quote(value)}; crc32c, none allowed`);
}

function textOf(keys: Keys, key: string): string | undefined {
  const value = keys.get(key);
  return value === undefined ? undefined : decodeWhereMeant(value);
}

function formatQuery(url: IscsiUrl): string {
  const pairs = [
    ['auth', url.auth],
    ['header_digest', url.headerDigest?.toLowerCase()],
    ['data_digest', url.dataDigest?.toLowerCase()],
    ['target_user', url.credentials?.target?.user],
    ['force_usn', url.unitSerialNumber],
  ] as const;
  const items = pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`]));
  return items.length > 0 ? `?${items.join('&')}` : '';
}

/** See "Escapes" at the head of this file. */
function decodeWhereMeant(text: string): string {
  return decode(text) ?? text;
}

/** Undefined when an escape is malformed, or the result is no UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function cut(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
