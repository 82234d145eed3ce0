/**
 * SendTargets (RFC 7143 appendix C) and TargetAddress (§13.8).
 *
 *     answer  = *( "TargetName=" name NUL *( "TargetAddress=" address NUL ) )
 *     address = host [ ":" port ] [ "," portal-group-tag ]        host = DNS name / IPv4 / "[" IPv6 "]"
 */

import { fromUtf8 } from '../bytes/text.ts';
import { ValueError } from '../bytes/value-error.ts';
import { ProtocolError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { prepareReceivedName } from './iscsi-name.ts';
import { parseNumber, quote } from './values.ts';

/** The port of a portal that names none (RFC 7143 §15). */
export const DEFAULT_PORT = 3260;

/** More than any portal has. */
const MOST_TARGETS = 65_536;
const MOST_ADDRESSES = 262_144;
/** Names that are none: from then on it is no list. */
const MOST_PROBLEMS = 1000;
/** Bytes of a key (RFC 7143 §6.1), and of what is kept of a value: more than a name or an address has. */
const KEY_LIMIT = 63;
const VALUE_LIMIT = 1024;
const NUL = 0;
const EQUALS = 0x3d;
/** The longest DNS name in characters. */
const HOST_LIMIT = 255;
/** The longest address that is looked at: host, brackets and zone, port, tag. */
const ADDRESS_LIMIT = 2 * HOST_LIMIT;
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.~-]+)?)\]|([^\s:,[\]\p{C}]+))(?::(\w+))?(?:,([^,\s]*))?$/u;

/** Where a portal listens. */
export interface TargetAddress {
  /** DNS name, IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The portal group; absent in redirects, where it is not allowed, and where it cannot be read. */
  readonly portalGroupTag: number | undefined;
}

/** One target of a SendTargets answer. */
export interface TargetRecord {
  readonly name: string;
  /** Its portals. None means: the portal that was asked. */
  readonly addresses: readonly TargetAddress[];
  /** Addresses that could not be read, as they came: one bad address must not hide the other portals. */
  readonly unreadable: readonly string[];
  /** Why nobody can log in by that name: one bad name must not hide the other targets. */
  readonly problem?: ProtocolError;
}

/**
 * Reads a TargetAddress.
 * @throws {ProtocolError} When it is not of the form above.
 */
export function parseTargetAddress(value: string): TargetAddress {
  const address = readAddress(value);
  if (address?.hasBadTag === false) return address.portal;
  throw new ProtocolError(`Cannot read TargetAddress=${quote(value)}: host[:port][,portal-group-tag] allowed`, {
    clause: '13.8',
  });
}

/** The address as text, IPv6 in brackets, with the portal group tag where there is one. */
export function formatTargetAddress(address: TargetAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const tag = address.portalGroupTag === undefined ? '' : `,${address.portalGroupTag}`;
  return `${host}:${address.port}${tag}`;
}

/**
 * Reads the answer to SendTargets. Keys besides TargetName and TargetAddress are passed over, as older targets send
 * some.
 * @throws {ProtocolError} When an address stands before the first name, the request was refused, or there are more
 *   targets, addresses or names that are none than anybody has.
 */
export function parseSendTargets(pairs: Iterable<TextPair>): TargetRecord[] {
  return [...targetRecords(pairs)];
}

/** As {@link parseSendTargets}, one target after the other: for lists that are too long to be read in one go. */
export function* targetRecords(pairs: Iterable<TextPair>): Generator<TargetRecord> {
  let [targets, addresses, problems] = [0, 0, 0];
  let record: RecordInMaking | undefined;
  for (const [key, value] of pairs) {
    if (key === 'SendTargets') {
      throw new ProtocolError(`Cannot list targets: the target answers SendTargets=${quote(value)}`, { clause: 'C' });
    }
    if (key === 'TargetName') {
      if (record !== undefined) yield finished(record);
      if (++targets > MOST_TARGETS) throw tooMany(`${MOST_TARGETS} targets`);
      const problem = problemOf(value);
      if (problem !== undefined && ++problems > MOST_PROBLEMS) throw problem;
      record = { name: value, problem, values: [] };
    }
    if (key !== 'TargetAddress') continue;
    if (++addresses > MOST_ADDRESSES) throw tooMany(`${MOST_ADDRESSES} addresses`);
    if (record === undefined)
      throw new ProtocolError('Cannot take a TargetAddress before the first TargetName', { clause: 'C' });
    record.values.push(value);
  }
  if (record !== undefined) yield finished(record);
}

