/**
 * SendTargets (RFC 7143 appendix C) and TargetAddress (§13.8).
 *
 *     answer  = *( "TargetName=" name NUL *( "TargetAddress=" address NUL ) )
 *     address = host [ ":" port ] [ "," portal-group-tag ]        host = DNS name / IPv4 / "[" IPv6 "]"
 */

import { ValueError } from '../bytes/value-error.ts';
import { ProtocolError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { prepareReceivedName } from './iscsi-name.ts';
import { parseNumber, quote } from './values.ts';

/** The port of a portal that names none (RFC 7143 §15). */
export const DEFAULT_PORT = 3260;

/** The longest DNS name in characters. */
const HOST_LIMIT = 255;
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.~-]+)?)\]|([^\s:,[\]\p{C}]+))(?::(\w+))?(?:,(\w+))?$/u;

/** Where a portal listens. */
export interface TargetAddress {
  /** DNS name, IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The portal group; absent in redirects, where it is not allowed. */
  readonly portalGroupTag: number | undefined;
}

/** One target of a SendTargets answer. */
export interface TargetRecord {
  readonly name: string;
  /** Its portals. None means: the portal that was asked. */
  readonly addresses: readonly TargetAddress[];
  /** Addresses that could not be read, as they came: one bad address must not hide the other portals. */
  readonly unreadable: readonly string[];
}

/**
 * Reads a TargetAddress.
 * @throws {ProtocolError} When it is not of the form above.
 */
export function parseTargetAddress(value: string): TargetAddress {
  const address = readAddress(value);
  if (address !== undefined) return address;
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
 * @throws {ProtocolError} When an address stands before the first name, a name cannot be one, or the request was
 *   refused.
 */
export function parseSendTargets(pairs: Iterable<TextPair>): TargetRecord[] {
  const records: { name: string; values: string[] }[] = [];
  for (const [key, value] of pairs) {
    if (key === 'SendTargets') {
      throw new ProtocolError(`Cannot list targets: the target answers SendTargets=${quote(value)}`, { clause: 'C' });
    }
    if (key === 'TargetName') {
      prepareReceivedName(value); // checked only: a login sends the name as the target spells it
      records.push({ name: value, values: [] });
    }
    if (key !== 'TargetAddress') continue;
    const record = records.at(-1);
    if (record === undefined)
      throw new ProtocolError('Cannot take a TargetAddress before the first TargetName', { clause: 'C' });
    record.values.push(value);
  }
  return records.map(({ name, values }) => ({ name, ...readAddresses(values) }));
}

/** Reads what can be read of a list of TargetAddress values: one that cannot must not hide the others. */
export function readAddresses(values: Iterable<string>): Pick<TargetRecord, 'addresses' | 'unreadable'> {
  const addresses: TargetAddress[] = [];
  const unreadable: string[] = [];
  for (const value of values) {
    const address = readAddress(value);
    if (address === undefined) unreadable.push(value);
    else addresses.push(address);
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

function readAddress(value: string): TargetAddress | undefined {
  const parts = ADDRESS.exec(value);
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? DEFAULT_PORT : parseNumber(parts[3]);
  const portalGroupTag = parts?.[4] === undefined ? undefined : parseNumber(parts[4]);
  if (host === undefined || host.length > HOST_LIMIT || port === undefined || port < 1 || port > 65_535)
    return undefined;
  if (parts?.[4] !== undefined && (portalGroupTag === undefined || portalGroupTag > 65_535)) return undefined;
  return { host, port, portalGroupTag };
}
