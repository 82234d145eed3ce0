/** How much of a PDU is recorded. */
import { padLength } from '../pdu/bhs.ts';
import { OPCODES } from '../spec/iscsi-opcodes.ts';

/** Data segments up to this length are kept whole: pages, sense data, short texts. */
export const WHOLE_LENGTH = 256;
/** Of longer ones, the first bytes. */
export const FIRST_LENGTH = 16;
/** Texts are kept whole up to this length. */
const TEXT_LENGTH = 64 * 1024;

/** All that belongs to a data segment of `length` bytes: with padding and digest. */
export function segmentLength(length: number, dataDigest: number): number {
  return length === 0 ? 0 : length + padLength(length) + dataDigest;
}

/**
 * How much is kept of a data segment with all that belongs to it.
 * @param first The first byte of the header.
 */
export function keptLength(first: number, length: number, dataDigest: number): number {
  if (length <= WHOLE_LENGTH || (isText(first & 0x3f) && length <= TEXT_LENGTH))
    return segmentLength(length, dataDigest);
  return FIRST_LENGTH;
}

function isText(code: number): boolean {
  return (
    code === OPCODES.LOGIN_REQUEST ||
    code === OPCODES.LOGIN_RESPONSE ||
    code === OPCODES.TEXT_REQUEST ||
    code === OPCODES.TEXT_RESPONSE
  );
}
