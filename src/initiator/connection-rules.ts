/** What sending data depends on, of a connection and of what its login has settled. */
export interface DataOutRules {
  /** The target's MaxRecvDataSegmentLength: the largest data segment that may be sent, in bytes. */
  readonly maxSendDataSegmentLength: number;
  /** The StatSN that comes next. */
  readonly expStatSN: number;
}

/**
 * What the negotiation left to decide about data that goes without being asked for (RFC 7143 §13.10, §13.11, §13.14).
 */
export interface CommandRules extends DataOutRules {
  readonly immediateData: boolean;
  readonly initialR2T: boolean;
  /** Bytes. */
  readonly firstBurstLength: number;
}
