/**
 * A PDU as it is to be sent, and its bytes on the wire (RFC 7143 §11.2): right in every respect, save for what the
 * caller asks to be wrong.
 */

import { crc32c } from '../bytes/crc32c.ts';
import { concat, viewOf } from '../bytes/hex.ts';
import { ValueError } from '../bytes/value-error.ts';
import { BHS_LENGTH, padLength } from '../pdu/bhs.ts';

/** What a PDU is made of. The lengths in the header are filled in when it is framed. */
export interface PduDraft {
  /** The 48 bytes of the basic header segment. */
  readonly header: Uint8Array;
  /** All additional header segments, their padding included. */
  readonly ahs?: Uint8Array | undefined;
  /** The data segment, without padding. */
  readonly data?: Uint8Array | undefined;
}

/** Which digests follow header and data segment (RFC 7143 §13.1). */
export interface Digests {
  readonly header: boolean;
  readonly data: boolean;
}

/** What holds until a login has agreed on something else. */
export const NO_DIGESTS: Digests = { header: false, data: false };

/** A digest that differs from what is agreed: there and right, there and wrong, not there, or these 32 bits. */
export type DigestDistortion = 'right' | 'wrong' | 'absent' | number;

/**
 * What shall be wrong, or at least otherwise than usual, with a PDU. A right digest covers what was changed, so that a
 * PDU can be wrong in one respect alone.
 */
export interface Distortion {
  /** Bytes of the header by offset, 0..47. */
  readonly bytes?: Readonly<Record<number, number>> | undefined;
  /** 32-bit words of the header by offset, 0..44, big-endian. Written after `bytes`. */
  readonly words?: Readonly<Record<number, number>> | undefined;
  /** What the header says instead of the length of the data, in bytes. */
  readonly dataSegmentLength?: number | undefined;
  /** What the header says instead of the length of the AHS, in 4-byte words. */
  readonly totalAhsLength?: number | undefined;
  /** What stands behind the data instead of zeros up to a multiple of four; an empty array for no padding. */
  readonly padding?: Uint8Array | undefined;
  readonly headerDigest?: DigestDistortion | undefined;
  readonly dataDigest?: DigestDistortion | undefined;
  /** How many bytes of the PDU are sent at all: the rest is cut off. */
  readonly length?: number | undefined;
}

const NOTHING = new Uint8Array(0);

/**
 * The bytes of one PDU.
 *
 * @param digests What is agreed: both are put in where they belong.
 * @returns Fresh bytes, owned by the caller.
 * @throws {ValueError} When the header has not 48 bytes, or an offset in `distortion` is not in it.
 * @example
 * const nop = { header: new Uint8Array(48), data: Uint8Array.of(1) };
 * frame(nop).length; // 52
 * frame(nop, NO_DIGESTS, { dataSegmentLength: 9 })[7]; // 9
 * frame(nop, NO_DIGESTS, { padding: new Uint8Array(0) }).length; // 49
 * frame(nop, { header: true, data: false }).length; // 56
 */
export function frame(
  draft: PduDraft,
  digests: Digests = NO_DIGESTS,
  distortion: Distortion = {},
): Uint8Array<ArrayBuffer> {
  const { ahs = NOTHING, data = NOTHING } = draft;
  const header = distorted(draft.header, ahs.length, data.length, distortion);
  const padding = distortion.padding ?? new Uint8Array(padLength(data.length));
  const whole = concat(
    header,
    ahs,
    digestOf([header, ahs], distortion.headerDigest ?? (digests.header ? 'right' : 'absent')),
    data,
    padding,
    digestOf([data, padding], distortion.dataDigest ?? (digests.data && data.length > 0 ? 'right' : 'absent')),
  );
  return distortion.length === undefined ? whole : whole.slice(0, distortion.length);
}

function distorted(header: Uint8Array, ahsLength: number, dataLength: number, distortion: Distortion): Uint8Array {
  if (header.length !== BHS_LENGTH) {
    throw new ValueError(`Cannot send a header of ${header.length} bytes: ${BHS_LENGTH} allowed`);
  }
  const bytes = header.slice();
  const view = viewOf(bytes);
  view.setUint32(4, distortion.dataSegmentLength ?? dataLength);
  view.setUint8(4, distortion.totalAhsLength ?? ahsLength / 4); // its byte is the top one of the same word
  for (const [at, value] of Object.entries(distortion.bytes ?? {})) view.setUint8(offset(at, 1), value);
  for (const [at, value] of Object.entries(distortion.words ?? {})) view.setUint32(offset(at, 4), value);
  return bytes;
}

function offset(key: string, width: number): number {
  const at = Number(key);
  if (Number.isInteger(at) && at >= 0 && at <= BHS_LENGTH - width) return at;
  throw new ValueError(`Cannot set ${width} bytes of a header at ${key}: 0..${BHS_LENGTH - width} allowed`);
}

function digestOf(covered: readonly Uint8Array[], distortion: DigestDistortion): Uint8Array {
  if (distortion === 'absent') return NOTHING;
  let crc = 0;
  for (const part of covered) crc = crc32c(part, 0, part.length, crc);
  const value = typeof distortion === 'number' ? distortion : distortion === 'right' ? crc : ~crc;
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true); // little-endian on the wire
  return bytes;
}
