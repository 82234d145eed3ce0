/**
 * The wire as a target sees it, written from RFC 7143 §11 and from nothing in `src/`: takes apart what an initiator
 * sends, and puts together what a target sends, right or wrong.
 */
import assert from 'node:assert/strict';

const BHS = 48;

/** 0xffffffff: no tag. */
export const NIL = 0xffff_ffff;

/** CRC32C bit by bit (reflected polynomial 0x82f63b78), to check the fast ones against. */
export function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** One PDU that an initiator sent. */
export interface SentPdu {
  readonly opcode: number;
  readonly immediate: boolean;
  /** Byte 1: F and what else the opcode puts there. */
  readonly flags: number;
  readonly final: boolean;
  readonly header: Uint8Array;
  readonly ahs: Uint8Array;
  readonly data: Uint8Array;
  readonly pad: Uint8Array;
  /** Initiator Task Tag. */
  readonly itt: number;
  /** The 32-bit word at `offset` of the header. */
  word(offset: number): number;
}

/** Finds the PDUs in what an initiator sent, and checks their digests. */
export class WireParser {
  headerDigest = false;
  dataDigest = false;
  #rest = new Uint8Array(0);

  /** True when no part of a PDU is left over. */
  get empty(): boolean {
    return this.#rest.length === 0;
  }

  push(bytes: Uint8Array): SentPdu[] {
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    const pdus: SentPdu[] = [];
    let at = 0;
    for (;;) {
      const end = this.#endOf(joined, at);
      if (end === undefined || end > joined.length) break;
      pdus.push(this.#parse(joined, at, end));
      at = end;
    }
    this.#rest = joined.slice(at);
    return pdus;
  }

  #endOf(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.length - at < BHS) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const length = view.getUint32(4) & 0xff_ffff;
    const data = length === 0 ? 0 : ((length + 3) & ~3) + (this.dataDigest ? 4 : 0);
    return at + BHS + view.getUint8(4) * 4 + (this.headerDigest ? 4 : 0) + data;
  }

  #parse(bytes: Uint8Array, at: number, end: number): SentPdu {
    const whole = bytes.slice(at, end);
    const view = new DataView(whole.buffer);
    const headerEnd = BHS + view.getUint8(4) * 4;
    if (this.headerDigest) {
      assert.equal(view.getUint32(headerEnd, true), slowCrc32c(whole.subarray(0, headerEnd)), 'header digest');
    }
    const dataAt = headerEnd + (this.headerDigest ? 4 : 0);
    const length = view.getUint32(4) & 0xff_ffff;
    const padEnd = dataAt + ((length + 3) & ~3);
    if (this.dataDigest && length > 0) {
      assert.equal(view.getUint32(padEnd, true), slowCrc32c(whole.subarray(dataAt, padEnd)), 'data digest');
    }
    return {
      opcode: view.getUint8(0) & 0x3f,
      immediate: (view.getUint8(0) & 0x40) !== 0,
      flags: view.getUint8(1),
      final: (view.getUint8(1) & 0x80) !== 0,
      header: whole.subarray(0, BHS),
      ahs: whole.subarray(BHS, headerEnd),
      data: whole.subarray(dataAt, dataAt + length),
      pad: whole.subarray(dataAt + length, padEnd),
      itt: view.getUint32(16),
      word: (offset) => view.getUint32(offset),
    };
  }
}

/** What a target's PDU says. What is left out is 0, except the tags, which are NIL, and F, which is 1. */
export interface AnswerFields {
  readonly opcode: number;
  /** Byte 1 as a whole. */
  readonly flags?: number;
  readonly byte2?: number;
  readonly byte3?: number;
  readonly ahs?: Uint8Array;
  /** Bytes 8 to 15. */
  readonly lun?: bigint;
  readonly itt?: number;
  readonly ttt?: number;
  readonly statSN?: number;
  readonly expCmdSN?: number;
  readonly maxCmdSN?: number;
  readonly word36?: number;
  readonly word40?: number;
  readonly word44?: number;
  readonly data?: Uint8Array;
  /** The value of the pad bytes. */
  readonly pad?: number;
}

/** Which digests to put in, and whether to spoil them. */
export interface AnswerDigests {
  readonly header?: boolean;
  readonly data?: boolean;
  readonly spoilHeader?: boolean;
  readonly spoilData?: boolean;
}

/** The bytes of one PDU of a target. */
export function answerBytes(fields: AnswerFields, digests: AnswerDigests = {}): Uint8Array {
  const { data = new Uint8Array(0), ahs = new Uint8Array(0) } = fields;
  const headerEnd = BHS + ahs.length;
  const dataAt = headerEnd + (digests.header ? 4 : 0);
  const padEnd = dataAt + ((data.length + 3) & ~3);
  const end = padEnd + (digests.data && data.length > 0 ? 4 : 0);
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, fields.opcode);
  view.setUint8(1, fields.flags ?? 0x80);
  view.setUint8(2, fields.byte2 ?? 0);
  view.setUint8(3, fields.byte3 ?? 0);
  view.setUint32(4, ((ahs.length / 4) << 24) | data.length);
  view.setBigUint64(8, fields.lun ?? 0n);
  view.setUint32(16, fields.itt ?? NIL);
  view.setUint32(20, fields.ttt ?? NIL);
  view.setUint32(24, fields.statSN ?? 0);
  view.setUint32(28, fields.expCmdSN ?? 0);
  view.setUint32(32, fields.maxCmdSN ?? 0);
  view.setUint32(36, fields.word36 ?? 0);
  view.setUint32(40, fields.word40 ?? 0);
  view.setUint32(44, fields.word44 ?? 0);
  bytes.set(ahs, BHS);
  if (digests.header) {
    view.setUint32(headerEnd, slowCrc32c(bytes.subarray(0, headerEnd)) ^ (digests.spoilHeader ? 1 : 0), true);
  }
  bytes.set(data, dataAt);
  bytes.fill(fields.pad ?? 0, dataAt + data.length, padEnd);
  if (end > padEnd) {
    view.setUint32(padEnd, slowCrc32c(bytes.subarray(dataAt, padEnd)) ^ (digests.spoilData ? 1 : 0), true);
  }
  return bytes;
}

/** The bytes of `key=value` pairs, each with its NUL. */
export function keyText(keys: Readonly<Record<string, string>>): Uint8Array {
  return new TextEncoder().encode(
    Object.entries(keys)
      .map(([name, value]) => `${name}=${value}\0`)
      .join(''),
  );
}

/** The pairs of a text, in their order. */
export function pairsOf(text: Uint8Array): [string, string][] {
  const pairs = new TextDecoder().decode(text).split('\0');
  assert.equal(pairs.pop(), '', 'the text ends with a NUL');
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    assert.ok(equals > 0, `"${pair}" is key=value`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
}

/** Fixed-format sense data, 18 bytes. */
export function senseData(key: number, asc: number, ascq: number): Uint8Array {
  return Uint8Array.of(0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0);
}

/** A sense data segment: SenseLength, then `sense`. */
export function senseSegment(sense: Uint8Array): Uint8Array {
  return Uint8Array.of(sense.length >> 8, sense.length & 0xff, ...sense);
}
