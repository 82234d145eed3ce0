/** VERSION of standard INQUIRY data (SPC): the edition of SPC that the device claims. */
export const SCSI_VERSION = {
  NONE: 0x00,
  SCSI_1: 0x01,
  SCSI_2: 0x02,
  SPC: 0x03,
  SPC_2: 0x04,
  SPC_3: 0x05,
  SPC_4: 0x06,
  SPC_5: 0x07,
  SPC_6: 0x0d,
} as const;

/** Name of a version, such as `SPC_4`. */
export type ScsiVersionName = keyof typeof SCSI_VERSION;
