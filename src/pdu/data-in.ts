/*
  SCSI Data-In (RFC 7143 §11.7)
     0  . . 0x25        F A 0 0 0 O U S   Reserved   Status or Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  Initiator Task Tag
    20  Target Transfer Tag or 0xffffffff
    24  StatSN or Reserved
    28  ExpCmdSN
    32  MaxCmdSN
    36  DataSN
    40  Buffer Offset
    44  Residual Count
    48  Data
*/

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength, initiatorTaskTag, lunHigh, lunLow, totalAhsLength } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN, targetTransferTag } from './numbers.ts';
import { requireNoAhs, requireTaskTag } from './rules.ts';

const FINAL = 0x80;
const ACKNOWLEDGE = 0x40;
const OVERFLOW = 0x04;
const UNDERFLOW = 0x02;
const STATUS = 0x01;
const BOTH_RESIDUALS = OVERFLOW | UNDERFLOW;

/** A piece of what a command reads; the last one may bring the status too. */
export interface DataIn {
  /** F: the last of its sequence. */
  readonly final: boolean;
  /** A: the target wants the data acknowledged; to be ignored at ErrorRecoveryLevel 0. */
  readonly acknowledge: boolean;
  /** O, with `hasStatus` only: more to read than the initiator expected. */
  readonly overflow: boolean;
  /** U, with `hasStatus` only: less to read than the initiator expected. */
  readonly underflow: boolean;
  /** S: status, StatSN and residual count are valid, and the command is over. */
  readonly hasStatus: boolean;
  /** The SCSI status, with `hasStatus` only. */
  readonly status: number;
  /** Bytes of data, padding excluded. */
  readonly dataSegmentLength: number;
  /** With `acknowledge`, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly initiatorTaskTag: number;
  /** With `acknowledge`, else `RESERVED_TAG`. */
  readonly targetTransferTag: number;
  /** With `hasStatus`, else 0. */
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** Counts from 0 over the whole command. */
  readonly dataSN: number;
  /** Bytes from the start of what the command reads. */
  readonly bufferOffset: number;
  /** Bytes; with `overflow` or `underflow`. */
  readonly residualCount: number;
}

/** Writes the 48 bytes of a Data-In at `at`. Hot path. */
export function writeDataIn(v: DataView, at: number, p: DataIn): void {
  const flags =
    (p.final ? FINAL : 0) |
    (p.acknowledge ? ACKNOWLEDGE : 0) |
    (p.overflow ? OVERFLOW : 0) |
    (p.underflow ? UNDERFLOW : 0) |
    (p.hasStatus ? STATUS : 0);
  v.setUint32(at, 0x2500_0000 | (flags << 16) | (p.status & 0xff));
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.targetTransferTag);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, p.dataSN);
  v.setUint32(at + 40, p.bufferOffset);
  v.setUint32(at + 44, p.residualCount);
}

/** Reads the 48 bytes of a Data-In at `at`. */
export function readDataIn(v: DataView, at: number): DataIn {
  return {
    final: dataInFinal(v, at),
    acknowledge: dataInAcknowledge(v, at),
    overflow: dataInOverflow(v, at),
    underflow: dataInUnderflow(v, at),
    hasStatus: dataInHasStatus(v, at),
    status: dataInStatus(v, at),
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    targetTransferTag: targetTransferTag(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    dataSN: dataInDataSN(v, at),
    bufferOffset: dataInBufferOffset(v, at),
    residualCount: dataInResidualCount(v, at),
  };
}

/** F: the last PDU of its sequence. */
export function dataInFinal(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & FINAL) !== 0;
}

/** A: the target wants the data acknowledged. */
export function dataInAcknowledge(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & ACKNOWLEDGE) !== 0;
}

/** O: valid with S. */
export function dataInOverflow(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & OVERFLOW) !== 0;
}

/** U: valid with S. */
export function dataInUnderflow(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & UNDERFLOW) !== 0;
}

/** S: the PDU brings the command's status. */
export function dataInHasStatus(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & STATUS) !== 0;
}

/** The SCSI status, valid with S. */
export function dataInStatus(v: DataView, at: number): number {
  return v.getUint8(at + 3);
}

/** The number of the PDU within the command. */
export function dataInDataSN(v: DataView, at: number): number {
  return v.getUint32(at + 36);
}

/** Bytes from the start of what the command reads. */
export function dataInBufferOffset(v: DataView, at: number): number {
  return v.getUint32(at + 40);
}

/** Bytes; valid with S and O or U. */
export function dataInResidualCount(v: DataView, at: number): number {
  return v.getUint32(at + 44);
}

/**
 * Hot path. The A bit is not looked at: at ErrorRecoveryLevel 0 it must be ignored, and only the session knows the
 * level.
 * @throws {ProtocolError} On AHS, the reserved tag, S without F, or S with both O and U.
 */
export function checkDataIn(v: DataView, at: number): void {
  const flags = v.getUint8(at + 1);
  const fits = (flags & STATUS) === 0 || ((flags & FINAL) !== 0 && (flags & BOTH_RESIDUALS) !== BOTH_RESIDUALS);
  if (fits && totalAhsLength(v, at) === 0 && initiatorTaskTag(v, at) !== RESERVED_TAG) return;
  refuseDataIn(v, at);
}

/** Says which of the rules is broken: apart, so that the check itself stays small enough to be compiled in place. */
function refuseDataIn(v: DataView, at: number): never {
  requireNoAhs(v, at, 'a Data-In');
  requireTaskTag(v, at, 'a Data-In');
  const [what, clause] = dataInFinal(v, at) ? ['both O and U', '11.4.1'] : ['S but not F', '11.7.3'];
  throw new ProtocolError(`Cannot take a Data-In with ${what}`, { clause });
}
