import { copyBytes } from '../bytes/copy.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { viewOf } from '../bytes/hex.ts';
import { BHS_LENGTH, dataSegmentLength, MAX_AHS_LENGTH, opcode, padLength, totalAhsLength } from '../pdu/bhs.ts';
import { pduKind } from '../pdu/opcodes-table.ts';

/** On a digest: there is none, it is right, it is wrong, or not all that it covers is in the capture. */
export type Verdict = 'absent' | 'right' | 'wrong' | 'unknown';

/** A PDU as it was found. */
export interface FoundPdu {
  /** Header and AHS. Owned by whoever gets it. */
  readonly headers: Uint8Array;
  /** The data segment, as far as it is kept and in the capture. */
  readonly data: Uint8Array;
  /** How long the data segment was. */
  readonly dataLength: number;
  readonly headerDigest: Verdict;
  readonly dataDigest: Verdict;
}

/** What a stream tells. */
export interface PduStreamListener {
  pdu(pdu: FoundPdu): void;
  /** `length` bytes could not be read as PDUs. */
  lost(length: number): void;
}

/** Bytes of a data segment that are kept: texts are no longer. */
const KEPT_DATA = 64 * 1024;
const DIGEST_LENGTH = 4;

/**
 * Finds the PDUs in one direction of a capture, where bytes may be missing and everything may be wrong. Where it does
 * not know whether digests are there, because the login is not in the capture, it tries.
 */
export class PduStream {
  /** Whether headers carry a digest; undefined when nobody knows. */
  headerDigest: boolean | undefined;
  /** Whether data segments do. */
  dataDigest: boolean | undefined;

  readonly #to: PduStreamListener;
  readonly #held = new Uint8Array(BHS_LENGTH + MAX_AHS_LENGTH + DIGEST_LENGTH);
  readonly #view = viewOf(this.#held);
  #heldLength = 0;
  /** Whether it stands where a PDU begins, or in one. */
  #inStep = true;
  #lost = 0;
  // The PDU whose data segment is under way.
  #inBody = false;
  #headerVerdict: Verdict = 'absent';
  #data = new Uint8Array(0);
  #dataAt = 0;
  #dataLength = 0;
  #bodyAt = 0;
  #crc = 0;
  #digest = 0;
  #hole = false;

  constructor(to: PduStreamListener) {
    this.#to = to;
  }

  /** The next bytes, copied. */
  take(bytes: Uint8Array): void {
    let at = this.#inStep ? 0 : this.#resume(bytes);
    if (at === bytes.length) return;
    while (at < bytes.length && this.#inStep)
      at = this.#inBody ? this.#takeBody(bytes, at) : this.#takeHeader(bytes, at);
    if (!this.#inStep) this.#lost += bytes.length - at;
    else if (bytes.length > 0) this.#guess();
  }

  /** A segment that ends where a digest would begin has none: nobody sends a digest in a segment of its own. */
  #guess(): void {
    const headers = BHS_LENGTH + totalAhsLength(this.#view, 0);
    if (this.#inBody) {
      const covered = this.#dataLength + padLength(this.#dataLength);
      if (this.dataDigest !== undefined || this.#bodyAt !== covered) return;
      this.dataDigest = false;
      this.#endBody();
    } else if (this.headerDigest === undefined && this.#heldLength === headers) {
      this.headerDigest = false;
      this.#beginBody(headers);
    }
  }

  /** `length` bytes are not in the capture. */
  skip(length: number): void {
    if (!this.#inStep) {
      this.#lost += length;
      return;
    }
    const left = this.#inBody ? this.#bodyLength - this.#bodyAt : 0;
    if (length > left) {
      this.#loseStep(length);
      return;
    }
    this.#hole = true;
    this.#bodyAt += length;
    if (this.#bodyAt === this.#bodyLength) this.#endBody();
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#inBody) {
      this.#hole = true;
      this.#endBody();
    }
    this.#lost += this.#heldLength;
    this.#heldLength = 0;
    this.#tellLost();
  }

  get #bodyLength(): number {
    const digest = this.dataDigest ? DIGEST_LENGTH : 0;
    return this.#dataLength + padLength(this.#dataLength) + digest;
  }

  /** After a gap: a segment that begins like a PDU is taken for one. */
  #resume(bytes: Uint8Array): number {
    if (!beginsPdu(bytes)) {
      this.#lost += bytes.length;
      return bytes.length;
    }
    this.#tellLost();
    this.#inStep = true;
    this.#heldLength = 0;
    return 0;
  }

  #loseStep(missing: number): void {
    if (this.#inBody) {
      this.#hole = true;
      this.#endBody();
    }
    this.#lost += missing + this.#heldLength;
    this.#heldLength = 0;
    this.#inStep = false;
  }

  #tellLost(): void {
    if (this.#lost > 0) this.#to.lost(this.#lost);
    this.#lost = 0;
  }