/**
 * The pairs of an answer to SendTargets, one after the other. Such an answer can be long, so that no value is taken
 * from it further than a name or an address can be: one that is cut is too long to be either.
 * @throws {ProtocolError} When a pair is none.
 */
export function* sendTargetsPairs(bytes: Uint8Array): Generator<TextPair> {
  for (let at = 0; at < bytes.length; ) {
    const stop = bytes.indexOf(NUL, at);
    const end = stop < 0 ? bytes.length : stop;
    const equals = bytes.subarray(at, Math.min(end, at + KEY_LIMIT + 1)).indexOf(EQUALS);
    if (end > at) {
      if (equals <= 0 || stop < 0)
        throw new ProtocolError(`Cannot read the list of targets: no key=value and NUL at byte ${at}`, { clause: 'C' });
      const from = at + equals + 1;
      yield [fromUtf8(bytes, at, at + equals), fromUtf8(bytes, from, Math.min(end, from + VALUE_LIMIT))];
    }
    at = end + 1;
  }
}

/** Whether a host is a wildcard, such as 0.0.0.0 or ::, by which a portal means that it listens everywhere. */
export function isWildcardHost(host: string): boolean {
  return host.length <= HOST_LIMIT && /^(?:::ffff:)?[0:.]+(?:%.*)?$/i.test(host);
}

/**
 * Reads what can be read of a list of TargetAddress values: one that cannot must not hide the others. A tag that is
 * none, such as -1, hides no portal either: the address is as good without.
 */
export function readAddresses(values: Iterable<string>): Pick<TargetRecord, 'addresses' | 'unreadable'> {
  const addresses: TargetAddress[] = [];
  const unreadable: string[] = [];
  for (const value of values) {
    const address = readAddress(value);
    if (address === undefined) unreadable.push(value);
    else addresses.push(address.portal);
  }
  return { addresses, unreadable };
}

/**
 * The answer to SendTargets, one record a target.
 * @throws {RangeError} When an address has no portal group tag, which is required here (RFC 7143 §13.8).
 */
export function formatSendTargets(records: Iterable<Pick<TargetRecord, 'name' | 'addresses'>>): TextPair[] {
  const pairs: TextPair[] = [];
  for (const { name, addresses } of records) {
    pairs.push(['TargetName', name]);
    for (const address of addresses) {
      if (address.portalGroupTag === undefined) {
        throw new ValueError(
          `Cannot list ${address.host}: an address in a SendTargets answer needs its portal group tag`,
        );
      }
      pairs.push(['TargetAddress', formatTargetAddress(address)]);
    }
  }
  return pairs;
}

interface RecordInMaking {
  readonly name: string;
  readonly problem: ProtocolError | undefined;
  readonly values: string[];
}

function finished({ name, problem, values }: RecordInMaking): TargetRecord {
  return { name, ...readAddresses(values), ...(problem === undefined ? {} : { problem }) };
}

/** Checked only: a login sends the name as the target spells it. */
function problemOf(name: string): ProtocolError | undefined {
  try {
    prepareReceivedName(name);
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

function tooMany(what: string): ProtocolError {
  return new ProtocolError(`Cannot list more than ${what}`, { clause: 'C' });
}

function readAddress(value: string): { portal: TargetAddress; hasBadTag: boolean } | undefined {
  const parts = value.length > ADDRESS_LIMIT ? null : ADDRESS.exec(value);
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? DEFAULT_PORT : parseNumber(parts[3]);
  const tag = parts?.[4] === undefined ? undefined : parseNumber(parts[4]);
  if (host === undefined || host.length > HOST_LIMIT || port === undefined || port < 1 || port > 65_535)
    return undefined;
  const hasBadTag = parts?.[4] !== undefined && (tag === undefined || tag > 65_535);
  return { portal: { host, port, portalGroupTag: hasBadTag ? undefined : tag }, hasBadTag };
}
