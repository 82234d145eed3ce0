/** SCSI status codes (SAM, "Status codes"): the last word of the target on a command. */
export const SCSI_STATUS = {
  GOOD: 0x00,
  CHECK_CONDITION: 0x02,
  CONDITION_MET: 0x04,
  BUSY: 0x08,
  /** Obsolete since SAM-4; met with linked commands of old devices only. */
  INTERMEDIATE: 0x10,
  /** Obsolete since SAM-4. */
  INTERMEDIATE_CONDITION_MET: 0x14,
  RESERVATION_CONFLICT: 0x18,
  /** Obsolete since SAM-2. */
  COMMAND_TERMINATED: 0x22,
  TASK_SET_FULL: 0x28,
  ACA_ACTIVE: 0x30,
  TASK_ABORTED: 0x40,
} as const;

/** Name of a status, such as `CHECK_CONDITION`. */
export type ScsiStatusName = keyof typeof SCSI_STATUS;
