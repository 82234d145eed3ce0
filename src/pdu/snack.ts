/*
  SNACK Request (RFC 7143 §11.16)
     0  . . 0x10        1 . . . Type (4 bits)   Reserved
     4  TotalAHSLength 0, DataSegmentLength 0
     8  LUN or Reserved
    16  Initiator Task Tag or 0xffffffff
    20  Target Transfer Tag or SNACK Tag or 0xffffffff
    24  Reserved
    28  ExpStatSN
    32  Reserved, 8 bytes
    40  BegRun
    44  RunLength
*/

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { SNACK_TYPES, snackTypeText } from '../spec/iscsi-snack.ts';
import { initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { expStatSN, targetTransferTag } from './numbers.ts';
import { requireHeaderOnly } from './rules.ts';

/** Asks for PDUs again, or acknowledges data. */
export interface Snack {
  /** See `SNACK_TYPES`. */
  readonly type: number;
  /** DataACK: the Data-In's LUN, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  /** The command's tag; `RESERVED_TAG` for Status and DataACK. */
  readonly initiatorTaskTag: number;
  /** DataACK: the Data-In's tag. R-Data: the SNACK Tag. Else `RESERVED_TAG`. */
  readonly targetTransferTag: number;
  readonly expStatSN: number;
  /** The first number wanted; DataACK: the next DataSN expected. */
  readonly begRun: number;
  /** How many are wanted; 0 for all from `begRun` on. */
  readonly runLength: number;
}

/** Writes the 48 bytes of a SNACK Request at `at`. */
export function writeSnack(v: DataView, at: number, p: Snack): void {
  v.setUint32(at, 0x1080_0000 | ((p.type & 0x0f) << 16));
  v.setUint32(at + 4, 0);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, 0);
  v.setUint32(at + 28, p.expStatSN);
  v.setUint32(at + 32, 0);
  v.setUint32(at + 36, 0);
  v.setUint32(at + 40, p.begRun);
  v.setUint32(at + 44, p.runLength);
}

/** Reads the 48 bytes of a SNACK Request at `at`. */
export function readSnack(v: DataView, at: number): Snack {
  return {
    type: v.getUint8(at + 1) & 0x0f,
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    expStatSN: expStatSN(v, at),
    begRun: v.getUint32(at + 40),
    runLength: v.getUint32(at + 44),
  };
}

/** @throws {ProtocolError} On AHS or data, a reserved type, or tags and runs that the type does not allow. */
export function checkSnack(v: DataView, at: number): void {
  requireHeaderOnly(v, at, 'a SNACK Request', '11.2.1.6');
  const { type, initiatorTaskTag: taskTag, targetTransferTag: tag, begRun, runLength } = readSnack(v, at);
  if (type > SNACK_TYPES.R_DATA) refuse(type, 'which is reserved', '11.16.1');
  const ofCommand = type === SNACK_TYPES.DATA_OR_R2T || type === SNACK_TYPES.R_DATA;
  if (ofCommand && taskTag === RESERVED_TAG) refuse(type, 'without Initiator Task Tag', '11.16.4');
  if (!ofCommand && taskTag !== RESERVED_TAG) refuse(type, 'with an Initiator Task Tag', '11.16.4');
  const tagged = type === SNACK_TYPES.DATA_ACK || type === SNACK_TYPES.R_DATA;
  if (tagged && tag === RESERVED_TAG) refuse(type, 'without its tag', '11.16.5');
  if (!tagged && tag !== RESERVED_TAG) refuse(type, 'with a Target Transfer Tag', '11.16.5');
  if (type === SNACK_TYPES.R_DATA && tag === 0) refuse(type, 'with SNACK Tag 0', '11.16.5');
  if (type === SNACK_TYPES.R_DATA && begRun !== 0) refuse(type, `with BegRun ${begRun}: 0 needed`, '11.16.6');
  if (tagged && runLength !== 0) refuse(type, `with RunLength ${runLength}: 0 needed`, '11.16.7');
}

function refuse(type: number, what: string, clause: string): never {
  throw new ProtocolError(`Cannot take a SNACK Request of type ${type} (${snackTypeText(type).name}) ${what}`, {
    clause,
  });
}
