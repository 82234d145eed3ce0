/**
 * Writes TCP connections as a capture file (classic pcap), without a network: raw IP packets (link type 101) with 40
 * bytes of IPv4 and TCP header, sequence numbers kept, checksums 0. Nothing in it depends on time or rights, so the
 * same bytes give the same file.
 */

import { concat } from '../../src/bytes/hex.ts';

/** The ports of the connection; the initiator is the client. */
export interface PcapOptions {
  readonly clientPort: number;
  readonly serverPort: number;
}

/** What one packet carries at most; IPv4 could hold 65,495. */
const PACKET_LENGTH = 60_000;
const FILE_HEADER_LENGTH = 24;
const HEADERS_LENGTH = 40; // IPv4 20, TCP 20
const RECORD_HEADER_LENGTH = 16;
const LINK_TYPE_RAW = 101;
const SYN = 0x02;
const PSH = 0x08;
const ACK = 0x10;

interface End {
  readonly address: number;
  readonly port: number;
  /** The sequence number of the next byte that this end sends. */
  next: number;
}

/** A capture file that is being written, packet by packet; several connections may share one. */
export class PcapFile {
  readonly #write: (bytes: Uint8Array) => void;
  #packets = 0;

  /** @param write Takes the next bytes of the file over. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
    write(fileHeader());
  }

  /** The number of packets so far, which is the frame number of the last one. */
  get packets(): number {
    return this.#packets;
  }

  /**
   * Adds a packet: room for the 16 bytes of the record header, which is filled in here, then the IP packet. Takes
   * `record` over.
   */
  add(record: Uint8Array): void {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const length = record.length - RECORD_HEADER_LENGTH;
    view.setUint32(0, Math.floor(this.#packets / 1000)); // seconds: a packet a millisecond, so that the order is plain
    view.setUint32(4, (this.#packets % 1000) * 1000); // microseconds
    view.setUint32(8, length);
    view.setUint32(12, length);
    this.#packets++;
    this.#write(record);
  }
}

/** A small capture file in memory. */
export class PcapInMemory extends PcapFile {
  readonly #parts: Uint8Array[];

  constructor() {
    const parts: Uint8Array[] = [];
    super((bytes) => parts.push(bytes));
    this.#parts = parts;
  }

  /** The whole file. Owned by the caller. */
  bytes(): Uint8Array<ArrayBuffer> {
    return concat(...this.#parts);
  }
}

function fileHeader(): Uint8Array {
  const header = new Uint8Array(FILE_HEADER_LENGTH);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0xa1b2_c3d4); // big-endian, microseconds
  view.setUint32(4, 0x0002_0004); // version 2.4
  view.setUint32(16, 0x0004_0000); // longest packet
  view.setUint32(20, LINK_TYPE_RAW);
  return header;
}

/** Collects what both ends of one connection send. The handshake is written first. */
export class PcapWriter<F extends PcapFile = PcapInMemory> {
  /** The file that it writes to. */
  readonly file: F;
  readonly #initiator: End;
  readonly #target: End;

  constructor({ clientPort, serverPort }: PcapOptions, file: F) {
    this.file = file;
    this.#initiator = { address: 0x0a00_0001, port: clientPort, next: 1000 };
    this.#target = { address: 0x0a00_0002, port: serverPort, next: 500_000 };
    this.#packet(this.#initiator, this.#target, SYN, new Uint8Array());
    this.#packet(this.#target, this.#initiator, SYN | ACK, new Uint8Array());
    this.#packet(this.#initiator, this.#target, ACK, new Uint8Array());
  }

  /** Adds what the initiator sent: one packet, or as many as needed. `bytes` is copied. */
  fromInitiator(bytes: Uint8Array): this {
    return this.#send(this.#initiator, this.#target, bytes);
  }

  /** Adds what the target sent: one packet, or as many as needed. `bytes` is copied. */
  fromTarget(bytes: Uint8Array): this {
    return this.#send(this.#target, this.#initiator, bytes);
  }

  /** The number of packets so far, which is the frame number of the last one. The handshake takes three. */
  get packets(): number {
    return this.file.packets;
  }

  #send(from: End, to: End, bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += PACKET_LENGTH) {
      this.#packet(from, to, PSH | ACK, bytes.subarray(at, at + PACKET_LENGTH));
    }
    return this;
  }

  #packet(from: End, to: End, flags: number, payload: Uint8Array): void {
    const length = HEADERS_LENGTH + payload.length;
    const record = new Uint8Array(RECORD_HEADER_LENGTH + length);
    const view = new DataView(record.buffer);
    writeIpHeader(view, RECORD_HEADER_LENGTH, length, from, to);
    writeTcpHeader(view, RECORD_HEADER_LENGTH + 20, flags, from, to);
    record.set(payload, RECORD_HEADER_LENGTH + HEADERS_LENGTH);
    this.file.add(record);
    from.next = (from.next + payload.length + ((flags & SYN) !== 0 ? 1 : 0)) >>> 0;
  }
}

function writeIpHeader(view: DataView, at: number, length: number, from: End, to: End): void {
  view.setUint32(at, 0x4500_0000 | length); // version 4, 5 words, total length
  view.setUint32(at + 4, 0x0000_4000); // identification 0, don't fragment
  view.setUint32(at + 8, 0x4006_0000); // 64 hops, TCP, checksum 0
  view.setUint32(at + 12, from.address);
  view.setUint32(at + 16, to.address);
}

function writeTcpHeader(view: DataView, at: number, flags: number, from: End, to: End): void {
  view.setUint16(at, from.port);
  view.setUint16(at + 2, to.port);
  view.setUint32(at + 4, from.next);
  view.setUint32(at + 8, (flags & ACK) !== 0 ? to.next : 0);
  view.setUint32(at + 12, 0x5000_ffff | (flags << 16)); // 5 words, window 65,535
  view.setUint32(at + 16, 0); // checksum, urgent pointer
}
