/*
  NOP-In (RFC 7143 §11.19)
     0  . . 0x20        1 Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  Initiator Task Tag or 0xffffffff
    20  Target Transfer Tag or 0xffffffff
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  Reserved, 12 bytes
    48  Return Ping Data
*/

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength, initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN, targetTransferTag } from './numbers.ts';
import { requireNoAhs } from './rules.ts';

/** A target's answer to a ping, its own ping, or just news of its numbers. */
export interface NopIn {
  /** Bytes of ping data, padding excluded; 0 unless it answers a NOP-Out. */
  readonly dataSegmentLength: number;
  /** Valid with a Target Transfer Tag, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  /** The NOP-Out's tag when answering one, else `RESERVED_TAG`. */
  readonly initiatorTaskTag: number;
  /** A valid tag asks for a NOP-Out; `RESERVED_TAG` does not. */
  readonly targetTransferTag: number;
  /** The next StatSN; it advances only when there is an Initiator Task Tag. */
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

/** Writes the 48 bytes of a NOP-In at `at`. */
export function writeNopIn(v: DataView, at: number, p: NopIn): void {
  v.setUint32(at, 0x2080_0000);
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, 0);
  v.setUint32(at + 40, 0);
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a NOP-In at `at`. */
export function readNopIn(v: DataView, at: number): NopIn {
  return {
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
  };
}

/** @throws {ProtocolError} On AHS, on both tags at once, or on data that answers nothing. */
export function checkNopIn(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a NOP-In');
  const answers = initiatorTaskTag(v, at) !== RESERVED_TAG;
  if (answers && targetTransferTag(v, at) !== RESERVED_TAG) {
    throw new ProtocolError('Cannot take a NOP-In with both an Initiator Task Tag and a Target Transfer Tag', {
      clause: '11.19',
    });
  }
  const length = dataSegmentLength(v, at);
  if (!answers && length !== 0) {
    throw new ProtocolError(`Cannot take ${length} bytes of ping data in a NOP-In that answers nothing: 0 allowed`, {
      clause: '11.19',
    });
  }
}
