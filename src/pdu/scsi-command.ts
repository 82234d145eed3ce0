/*
  SCSI Command (RFC 7143 §11.3)
     0  . I 0x01        F R W . . ATTR   Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  Logical Unit Number (LUN)
    16  Initiator Task Tag
    20  Expected Data Transfer Length
    24  CmdSN
    28  ExpStatSN
    32  SCSI Command Descriptor Block (CDB), 16 bytes
    48  AHS, Data Segment (immediate data)
*/

import { ProtocolError } from '../errors.ts';
import { readBidirectionalReadLength } from './ahs.ts';
import { dataSegmentLength, immediate, initiatorTaskTag, lunHigh, lunLow, totalAhsLength } from './bhs.ts';
import { cmdSN, expStatSN } from './numbers.ts';
import { requireTaskTag } from './rules.ts';

const FINAL = 0x80;
const READ = 0x40;
const WRITE = 0x20;
const CDB_LENGTH = 16;

/** A SCSI command on its way to the target. */
export interface ScsiCommand {
  readonly immediate: boolean;
  /** F: no unsolicited Data-Out follows. */
  readonly final: boolean;
  /** R: data is expected to flow to the initiator. */
  readonly read: boolean;
  /** W: data is expected to flow to the target. */
  readonly write: boolean;
  /** ATTR: 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA. */
  readonly attribute: number;
  /** Length of all AHS in 4-byte words. */
  readonly totalAhsLength: number;
  /** Bytes of immediate data, padding excluded. */
  readonly dataSegmentLength: number;
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly initiatorTaskTag: number;
  /** Bytes; of a bidirectional command those to write. */
  readonly expectedDataTransferLength: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
  /** At least 16 bytes, of which 16 are written; what a longer CDB has more goes into an AHS. */
  readonly cdb: DataView;
}

/** Writes the 48 bytes of a SCSI Command at `at`. Hot path. */
export function writeScsiCommand(v: DataView, at: number, p: ScsiCommand): void {
  const flags =
    (p.immediate ? 0x4000_0000 : 0) |
    (p.final ? 0x0080_0000 : 0) |
    (p.read ? 0x0040_0000 : 0) |
    (p.write ? 0x0020_0000 : 0) |
    ((p.attribute & 0x07) << 16);
  v.setUint32(at, 0x0100_0000 | flags);
  v.setUint32(at + 4, (p.totalAhsLength << 24) | (p.dataSegmentLength & 0xff_ffff));
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, p.initiatorTaskTag);
  v.setUint32(at + 20, p.expectedDataTransferLength);
  v.setUint32(at + 24, p.cmdSN);
  v.setUint32(at + 28, p.expStatSN);
  const { cdb } = p;
  v.setUint32(at + 32, cdb.getUint32(0));
  v.setUint32(at + 36, cdb.getUint32(4));
  v.setUint32(at + 40, cdb.getUint32(8));
  v.setUint32(at + 44, cdb.getUint32(12));
}

/**
 * Reads the 48 bytes of a SCSI Command at `at`. The CDB is a copy of its first 16 bytes; `readExtendedCdb()` gives all
 * of it.
 */
export function readScsiCommand(v: DataView, at: number): ScsiCommand {
  return {
    immediate: immediate(v, at),
    final: scsiCommandFinal(v, at),
    read: scsiCommandRead(v, at),
    write: scsiCommandWrite(v, at),
    attribute: scsiCommandAttribute(v, at),
    totalAhsLength: totalAhsLength(v, at) / 4,
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    initiatorTaskTag: initiatorTaskTag(v, at),
    expectedDataTransferLength: scsiCommandExpectedDataTransferLength(v, at),
    cmdSN: cmdSN(v, at),
    expStatSN: expStatSN(v, at),
    cdb: copyCdb(v, at),
  };
}

/** F: no unsolicited Data-Out follows. */
export function scsiCommandFinal(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & FINAL) !== 0;
}

/** R: data is expected to flow to the initiator. */
export function scsiCommandRead(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & READ) !== 0;
}

/** W: data is expected to flow to the target. */
export function scsiCommandWrite(v: DataView, at: number): boolean {
  return (v.getUint8(at + 1) & WRITE) !== 0;
}

/** ATTR: 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA. */
export function scsiCommandAttribute(v: DataView, at: number): number {
  return v.getUint8(at + 1) & 0x07;
}

/** Expected Data Transfer Length, in bytes. */
export function scsiCommandExpectedDataTransferLength(v: DataView, at: number): number {
  return v.getUint32(at + 20);
}

/** Where the 16 bytes of the CDB field begin in the view. */
export function scsiCommandCdbAt(at: number): number {
  return at + 32;
}

/**
 * Checks what makes the command senseless by itself; the view must show its AHS too.
 * Whether unsolicited data was allowed is the session's to know.
 * @throws {ProtocolError} On the reserved tag, neither F nor W, a reserved attribute, a length without a direction, F=0
 *   although the immediate data is all there is, or a bidirectional command without its read length.
 */
export function checkScsiCommand(v: DataView, at: number): void {
  requireTaskTag(v, at, 'a SCSI Command');
  const flags = v.getUint8(at + 1);
  const length = v.getUint32(at + 20);
  if ((flags & (FINAL | WRITE)) === 0) refuse('with neither F nor W', '11.3.1');
  if ((flags & 0x07) > 4) refuse(`with the reserved attribute ${flags & 0x07}`, '11.3.1');
  if (length !== 0 && (flags & (READ | WRITE)) === 0) refuse(`that moves ${length} bytes in no direction`, '11.3.1');
  if ((flags & (FINAL | WRITE)) === WRITE && length === dataSegmentLength(v, at)) {
    refuse('that is not final although no data is left to send', '11.3.4');
  }
  const bidirectional = (flags & (READ | WRITE)) === (READ | WRITE);
  if (bidirectional && readBidirectionalReadLength(v, at) === undefined) {
    refuse('that reads and writes without a Bidirectional Read Expected Data Transfer Length', '11.3.4');
  }
}

function refuse(what: string, clause: string): never {
  throw new ProtocolError(`Cannot take a SCSI Command ${what}`, { clause });
}

function copyCdb(v: DataView, at: number): DataView {
  const from = v.byteOffset + scsiCommandCdbAt(at);
  return new DataView(v.buffer.slice(from, from + CDB_LENGTH));
}
