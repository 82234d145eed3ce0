import { copyBytes } from '../bytes/copy.ts';
import { viewOf } from '../bytes/hex.ts';
import { ipBytes } from './ip-address.ts';
import type { CapturedPacket } from './pcapng-write.ts';
import { type Direction, RECEIVED, SENT, type TcpEnds } from './sink.ts';

/** Payload of one packet: what IPv4 can hold, less the headers. */
const LONGEST_PAYLOAD = 65_000;
const ETHERNET_LENGTH = 14;
const TCP_LENGTH = 20;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const ACK = 0x10;

interface Sender {
  readonly mac: number;
  readonly address: Uint8Array;
  readonly port: number;
  /** The sequence number of the next byte. */
  next: number;
}

/**
 * Puts what went over a connection into packets as a network would have carried it: Ethernet, IP and TCP headers are
 * made up, addresses, ports and the order of bytes are true. Checksums of TCP are 0, since not all data is there.
 */
export class TcpPackets {
  readonly #ends: readonly [Sender, Sender];
  readonly #client: Direction;
  readonly #ipLength: number;
  readonly #emit: (packet: CapturedPacket) => void;
  /** Goes with the next packet. */
  comment: string | undefined;

  constructor({ local, remote, client }: TcpEnds, emit: (packet: CapturedPacket) => void) {
    const addresses = [ipBytes(local.address), ipBytes(remote.address)] as const;
    const four = addresses[0].length === 4 && addresses[1].length === 4;
    const [here, there] = four ? addresses : [toSix(addresses[0]), toSix(addresses[1])];
    this.#ends = [
      { mac: 1, address: here, port: local.port, next: 1000 },
      { mac: 2, address: there, port: remote.port, next: 5000 },
    ];
    this.#client = client ? SENT : RECEIVED;
    this.#ipLength = four ? 20 : 40;
    this.#emit = emit;
  }

  /** The handshake. */
  open(time: number): void {
    const server: Direction = this.#client === SENT ? RECEIVED : SENT;
    this.#packet(this.#client, time, SYN, NOTHING, 0, 0, 0);
    this.#packet(server, time, SYN | ACK, NOTHING, 0, 0, 0);
    this.#packet(this.#client, time, ACK, NOTHING, 0, 0, 0);
  }

  /** `bytes[from, to)`, copied, and `skipped` bytes behind them that are not there. */
  data(direction: Direction, time: number, bytes: Uint8Array, from: number, to: number, skipped: number): void {
    let at = from;
    let left = skipped;
    while (at < to || left > 0) {
      const shown = Math.min(to - at, LONGEST_PAYLOAD);
      const hidden = at + shown < to ? 0 : Math.min(left, LONGEST_PAYLOAD - shown);
      this.#packet(direction, time, PSH | ACK, bytes, at, at + shown, hidden);
      at += shown;
      left -= hidden;
    }
  }

  /** The end, in order or by a reset. */
  close(time: number, failed: boolean): void {
    if (failed) {
      this.#packet(SENT, time, RST | ACK, NOTHING, 0, 0, 0);
      return;
    }
    this.#packet(SENT, time, FIN | ACK, NOTHING, 0, 0, 0);
    this.#packet(RECEIVED, time, FIN | ACK, NOTHING, 0, 0, 0);
    this.#packet(SENT, time, ACK, NOTHING, 0, 0, 0);
  }

  #packet(
    direction: Direction,
    time: number,
    flags: number,
    payload: Uint8Array,
    from: number,
    to: number,
    hidden: number,
  ): void {
    const sender = this.#ends[direction];
    const other = this.#ends[direction === SENT ? RECEIVED : SENT];
    const headers = ETHERNET_LENGTH + this.#ipLength + TCP_LENGTH;
    const bytes = new Uint8Array(headers + to - from);
    const view = viewOf(bytes);
    bytes[5] = other.mac | 0x40;
    bytes[0] = 0x02; // locally administered, so nobody's
    bytes[6] = 0x02;
    bytes[11] = sender.mac | 0x40;
    const length = to - from + hidden;
    if (this.#ipLength === 20) writeIpv4(view, length, sender, other);
    else writeIpv6(view, length, sender, other);
    writeTcp(view, ETHERNET_LENGTH + this.#ipLength, flags, sender, other);
    copyBytes(payload, from, to, bytes, headers);
    sender.next = (sender.next + length + ((flags & (SYN | FIN)) === 0 ? 0 : 1)) >>> 0;
    const { comment } = this;
    this.comment = undefined;
    this.#emit({ time, bytes, originalLength: headers + length, comment });
  }
}

const NOTHING = new Uint8Array(0);

/** IPv4 as IPv6 (`::ffff:…`), where the other end is IPv6. */
function toSix(address: Uint8Array): Uint8Array {
  if (address.length === 16) return address;
  const bytes = new Uint8Array(16);
  bytes.set([0xff, 0xff], 10);
  bytes.set(address, 12);
  return bytes;
}

function writeIpv4(view: DataView, payloadLength: number, from: Sender, to: Sender): void {
  const at = ETHERNET_LENGTH;
  view.setUint16(12, 0x0800);
  view.setUint16(at, 0x4500); // version 4, 5 words
  view.setUint16(at + 2, 20 + TCP_LENGTH + payloadLength);
  view.setUint16(at + 6, 0x4000); // don't fragment
  view.setUint16(at + 8, 0x4006); // 64 hops, TCP
  for (let index = 0; index < 4; index++) {
    view.setUint8(at + 12 + index, from.address[index] ?? 0);
    view.setUint8(at + 16 + index, to.address[index] ?? 0);
  }
  let sum = 0;
  for (let word = 0; word < 20; word += 2) sum += view.getUint16(at + word);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at + 10, ~((sum & 0xffff) + (sum >>> 16)));
}

function writeIpv6(view: DataView, payloadLength: number, from: Sender, to: Sender): void {
  const at = ETHERNET_LENGTH;
  view.setUint16(12, 0x86dd);
  view.setUint8(at, 0x60);
  view.setUint16(at + 4, TCP_LENGTH + payloadLength);
  view.setUint16(at + 6, 0x0640); // TCP, 64 hops
  for (let index = 0; index < 16; index++) {
    view.setUint8(at + 8 + index, from.address[index] ?? 0);
    view.setUint8(at + 24 + index, to.address[index] ?? 0);
  }
}

function writeTcp(view: DataView, at: number, flags: number, from: Sender, to: Sender): void {
  view.setUint16(at, from.port);
  view.setUint16(at + 2, to.port);
  view.setUint32(at + 4, from.next);
  view.setUint32(at + 8, (flags & ACK) === 0 ? 0 : to.next);
  view.setUint16(at + 12, 0x5000 | flags);
  view.setUint16(at + 14, 0xffff); // window
}
