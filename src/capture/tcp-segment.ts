/** Finds the TCP segment in a packet, whatever carries it. */
import { viewOf } from '../bytes/hex.ts';
import { ipText } from './ip-address.ts';

/** One TCP segment. */
export interface TcpSegment {
  /** `address:port` of the sender. */
  readonly from: string;
  /** `address:port` of the receiver. */
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly sequence: number;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  /** What was captured of the payload. */
  readonly payload: Uint8Array;
  /** How long it was. */
  readonly payloadLength: number;
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
/** 802.1Q, 802.1ad. */
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);
const TCP = 6;
/** Hop-by-hop, routing, destination options: what may stand between IPv6 and TCP. */
const IPV6_EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const MOST_HEADERS = 8;

/** Where the IP packet begins, by link type; Ethernet may have VLAN tags before it. */
const LINKS: Readonly<Record<number, (view: DataView) => number>> = {
  0: () => 4, // BSD loopback
  1: ethernet,
  12: () => 0, // raw IP
  14: () => 0,
  101: () => 0,
  108: () => 4,
  113: () => 16, // Linux cooked
  228: () => 0,
  229: () => 0,
  276: () => 20, // Linux cooked, version 2
};

/** Whether packets of a link type can be read. */
export function knowsLink(linkType: number): boolean {
  return linkType in LINKS;
}

/**
 * The TCP segment of a packet; undefined when there is none, when it is a piece of a fragmented IP packet, or when the
 * capture cut it before its payload begins.
 */
export function tcpSegment(linkType: number, bytes: Uint8Array, originalLength: number): TcpSegment | undefined {
  const view = viewOf(bytes);
  const at = LINKS[linkType]?.(view);
  if (at === undefined || at + 20 > bytes.length) return undefined;
  const version = view.getUint8(at) >>> 4;
  const ip =
    version === 4 ? ipv4(view, at, originalLength) : version === 6 ? ipv6(view, at, originalLength) : undefined;
  return ip === undefined ? undefined : segment(bytes, view, ip);
}

interface Ip {
  readonly source: string;
  readonly destination: string;
  readonly tcpAt: number;
  /** Where the IP packet ended before the capture cut it. */
  readonly end: number;
}

function ethernet(view: DataView): number {
  let at = 12;
  for (let tags = 0; tags < 4 && at + 2 <= view.byteLength && VLAN_TAGS.has(view.getUint16(at)); tags++) at += 4;
  if (at + 2 > view.byteLength) return view.byteLength;
  const type = view.getUint16(at);
  return type === IPV4 || type === IPV6 ? at + 2 : view.byteLength;
}

function ipv4(view: DataView, at: number, originalLength: number): Ip | undefined {
  const headerLength = (view.getUint8(at) & 0x0f) * 4;
  const fragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
  if (headerLength < 20 || fragment || view.getUint8(at + 9) !== TCP) return undefined;
  // 0: the network card was to cut it into packets, so it is as long as it was captured.
  const total = view.getUint16(at + 2) || originalLength - at;
  return {
    source: address(view, at + 12, 4),
    destination: address(view, at + 16, 4),
    tcpAt: at + headerLength,
    end: Math.min(at + total, originalLength),
  };
}

function ipv6(view: DataView, at: number, originalLength: number): Ip | undefined {
  if (at + 40 > view.byteLength) return undefined;
  const payload = view.getUint16(at + 4) || originalLength - at - 40;
  let next = view.getUint8(at + 6);
  let tcpAt = at + 40;
  for (let headers = 0; headers < MOST_HEADERS && IPV6_EXTENSIONS.has(next); headers++) {
    if (tcpAt + 2 > view.byteLength) return undefined;
    next = view.getUint8(tcpAt);
    tcpAt += 8 + view.getUint8(tcpAt + 1) * 8;
  }
  if (next !== TCP) return undefined;
  const end = Math.min(at + 40 + payload, originalLength);
  return { source: address(view, at + 8, 16), destination: address(view, at + 24, 16), tcpAt, end };
}

function segment(bytes: Uint8Array, view: DataView, { source, destination, tcpAt, end }: Ip): TcpSegment | undefined {
  if (tcpAt + 20 > bytes.length) return undefined;
  const payloadAt = tcpAt + (view.getUint8(tcpAt + 12) >>> 4) * 4;
  if (payloadAt < tcpAt + 20 || payloadAt > end) return undefined;
  const flags = view.getUint8(tcpAt + 13);
  const fromPort = view.getUint16(tcpAt);
  const toPort = view.getUint16(tcpAt + 2);
  return {
    from: endpoint(source, fromPort),
    to: endpoint(destination, toPort),
    fromPort,
    toPort,
    sequence: view.getUint32(tcpAt + 4),
    syn: (flags & 0x02) !== 0,
    ack: (flags & 0x10) !== 0,
    fin: (flags & 0x01) !== 0,
    rst: (flags & 0x04) !== 0,
    payload: bytes.subarray(Math.min(payloadAt, bytes.length), Math.min(end, bytes.length)),
    payloadLength: end - payloadAt,
  };
}

function address(view: DataView, at: number, length: number): string {
  return ipText(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
