/*
  Capture files as they are met: pcapng (see pcapng-write.ts), and classic pcap.

     pcap    = magic (4) version (4) zone (4) accuracy (4) longest packet (4) link type (4), then packets
     packet  = seconds (4) fraction (4) captured (4) original (4) data
     magic   = a1b2c3d4 fractions are microseconds, a1b23c4d nanoseconds; in the byte order of the writer
*/
import { copyBytes } from '../bytes/copy.ts';
import { viewOf } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { ValueError } from '../bytes/value-error.ts';
import { COMMENT, PCAPNG_BLOCK, PCAPNG_MAGIC } from './pcapng-write.ts';

/** One packet as it stands in a file. */
export interface FilePacket {
  /** From 1 on, as Wireshark counts. */
  readonly number: number;
  /** Milliseconds since 1970; undefined where the file does not say. */
  readonly time: number | undefined;
  readonly linkType: number;
  /** What was captured. Valid until the reader is given more. */
  readonly bytes: Uint8Array;
  /** How long the packet was. */
  readonly originalLength: number;
  /** A remark about it, where it begins its options. */
  readonly comment?: string;
}

const MICROSECONDS = 0xa1b2_c3d4;
const NANOSECONDS = 0xa1b2_3c4d;
/** What a block or packet may have at the most: no network has longer ones. */
const LONGEST = 64 * 1024 * 1024;
const MOST_INTERFACES = 4096;
const RESOLUTION = 9;
/** Longer remarks are not ours. */
const LONGEST_COMMENT = 256;

type Time = FilePacket['time'];

/**
 * Whether a file that begins so is a capture: its first four bytes tell.
 *
 * @example
 * isCapture(Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a)); // true
 * isCapture(new TextEncoder().encode('text')); // false
 */
export function isCapture(beginning: Uint8Array): boolean {
  if (beginning.length < 4) return false;
  const view = viewOf(beginning);
  const magics = [view.getUint32(0), view.getUint32(0, true)];
  return magics.some((magic) => magic === PCAPNG_BLOCK.SECTION || magic === MICROSECONDS || magic === NANOSECONDS);
}

interface LinkInterface {
  readonly linkType: number;
  /** Milliseconds of one unit of time. */
  readonly unit: number;
  readonly longest: number;
}

/**
 * Reads a capture file piece by piece. What it keeps is one block at the most, and no longer than that says to be and
 * what has come of it.
 *
 * @example
 * const packets: number[] = [];
 * const reader = new CaptureReader(({ number }) => packets.push(number));
 * new PcapngStream((bytes) => reader.push(bytes));
 * packets; // []
 */
export class CaptureReader {
  readonly #onPacket: (packet: FilePacket) => void;
  #bytes = new Uint8Array(64 * 1024);
  #view = viewOf(this.#bytes);
  #length = 0;
  /** Bytes of the file before those that are kept. */
  #taken = 0;
  #format: 'unknown' | 'pcap' | 'pcapng' = 'unknown';
  #little = true;
  #unit = 0;
  #linkType = 0;
  #interfaces: LinkInterface[] = [];
  #packets = 0;

  constructor(onPacket: (packet: FilePacket) => void) {
    this.#onPacket = onPacket;
  }

  /** Bytes of a block that has not ended: at the end of the file, what was cut off. */
  get pending(): number {
    return this.#length;
  }

  /** Packets so far. */
  get packets(): number {
    return this.#packets;
  }

