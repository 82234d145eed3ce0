/*
  Ready To Transfer, R2T (RFC 7143 §11.8)
     0  . . 0x31        1 Reserved
     4  TotalAHSLength 0, DataSegmentLength 0
     8  LUN
    16  Initiator Task Tag
    20  Target Transfer Tag
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  R2TSN
    40  Buffer Offset
    44  Desired Data Transfer Length
*/

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN, targetTransferTag } from './numbers.ts';
import { requireHeaderOnly, requireTaskTag } from './rules.ts';

/** The target asks for a part of what a command writes. */
export interface R2T {
  readonly lunHigh: number;
  readonly lunLow: number;
  /** The tag of the command. */
  readonly initiatorTaskTag: number;
  /** For the initiator to copy into its Data-Out PDUs; never `RESERVED_TAG`. */
  readonly targetTransferTag: number;
  /** The next StatSN; it does not advance. */
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** Counts from 0 over the whole command. */
  readonly r2tSN: number;
  /** Bytes from the start of what the command writes. */
  readonly bufferOffset: number;
  /** Bytes, at least 1. */
  readonly desiredDataTransferLength: number;
}

/** Writes the 48 bytes of an R2T at `at`. Hot path. */
export function writeR2T(v: DataView, at: number, p: R2T): void {
  v.setUint32(at, 0x3180_0000);
  v.setUint32(at + 4, 0);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, p.r2tSN);
  v.setUint32(at + 40, p.bufferOffset);
  v.setUint32(at + 44, p.desiredDataTransferLength);
}

/** Reads the 48 bytes of an R2T at `at`. */
export function readR2T(v: DataView, at: number): R2T {
  return {
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    r2tSN: r2tR2TSN(v, at),
    bufferOffset: r2tBufferOffset(v, at),
    desiredDataTransferLength: r2tDesiredDataTransferLength(v, at),
  };
}

/** For the initiator to copy into its Data-Out PDUs. */
export function r2tTargetTransferTag(v: DataView, at: number): number {
  return v.getUint32(at + 20);
}

/** The number of the R2T within the command. */
export function r2tR2TSN(v: DataView, at: number): number {
  return v.getUint32(at + 36);
}

/** Bytes from the start of what the command writes. */
export function r2tBufferOffset(v: DataView, at: number): number {
  return v.getUint32(at + 40);
}

/** Bytes that the target asks for. */
export function r2tDesiredDataTransferLength(v: DataView, at: number): number {
  return v.getUint32(at + 44);
}

/**
 * Hot path. Whether the length keeps to MaxBurstLength and to the command's buffer is the session's to know.
 * @throws {ProtocolError} On AHS or data, a reserved tag, or a length of 0.
 */
export function checkR2T(v: DataView, at: number): void {
  requireHeaderOnly(v, at, 'an R2T', '11.8.1');
  requireTaskTag(v, at, 'an R2T');
  if (r2tTargetTransferTag(v, at) === RESERVED_TAG) {
    throw new ProtocolError('Cannot answer an R2T with the reserved Target Transfer Tag 0xffffffff', {
      clause: '11.8.5',
    });
  }
  if (r2tDesiredDataTransferLength(v, at) === 0) {
    throw new ProtocolError('Cannot answer an R2T for 0 bytes: at least 1 needed', { clause: '11.8.4' });
  }
}
