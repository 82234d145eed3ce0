/** PROVISIONING STATUS (SBC, "LBA status descriptor"). */
export const PROVISIONING_STATUS = {
  /** Takes room, or it is not known whether it does. */
  MAPPED_OR_UNKNOWN: 0,
  /** Takes no room. */
  DEALLOCATED: 1,
  /** Holds nothing, but has its room. */
  ANCHORED: 2,
  /** Takes room. */
  MAPPED: 3,
  /** It is not known whether it takes room. */
  UNKNOWN: 4,
} as const;
