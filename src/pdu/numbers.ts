/**
 * Fields that lie at the same place in every PDU that has them: CmdSN and ExpStatSN of the initiator's, StatSN,
 * ExpCmdSN and MaxCmdSN of the target's, and the Target Transfer Tag. Reading takes (view, at), allocates nothing and
 * keeps nothing.
 */

/** The Target Transfer Tag of a NOP, Text, Data, R2T PDU. */
export function targetTransferTag(v: DataView, at: number): number {
  return v.getUint32(at + 20);
}

/** CmdSN of an initiator's PDU; Data-Out and SNACK have none. */
export function cmdSN(v: DataView, at: number): number {
  return v.getUint32(at + 24);
}

/** ExpStatSN of an initiator's PDU. */
export function expStatSN(v: DataView, at: number): number {
  return v.getUint32(at + 28);
}

/** StatSN of a target's PDU; of a Data-In valid only with S (RFC 7143 §11.7.3). */
export function statSN(v: DataView, at: number): number {
  return v.getUint32(at + 24);
}

/** ExpCmdSN of a target's PDU. */
export function expCmdSN(v: DataView, at: number): number {
  return v.getUint32(at + 28);
}

/** MaxCmdSN of a target's PDU. */
export function maxCmdSN(v: DataView, at: number): number {
  return v.getUint32(at + 32);
}
