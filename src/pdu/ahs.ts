/*
  Additional Header Segments (RFC 7143 §11.2.2), after the 48 bytes of a SCSI Command
     0  AHSLength       AHSType   AHS-Specific
     4  AHS-Specific, padded to 4 bytes

  AHSLength counts bytes from offset 3 on (AHSLength, AHSType and padding excluded).
  Type 1, Extended CDB: AHSLength = CDBLength - 15, then Reserved, then the CDB from its byte 16 on.
  Type 2, Bidirectional Read Expected Data Transfer Length: AHSLength = 5, then Reserved, then the length (32 bits).
*/

import { ValueError } from '../bytes/value-error.ts';
import { ProtocolError } from '../errors.ts';
import { BHS_LENGTH, MAX_AHS_LENGTH, totalAhsLength } from './bhs.ts';

/** AHSType codes. All others are reserved. */
export const AHS_TYPES = { EXTENDED_CDB: 1, BIDIRECTIONAL_READ_LENGTH: 2 } as const;

/** Bytes of a Bidirectional Read Expected Data Transfer Length AHS. */
export const BIDIRECTIONAL_READ_LENGTH_AHS_LENGTH = 8;

/** The longest CDB for which there is room, in bytes. */
export const MAX_CDB_LENGTH = 16 + MAX_AHS_LENGTH - 4;

const BHS_CDB_LENGTH = 16;
/** AHSLength (2 bytes) and AHSType, which AHSLength does not count. */
const UNCOUNTED = 3;
/** Where the content of both known types begins, behind their reserved byte. */
const CONTENT_AT = 4;

/** One segment. */
export interface Ahs {
  /** The AHS code; the two reserved bits beside it are left out. */
  readonly type: number;
  /** Where the segment begins in the view. */
  readonly at: number;
  /** AHSLength: bytes from offset 3 of the segment on, padding excluded. */
  readonly length: number;
}

/**
 * The segments of the PDU whose header is at `at`; the view must show TotalAHSLength bytes behind it.
 * @throws {ProtocolError} When a segment does not end within TotalAHSLength.
 */
export function readAhs(v: DataView, at: number): Ahs[] {
  const found: Ahs[] = [];
  const end = endOf(v, at);
  for (let next = at + BHS_LENGTH; next < end; next = nextAhs(v, next, end)) {
    found.push({ type: ahsType(v, next), at: next, length: v.getUint16(next) });
  }
  return found;
}

/**
 * Checks that all segments are known and end where they should.
 * @throws {ProtocolError} On overrun, a reserved type, or a length that its type forbids.
 */
export function checkAhs(v: DataView, at: number): void {
  for (const { type, length } of readAhs(v, at)) {
    if (type === AHS_TYPES.EXTENDED_CDB) requireExtendedLength(length);
    else if (type === AHS_TYPES.BIDIRECTIONAL_READ_LENGTH) requireReadLength(length);
    else throw new ProtocolError(`Cannot take an AHS of the reserved type ${type}`, { clause: '11.2.2.1' });
  }
}

/**
 * Bytes that the Extended CDB AHS of a CDB of `cdbLength` bytes takes, padding included: 0 up to 16 bytes, which need
 * none.
 */
export function extendedCdbAhsLength(cdbLength: number): number {
  return cdbLength <= BHS_CDB_LENGTH ? 0 : (CONTENT_AT + cdbLength - BHS_CDB_LENGTH + 3) & ~3;
}

/**
 * Writes the Extended CDB AHS of `cdb`, the whole CDB of at least 17 bytes, at `at`, with its padding.
 * @returns The bytes written, a multiple of 4.
 * @throws {ValueError} When the CDB needs no AHS, or is too long for one.
 */
export function writeExtendedCdbAhs(v: DataView, at: number, cdb: Uint8Array): number {
  if (cdb.length <= BHS_CDB_LENGTH || cdb.length > MAX_CDB_LENGTH) {
    const allowed = `${BHS_CDB_LENGTH + 1}..${MAX_CDB_LENGTH} allowed`;
    throw new ValueError(`Cannot write an Extended CDB AHS for a CDB of ${cdb.length} bytes: ${allowed}`);
  }
  const length = extendedCdbAhsLength(cdb.length);
  v.setUint16(at, cdb.length - 15);
  v.setUint16(at + 2, AHS_TYPES.EXTENDED_CDB << 8);
  for (let offset = CONTENT_AT; offset < length; offset++) {
    v.setUint8(at + offset, cdb[BHS_CDB_LENGTH + offset - CONTENT_AT] ?? 0); // beyond the CDB: padding
  }
  return length;
}

