/*
  Sense data segment of SCSI Response (RFC 7143 §11.4.7) and Asynchronous Message (§11.9.4)
     0  SenseLength (2 bytes)
     2  Sense Data, SenseLength bytes
     x  Response Data, or iSCSI Event Data
*/

import { ValueError } from '../bytes/value-error.ts';
import { ProtocolError } from '../errors.ts';

const SENSE_AT = 2;

/** What a sense data segment holds: views into the bytes that were read, not copies. */
export interface SenseSegment {
  readonly sense: Uint8Array;
  /** Response data of a SCSI Response, event data of an Asynchronous Message. */
  readonly rest: Uint8Array;
}

/**
 * Reads a whole data segment, its padding excluded. An empty one has no sense data.
 * @throws {ProtocolError} When SenseLength does not fit into the segment, or says more than the segment has.
 */
export function readSenseSegment(segment: Uint8Array): SenseSegment {
  if (segment.length === 0) return { sense: segment, rest: segment };
  const length = segment.length < SENSE_AT ? 0 : ((segment[0] ?? 0) << 8) | (segment[1] ?? 0);
  if (SENSE_AT + length > segment.length) {
    throw new ProtocolError(
      `Cannot take ${length} bytes of sense data and their length from a data segment of ${segment.length} bytes`,
      { clause: '11.4.7.1' },
    );
  }
  return { sense: segment.subarray(SENSE_AT, SENSE_AT + length), rest: segment.subarray(SENSE_AT + length) };
}

/** Bytes of the data segment for `senseLength` bytes of sense data, padding excluded. */
export function senseSegmentLength(senseLength: number): number {
  return SENSE_AT + senseLength;
}

/**
 * Writes SenseLength and `sense` into `bytes` at `at`. @returns The bytes written, padding excluded.
 * @throws {ValueError} When there is more sense data than SenseLength can say.
 */
export function writeSenseSegment(bytes: Uint8Array, at: number, sense: Uint8Array): number {
  if (sense.length > 0xffff) throw new ValueError(`Cannot write ${sense.length} bytes of sense data: 65535 allowed`);
  bytes[at] = sense.length >>> 8;
  bytes[at + 1] = sense.length & 0xff;
  bytes.set(sense, at + SENSE_AT);
  return senseSegmentLength(sense.length);
}
