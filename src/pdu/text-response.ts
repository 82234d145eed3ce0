/*
  Text Response (RFC 7143 §11.11)
     0  . . 0x24        F C Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  Initiator Task Tag
    20  Target Transfer Tag or 0xffffffff
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  Reserved, 12 bytes
    48  Text
*/

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength, final, initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN, targetTransferTag } from './numbers.ts';
import { requireNoAhs, requireNotFinalAndContinued, requireTaskTag } from './rules.ts';

/** A piece of a text exchange, from the target. */
export interface TextResponse {
  /** F: the whole exchange is over. */
  readonly final: boolean;
  /** C: the text goes on in the next response. */
  readonly continues: boolean;
  /** Bytes of text, padding excluded. */
  readonly dataSegmentLength: number;
  /** For the initiator to copy into its next request. */
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly initiatorTaskTag: number;
  /** For the initiator to copy into its next request; `RESERVED_TAG` when the exchange is over. */
  readonly targetTransferTag: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

/** Writes the 48 bytes of a Text Response at `at`. */
export function writeTextResponse(v: DataView, at: number, p: TextResponse): void {
  v.setUint32(at, 0x2400_0000 | (p.final ? 0x0080_0000 : 0) | (p.continues ? 0x0040_0000 : 0));
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

/** Reads the 48 bytes of a Text Response at `at`. */
export function readTextResponse(v: DataView, at: number): TextResponse {
  return {
    final: final(v, at),
    continues: (v.getUint8(at + 1) & 0x40) !== 0,
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

/**
 * A tag in the final response is not checked: the initiator must ignore it (RFC 7143 §11.10.4).
 * @throws {ProtocolError} On AHS, the reserved tag, F together with C, or a response that is not final and has no
 *   Target Transfer Tag.
 */
export function checkTextResponse(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a Text Response');
  requireTaskTag(v, at, 'a Text Response');
  requireNotFinalAndContinued(v, at, 'a Text Response', '11.11.2');
  if (!final(v, at) && targetTransferTag(v, at) === RESERVED_TAG) {
    throw new ProtocolError('Cannot go on after a Text Response that is not final and has no Target Transfer Tag', {
      clause: '11.11.1',
    });
  }
}