/**
 * Writes a Bidirectional Read Expected Data Transfer Length AHS (`length` in bytes) at `at`.
 * @returns The bytes written: 8.
 */
export function writeBidirectionalReadLengthAhs(v: DataView, at: number, length: number): number {
  v.setUint32(at, 0x0005_0000 | (AHS_TYPES.BIDIRECTIONAL_READ_LENGTH << 8));
  v.setUint32(at + 4, length);
  return BIDIRECTIONAL_READ_LENGTH_AHS_LENGTH;
}

/**
 * The whole CDB of the SCSI Command at `at`, copied: the 16 bytes of its header, and those of its Extended CDB AHS if
 * there is one.
 * @throws {ProtocolError} On an AHS that overruns, or an Extended CDB AHS for a CDB of less than 17 bytes.
 */
export function readExtendedCdb(v: DataView, at: number): Uint8Array<ArrayBuffer> {
  const segment = findAhs(v, at, AHS_TYPES.EXTENDED_CDB);
  if (segment < 0) return copy(v, at + 32, new Uint8Array(BHS_CDB_LENGTH), 0, BHS_CDB_LENGTH);
  const length = v.getUint16(segment);
  requireExtendedLength(length);
  const cdb = new Uint8Array(length + 15);
  copy(v, at + 32, cdb, 0, BHS_CDB_LENGTH);
  return copy(v, segment + CONTENT_AT, cdb, BHS_CDB_LENGTH, length - 1);
}

/**
 * The Bidirectional Read Expected Data Transfer Length of the SCSI Command at `at`, in bytes; undefined when it has
 * none.
 * @throws {ProtocolError} On an AHS that overruns or is not of length 5.
 */
export function readBidirectionalReadLength(v: DataView, at: number): number | undefined {
  const segment = findAhs(v, at, AHS_TYPES.BIDIRECTIONAL_READ_LENGTH);
  if (segment < 0) return undefined;
  requireReadLength(v.getUint16(segment));
  return v.getUint32(segment + CONTENT_AT);
}

/** Where the first segment of `type` begins, or -1. Allocates nothing. */
function findAhs(v: DataView, at: number, type: number): number {
  const end = endOf(v, at);
  for (let next = at + BHS_LENGTH; next < end; next = nextAhs(v, next, end)) {
    if (ahsType(v, next) === type && nextAhs(v, next, end) <= end) return next;
  }
  return -1;
}

function ahsType(v: DataView, at: number): number {
  return v.getUint8(at + 2) & 0x3f;
}

/** Where the segment after the one at `at` begins: always at least 4 bytes on, never beyond `end`. */
function nextAhs(v: DataView, at: number, end: number): number {
  const length = v.getUint16(at);
  const next = at + ((UNCOUNTED + length + 3) & ~3);
  if (next > end) {
    throw new ProtocolError(`Cannot take an AHS of length ${length}: ${end - at - UNCOUNTED} bytes are left`, {
      clause: '11.2.2.2',
    });
  }
  return next;
}

function endOf(v: DataView, at: number): number {
  const end = at + BHS_LENGTH + totalAhsLength(v, at);
  if (end > v.byteLength) {
    throw new ProtocolError(`Cannot take ${totalAhsLength(v, at)} bytes of AHS: the header ends before`, {
      clause: '11.2.1.5',
    });
  }
  return end;
}

function requireExtendedLength(length: number): void {
  if (length < 2) {
    throw new ProtocolError(`Cannot take an Extended CDB AHS for a CDB of ${length + 15} bytes: at least 17 needed`, {
      clause: '11.2.2.3',
    });
  }
}

function requireReadLength(length: number): void {
  if (length !== 5) {
    throw new ProtocolError(
      `Cannot take a Bidirectional Read Expected Data Transfer Length AHS of length ${length}: 5 needed`,
      {
        clause: '11.2.2.4',
      },
    );
  }
}

function copy<B extends Uint8Array>(v: DataView, from: number, into: B, at: number, length: number): B {
  into.set(new Uint8Array(v.buffer, v.byteOffset + from, length), at);
  return into;
}
