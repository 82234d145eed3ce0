/*
  SCSI Data-Out (RFC 7143 §11.7)
     0  . . 0x05        F Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  Initiator Task Tag
    20  Target Transfer Tag or 0xffffffff
    24  Reserved
    28  ExpStatSN
    32  Reserved
    36  DataSN
    40  Buffer Offset
    44  Reserved
    48  Data
*/

import { dataSegmentLength, final, initiatorTaskTag, lunHigh, lunLow } from './bhs.ts';
import { expStatSN, targetTransferTag } from './numbers.ts';
import { requireNoAhs, requireTaskTag } from './rules.ts';

/** A piece of what a command writes. */
export interface DataOut {
  /** F: the last of the unsolicited data, or of the sequence that answers one R2T. */
  readonly final: boolean;
  /** Bytes of data, padding excluded. */
  readonly dataSegmentLength: number;
  /** The R2T's LUN; 0 in unsolicited data. */
  readonly lunHigh: number;
  readonly lunLow: number;
  /** The tag of the command. */
  readonly initiatorTaskTag: number;
  /** The R2T's tag; `RESERVED_TAG` in unsolicited data. */
  readonly targetTransferTag: number;
  readonly expStatSN: number;
  /** Counts from 0 in each sequence. */
  readonly dataSN: number;
  /** Bytes from the start of what the command writes. */
  readonly bufferOffset: number;
}

/** Writes the 48 bytes of a Data-Out at `at`. Hot path. */
export function writeDataOut(v: DataView, at: number, p: DataOut): void {
  v.setUint32(at, p.final ? 0x0580_0000 : 0x0500_0000);
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, 0);
  v.setUint32(at + 28, p.expStatSN);
  v.setUint32(at + 32, 0);
  v.setUint32(at + 36, p.dataSN);
  v.setUint32(at + 40, p.bufferOffset);
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of a Data-Out at `at`. */
export function readDataOut(v: DataView, at: number): DataOut {
  return {
    final: final(v, at),
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    expStatSN: expStatSN(v, at),
    dataSN: dataOutDataSN(v, at),
    bufferOffset: dataOutBufferOffset(v, at),
  };
}

/** F: the last PDU of its sequence. */
export function dataOutFinal(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & 0x80) !== 0;
}

/** The R2T's tag; `RESERVED_TAG` in unsolicited data. */
export function dataOutTargetTransferTag(v: DataView, at: number): number {
  return v.getUint32(at + 20);
}

/** The number of the PDU within its sequence. */
export function dataOutDataSN(v: DataView, at: number): number {
  return v.getUint32(at + 36);
}

/** Bytes from the start of what the command writes. */
export function dataOutBufferOffset(v: DataView, at: number): number {
  return v.getUint32(at + 40);
}

/** @throws {ProtocolError} On AHS or the reserved tag. An empty data segment is allowed (RFC 7143 §11.7.7). */
export function checkDataOut(v: DataView, at: number): void {
  requireNoAhs(v, at, 'a Data-Out');
  requireTaskTag(v, at, 'a Data-Out');
}
