/*
  NOP-Out (RFC 7143 §11.18)
     0  . I 0x00        1 reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  Initiator Task Tag or 0xffffffff
    20  Target Transfer Tag or 0xffffffff
    24  CmdSN
    28  ExpStatSN
    32  Reserved, 16 bytes
    48  Ping Data
*/

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength, immediate, initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { cmdSN, expStatSN, targetTransferTag } from './numbers.ts';
import { requireNoAhs } from './rules.ts';

/** An initiator's ping, its answer to a target's ping, or just news of its ExpStatSN. */
export interface NopOut {
  readonly immediate: boolean;
  /** Bytes of ping data, padding excluded. */
  readonly dataSegmentLength: number;
  /** The NOP-In's LUN when answering one, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  /** A valid tag asks for a NOP-In; `RESERVED_TAG` does not. */
  readonly initiatorTaskTag: number;
  /** The NOP-In's tag when answering one, else `RESERVED_TAG`. */
  readonly targetTransferTag: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
}

/** Writes the 48 bytes of a NOP-Out at `at`. */
export function writeNopOut(v: DataView, at: number, p: NopOut): void {
  v.setUint32(at, 0x0080_0000 | (p.immediate ? 0x4000_0000 : 0));
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, p.cmdSN);
  v.setUint32(at + 28, p.expStatSN);
  for (let reserved = 32; reserved < 48; reserved += 4) v.setUint32(at + reserved, 0);
}

/** Reads the 48 bytes of a NOP-Out at `at`. */
export function readNopOut(v: DataView, at: number): NopOut {
  return {
    immediate: immediate(v, at),
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    cmdSN: cmdSN(v, at),
    expStatSN: expStatSN(v, at),
  };
}

/** @throws {ProtocolError} On AHS, or when a NOP-Out that wants no answer is not immediate. */
export function checkNopOut(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a NOP-Out');
  if (initiatorTaskTag(v, at) === RESERVED_TAG && !immediate(v, at)) {
    throw new ProtocolError('Cannot take a NOP-Out without Initiator Task Tag that is not immediate', {
      clause: '11.18.1',
    });
  }
}
