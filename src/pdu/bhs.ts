/**
 * Basic Header Segment (RFC 7143 §11.2.1): what every PDU has in common.
 *
 * ```
 *    0  . I Opcode
 *    4  TotalAHSLength (words)   DataSegmentLength (24 bits, bytes, padding excluded)
 *    8  LUN or opcode-specific
 *   16  InitiatorTaskTag
 * ```
 *
 * Reading takes (view, at), allocates nothing and keeps nothing.
 */

/** Length of a BHS in bytes. */
export const BHS_LENGTH = 48;

/** The largest AHS area that TotalAHSLength can name, in bytes. */
export const MAX_AHS_LENGTH = 255 * 4;

/** The opcode; bit 7 is reserved and ignored, the I bit is left out. */
export function opcode(v: DataView, at: number): number {
  return v.getUint8(at) & 0x3f;
}

/** The I bit: marked for immediate delivery (RFC 7143 §11.2.1.1). */
export function immediate(v: DataView, at: number): boolean {
  return (v.getUint8(at) & 0x40) !== 0;
}

/** The F bit, or T in login PDUs. */
export function final(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & 0x80) !== 0;
}

/** Length of all AHS in bytes, their padding included. */
export function totalAhsLength(v: DataView, at: number): number {
  return v.getUint8(at + 4) * 4;
}

/** DataSegmentLength in bytes, padding excluded. */
export function dataSegmentLength(v: DataView, at: number): number {
  return v.getUint32(at + 4) & 0xff_ffff; // the top byte of this word is TotalAHSLength
}

/** The first four bytes of the LUN field. */
export function lunHigh(v: DataView, at: number): number {
  return v.getUint32(at + 8);
}

/** The last four bytes of the LUN field. */
export function lunLow(v: DataView, at: number): number {
  return v.getUint32(at + 12);
}

/** The Initiator Task Tag. */
export function initiatorTaskTag(v: DataView, at: number): number {
  return v.getUint32(at + 16);
}

/** How many pad bytes follow `length` bytes of a segment (RFC 7143 §11.1). */
export function padLength(length: number): number {
  return -length & 3;
}