  /**
   * Takes the next bytes of the file, copied.
   * @throws {RangeError} `ISCSI_USAGE` when it is no capture, or a length in it cannot be.
   */
  push(bytes: Uint8Array): void {
    this.#append(bytes);
    let at = 0;
    for (let next = this.#take(at); next > at; next = this.#take(at)) at = next;
    if (at === 0) return;
    this.#bytes.copyWithin(0, at, this.#length);
    this.#length -= at;
    this.#taken += at;
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      copyBytes(this.#bytes, 0, this.#length, grown, 0);
      this.#bytes = grown;
      this.#view = viewOf(grown);
    }
    copyBytes(bytes, 0, bytes.length, this.#bytes, this.#length);
    this.#length = length;
  }

  /** Reads the block or packet at `at`, if all of it is here. @returns Where it ends, else `at`. */
  #take(at: number): number {
    if (this.#format === 'unknown') return this.#begin(at);
    return this.#format === 'pcap' ? this.#pcapPacket(at) : this.#block(at);
  }

  #begin(at: number): number {
    if (this.#length - at < 24) return at;
    const magic = this.#view.getUint32(at);
    if (magic === PCAPNG_BLOCK.SECTION) {
      this.#format = 'pcapng';
      return this.#block(at);
    }
    for (const little of [false, true]) {
      const found = this.#view.getUint32(at, little);
      if (found !== MICROSECONDS && found !== NANOSECONDS) continue;
      this.#format = 'pcap';
      this.#little = little;
      this.#unit = found === MICROSECONDS ? 1e-3 : 1e-6;
      this.#linkType = this.#view.getUint32(at + 20, little) & 0xffff;
      return at + 24;
    }
    throw new ValueError('Cannot read the file as a capture: it is neither pcapng nor pcap');
  }

  #pcapPacket(at: number): number {
    if (this.#length - at < 16) return at;
    const view = this.#view;
    const little = this.#little;
    const length = this.#checked(view.getUint32(at + 8, little), 0, at);
    const end = at + 16 + length;
    if (end > this.#length) return at;
    const time = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) * this.#unit;
    this.#tell(time, this.#linkType, at + 16, length, view.getUint32(at + 12, little));
    return end;
  }

  #block(at: number): number {
    if (this.#length - at < 12) return at;
    const view = this.#view;
    const isSection = view.getUint32(at) === PCAPNG_BLOCK.SECTION;
    if (isSection) this.#section(at);
    const length = this.#checked(view.getUint32(at + 4, this.#little), isSection ? 28 : 12, at);
    if (length % 4 !== 0) throw this.#wrong(`a block of ${length} bytes: a multiple of 4 allowed`, at);
    const end = at + length;
    if (end > this.#length) return at;
    if (view.getUint32(end - 4, this.#little) !== length) throw this.#wrong('a block with two lengths', at);
    const type = view.getUint32(at, this.#little);
    if (type === PCAPNG_BLOCK.INTERFACE) this.#interface(at, end - 4);
    else if (type === PCAPNG_BLOCK.ENHANCED || type === PCAPNG_BLOCK.PACKET) this.#packet(at, end - 4, type);
    else if (type === PCAPNG_BLOCK.SIMPLE_PACKET) this.#simplePacket(at, end - 4);
    return end;
  }

  #section(at: number): void {
    if (this.#view.getUint32(at + 8) === PCAPNG_MAGIC) this.#little = false;
    else if (this.#view.getUint32(at + 8, true) === PCAPNG_MAGIC) this.#little = true;
    else throw this.#wrong('a section without byte order', at);
    this.#interfaces = [];
  }

  #interface(at: number, end: number): void {
    const view = this.#view;
    if (end - at < 16) throw this.#wrong('an interface without link type', at);
    if (this.#interfaces.length >= MOST_INTERFACES) throw this.#wrong(`more than ${MOST_INTERFACES} interfaces`, at);
    const linkType = view.getUint16(at + 8, this.#little);
    const longest = view.getUint32(at + 12, this.#little) || LONGEST;
    this.#interfaces.push({ linkType, longest, unit: this.#resolution(at + 16, end) });
  }

  /** Option `if_tsresol`: a power of ten, or with the highest bit of two, of a second. Default: microseconds. */
  #resolution(from: number, end: number): number {
    const view = this.#view;
    for (let at = from; at + 4 <= end; ) {
      const code = view.getUint16(at, this.#little);
      const length = view.getUint16(at + 2, this.#little);
      if (code === 0) break;
      if (code === RESOLUTION && length >= 1 && at + 5 <= end) {
        const value = view.getUint8(at + 4);
        return 1000 / (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value);
      }
      at += 4 + ((length + 3) & ~3);
    }
    return 1e-3;
  }

  /** Enhanced Packet Block, and the Packet Block before it, whose interface has two bytes. */
  #packet(at: number, end: number, type: number): void {
    const view = this.#view;
    const little = this.#little;
    if (end - at < 28) throw this.#wrong('a packet without its lengths', at);
    const number = type === PCAPNG_BLOCK.PACKET ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    const there = this.#interfaces[number];
    if (there === undefined) throw this.#wrong(`a packet of interface ${number}, which there is not`, at);
    const length = view.getUint32(at + 20, little);
    if (length > end - at - 28) throw this.#wrong(`a packet of ${length} bytes in a shorter block`, at);
    const units = view.getUint32(at + 12, little) * 2 ** 32 + view.getUint32(at + 16, little);
    const comment = this.#comment(at + 28 + ((length + 3) & ~3), end);
    this.#tell(units * there.unit, there.linkType, at + 28, length, view.getUint32(at + 24, little), comment);
  }

  #comment(at: number, end: number): string | undefined {
    if (at + 4 > end || this.#view.getUint16(at, this.#little) !== COMMENT) return undefined;
    const length = this.#view.getUint16(at + 2, this.#little);
    return length > LONGEST_COMMENT ? undefined : fromUtf8(this.#bytes, at + 4, Math.min(end, at + 4 + length));
  }

  #simplePacket(at: number, end: number): void {
    const there = this.#interfaces[0];
    if (there === undefined || end - at < 12) throw this.#wrong('a packet of interface 0, which there is not', at);
    const original = this.#view.getUint32(at + 8, this.#little);
    this.#tell(undefined, there.linkType, at + 12, Math.min(original, end - at - 12, there.longest), original);
  }

  #tell(time: Time, linkType: number, at: number, length: number, original: number, comment?: string): void {
    const number = ++this.#packets;
    const bytes = this.#bytes.subarray(at, at + length);
    const packet = { number, time, linkType, bytes, originalLength: Math.max(length, original) };
    this.#onPacket(comment === undefined ? packet : { ...packet, comment });
  }

  #checked(length: number, least: number, at: number): number {
    if (length >= least && length <= LONGEST) return length;
    throw this.#wrong(`a length of ${length} bytes: ${least}..${LONGEST} allowed`, at);
  }

  #wrong(what: string, at: number): Error {
    return new ValueError(`Cannot read the capture any further: at byte ${this.#taken + at} it has ${what}`);
  }
}