  #takeHeader(bytes: Uint8Array, from: number): number {
    let at = this.#hold(bytes, from, BHS_LENGTH);
    if (this.#heldLength < BHS_LENGTH) return at;
    const headers = BHS_LENGTH + totalAhsLength(this.#view, 0);
    const wanted = headers + (this.headerDigest === false ? 0 : DIGEST_LENGTH);
    at = this.#hold(bytes, at, wanted);
    if (this.#heldLength < wanted) return at;
    const surplus = this.#judgeHeader(headers, wanted);
    this.#beginBody(headers);
    if (surplus.length > 0) this.take(surplus);
    return at;
  }

  #hold(bytes: Uint8Array, from: number, upTo: number): number {
    const end = Math.min(bytes.length, from + upTo - this.#heldLength);
    if (end <= from) return from;
    copyBytes(bytes, from, end, this.#held, this.#heldLength);
    this.#heldLength += end - from;
    return end;
  }

  /** @returns What was taken for a digest and is none: it goes on with that. */
  #judgeHeader(headers: number, wanted: number): Uint8Array {
    this.#headerVerdict = 'absent';
    if (this.headerDigest === false) return NOTHING;
    const right = this.#view.getUint32(headers, true) === crc32c(this.#held, 0, headers);
    const known = this.headerDigest !== undefined;
    this.headerDigest ??= right;
    if (known || right) this.#headerVerdict = right ? 'right' : 'wrong';
    else return this.#held.slice(headers, wanted);
    return NOTHING;
  }

  #beginBody(headers: number): void {
    this.#heldLength = headers;
    this.#dataLength = dataSegmentLength(this.#view, 0);
    this.#data = NOTHING;
    this.#dataAt = 0;
    this.#bodyAt = 0;
    this.#crc = 0;
    this.#digest = 0;
    this.#hole = false;
    this.#inBody = true;
    const known = pduKind(opcode(this.#view, 0)) !== undefined;
    if (!known) this.#dataLength = 0;
    if (this.#dataLength === 0) this.#endBody();
    if (!known) this.#inStep = false; // its lengths are as good as its opcode: on where a segment begins like a PDU
  }

  #takeBody(bytes: Uint8Array, from: number): number {
    const covered = this.#dataLength + padLength(this.#dataLength);
    let at = from;
    if (this.#bodyAt < covered) {
      const end = Math.min(bytes.length, at + covered - this.#bodyAt);
      this.#keep(bytes, at, Math.min(end, at + Math.max(0, this.#dataLength - this.#bodyAt)));
      if (this.dataDigest !== false) this.#crc = crc32c(bytes, at, end, this.#crc);
      this.#bodyAt += end - at;
      at = end;
    }
    if (this.dataDigest === undefined && this.#hole) this.dataDigest = false;
    const last = covered + (this.dataDigest === false ? 0 : DIGEST_LENGTH);
    for (; this.#bodyAt >= covered && this.#bodyAt < last && at < bytes.length; at++, this.#bodyAt++) {
      this.#digest = ((this.#digest >>> 8) | ((bytes[at] ?? 0) << 24)) >>> 0;
    }
    if (this.#bodyAt < last) return at;
    if (this.dataDigest !== undefined) this.#endBody();
    else this.#tryDigest();
    return at;
  }

  /** Whether the four bytes behind the first data segment are its digest; else they begin the next PDU. */
  #tryDigest(): void {
    this.dataDigest = this.#digest === this.#crc;
    const digest = new Uint8Array(DIGEST_LENGTH);
    viewOf(digest).setUint32(0, this.#digest, true);
    this.#endBody();
    if (!this.dataDigest) this.take(digest);
  }

  #keep(bytes: Uint8Array, from: number, to: number): void {
    if (this.#hole) return; // what stands behind a gap stands in the wrong place
    const room = Math.min(this.#dataLength, KEPT_DATA);
    const end = Math.min(to, from + room - this.#dataAt);
    if (end <= from) return;
    if (this.#dataAt + end - from > this.#data.length) {
      const grown = new Uint8Array(Math.min(room, Math.max(this.#dataAt + end - from, 2 * this.#data.length)));
      grown.set(this.#data.subarray(0, this.#dataAt));
      this.#data = grown;
    }
    copyBytes(bytes, from, end, this.#data, this.#dataAt);
    this.#dataAt += end - from;
  }

  #endBody(): void {
    this.#inBody = false;
    const headers = this.#held.slice(0, this.#heldLength);
    this.#heldLength = 0;
    this.#to.pdu({
      headers,
      data: this.#data.subarray(0, this.#dataAt),
      dataLength: this.#dataLength,
      headerDigest: this.#headerVerdict,
      dataDigest: this.#dataVerdict,
    });
  }

  get #dataVerdict(): Verdict {
    if (!this.dataDigest || this.#dataLength === 0) return 'absent';
    if (this.#hole) return 'unknown';
    return this.#digest === this.#crc ? 'right' : 'wrong';
  }
}

const NOTHING = new Uint8Array(0);

/** Whether bytes look like the beginning of a PDU: an opcode that there is, and a header that makes sense by itself. */
export function beginsPdu(bytes: Uint8Array): boolean {
  if (bytes.length < BHS_LENGTH) return false;
  const view = viewOf(bytes);
  const kind = pduKind(opcode(view, 0));
  if (kind === undefined || (view.getUint8(0) & 0x80) !== 0) return false;
  try {
    kind.check(view, 0);
    return true;
  } catch {
    return false;
  }
}
