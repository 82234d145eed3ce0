/**
 * Rules that many PDUs share. Each throws a ProtocolError with its clause, and allocates nothing while the rule is
 * kept.
 */

import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { dataSegmentLength, initiatorTaskTag, totalAhsLength } from './bhs.ts';

/** @internal Only SCSI Command has AHS (RFC 7143 §11.2, §11.2.1.5). */
export function requireNoAhs(v: DataView, at: number, pdu: string): void {
  const length = totalAhsLength(v, at);
  if (length !== 0) {
    throw new ProtocolError(`Cannot take ${pdu} with ${length} bytes of AHS: 0 allowed`, { clause: '11.2.1.5' });
  }
}

/** @internal Neither AHS nor data. `clause` is where the RFC says so for this PDU. */
export function requireHeaderOnly(v: DataView, at: number, pdu: string, clause: string): void {
  requireNoAhs(v, at, pdu);
  const length = dataSegmentLength(v, at);
  if (length !== 0) {
    throw new ProtocolError(`Cannot take ${pdu} with a data segment of ${length} bytes: 0 allowed`, { clause });
  }
}

/** @internal The reserved tag is never a task's (RFC 7143 §11.2.1.8). */
export function requireTaskTag(v: DataView, at: number, pdu: string): void {
  if (initiatorTaskTag(v, at) === RESERVED_TAG) {
    throw new ProtocolError(`Cannot take ${pdu} with the reserved Initiator Task Tag 0xffffffff`, {
      clause: '11.2.1.8',
    });
  }
}

/** @internal Login and text: C (text goes on) excludes T and F (RFC 7143 §11.10.2, §11.11.2, §11.12.2, §11.13.7). */
export function requireNotFinalAndContinued(v: DataView, at: number, pdu: string, clause: string): void {
  if ((v.getUint8(at + 1) & 0xc0) === 0xc0) {
    throw new ProtocolError(`Cannot take ${pdu} that is the last of its stage and to be continued at once`, { clause });
  }
}

/** @internal Stage 2 is reserved, as CSG always, as NSG where T makes it valid (RFC 7143 §11.12.3). */
export function requireKnownStages(v: DataView, at: number, pdu: string): void {
  const flags = v.getUint8(at + 1);
  const reserved = (flags & 0x0c) === 0x08 || ((flags & 0x80) !== 0 && (flags & 0x03) === 0x02);
  if (reserved) throw new ProtocolError(`Cannot take ${pdu} with the reserved stage 2`, { clause: '11.12.3' });
}

/** @internal A data segment of sense data begins with the two bytes of SenseLength (RFC 7143 §11.4.7, §11.9.4). */
export function requireSenseLength(v: DataView, at: number, pdu: string, clause: string): void {
  if (dataSegmentLength(v, at) === 1) {
    throw new ProtocolError(`Cannot take ${pdu} with a data segment of 1 byte: SenseLength alone has 2`, { clause });
  }
}
