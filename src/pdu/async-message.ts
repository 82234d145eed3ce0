/*
  Asynchronous Message (RFC 7143 §11.9)
     0  . . 0x32        1 Reserved
     4  TotalAHSLength  DataSegmentLength (24 bits)
     8  LUN or Reserved
    16  0xffffffff
    20  Reserved
    24  StatSN
    28  ExpCmdSN
    32  MaxCmdSN
    36  AsyncEvent      AsyncVCode      Parameter1 or Reserved
    40  Parameter2 or Reserved          Parameter3 or Reserved
    44  Reserved
    48  Sense Data and iSCSI Event Data: see sense-segment.ts
*/

import { ASYNC_EVENTS } from '../spec/iscsi-async-events.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength, lunHigh, lunLow } from './bhs.ts';
import { expCmdSN, maxCmdSN, statSN } from './numbers.ts';
import { requireNoAhs, requireSenseLength } from './rules.ts';

/** The target has something to say that no request asked for. */
export interface AsyncMessage {
  /** Bytes of SenseLength, sense and event data, padding excluded. */
  readonly dataSegmentLength: number;
  /** Valid for SCSI events and for task termination, else 0. */
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** See `ASYNC_EVENTS`. */
  readonly asyncEvent: number;
  /** Details of a vendor's event, else 0. */
  readonly asyncVCode: number;
  /** Connection drop: the CID. */
  readonly parameter1: number;
  /** Connection and session drop: Time2Wait, in seconds. */
  readonly parameter2: number;
  /** Connection and session drop: Time2Retain. Logout and negotiation request: the time allowed. In seconds. */
  readonly parameter3: number;
}

/** Writes the 48 bytes of an Asynchronous Message at `at`. */
export function writeAsyncMessage(v: DataView, at: number, p: AsyncMessage): void {
  v.setUint32(at, 0x3280_0000);
  v.setUint32(at + 4, p.dataSegmentLength & 0xff_ffff);
  v.setUint32(at + 8, p.lunHigh);
  v.setUint32(at + 12, p.lunLow);
  v.setUint32(at + 16, RESERVED_TAG);
  v.setUint32(at + 20, 0);
  v.setUint32(at + 24, p.statSN);
  v.setUint32(at + 28, p.expCmdSN);
  v.setUint32(at + 32, p.maxCmdSN);
  v.setUint32(at + 36, (p.asyncEvent << 24) | ((p.asyncVCode & 0xff) << 16) | (p.parameter1 & 0xffff));
  v.setUint32(at + 40, (p.parameter2 << 16) | (p.parameter3 & 0xffff));
  v.setUint32(at + 44, 0);
}

/** Reads the 48 bytes of an Asynchronous Message at `at`. */
export function readAsyncMessage(v: DataView, at: number): AsyncMessage {
  return {
    dataSegmentLength: dataSegmentLength(v, at),
    lunHigh: lunHigh(v, at),
    lunLow: lunLow(v, at),
    statSN: statSN(v, at),
    expCmdSN: expCmdSN(v, at),
    maxCmdSN: maxCmdSN(v, at),
    asyncEvent: v.getUint8(at + 36),
    asyncVCode: v.getUint8(at + 37),
    parameter1: v.getUint16(at + 38),
    parameter2: v.getUint16(at + 40),
    parameter3: v.getUint16(at + 42),
  };
}

/**
 * An unknown event is no error: it can be passed over. Nor is what data it has, since nobody reads it: only a SCSI
 * event brings sense data.
 * @throws {ProtocolError} On AHS, or a SCSI event whose data segment is too short for SenseLength.
 */
export function checkAsyncMessage(v: DataView, at: number): void {
  requireNoAhs(v, at, 'an Asynchronous Message');
  if (v.getUint8(at + 36) === ASYNC_EVENTS.SCSI_EVENT) requireSenseLength(v, at, 'an Asynchronous Message', '11.9.4');
}
