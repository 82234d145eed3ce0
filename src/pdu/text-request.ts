/*
  Text Request (RFC 7143 §11.10)
     0  . I 0x04        F C Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  Initiator Task Tag
    20  Target Transfer Tag or 0xffffffff
    24  CmdSN
    28  ExpStatSN
    32  Reserved, 16 bytes
    48  Text
*/

import { dataSegmentLength, final, immediate, initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { cmdSN, expStatSN, targetTransferTag } from './numbers.ts';
import { requireNoAhs, requireNotFinalAndContinued, requireTaskTag } from './rules.ts';

/** A piece of a text exchange, from the initiator. */
export interface TextRequest {
  readonly immediate: boolean;
  /** F: the last or only request of the sequence. */
  readonly final: boolean;
  /** C: the text goes on in the next request. */
  readonly continues: boolean;
  /** Bytes of text, padding excluded. */
  readonly dataSegmentLength: number;
  /** The last response's LUN when going on, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly initiatorTaskTag: number;
  /** `RESERVED_TAG` begins anew, the last response's tag goes on. */
  readonly targetTransferTag: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
}

/** Writes the 48 bytes of a Text Request at `at`. */
export function writeTextRequest(v: DataView, at: number, p: TextRequest): void {
  const flags = (p.immediate ? 0x4000_0000 : 0) | (p.final ? 0x0080_0000 : 0) | (p.continues ? 0x0040_0000 : 0);
  v.setUint32(at, 0x0400_0000 | flags);
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, p.cmdSN);
  v.setUint32(at + 28, p.expStatSN);
  for (let reserved = 32; reserved < 48; reserved += 4) v.setUint32(at + reserved, 0);
}

/** Reads the 48 bytes of a Text Request at `at`. */
export function readTextRequest(v: DataView, at: number): TextRequest {
  return {
    immediate: immediate(v, at),
    final: final(v, at),
    continues: (v.getUint8(at + 1) & 0x40) !== 0,
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    cmdSN: cmdSN(v, at),
    expStatSN: expStatSN(v, at),
  };
}

/** @throws {ProtocolError} On AHS, the reserved tag, or F together with C. */
export function checkTextRequest(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a Text Request');
  requireTaskTag(v, at, 'a Text Request');
  requireNotFinalAndContinued(v, at, 'a Text Request', '11.10.2');
}
