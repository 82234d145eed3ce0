/** The codes of a designation descriptor (SPC, "Device Identification VPD page"). */

/** CODE SET: how the designator is written. */
export const CODE_SET = { BINARY: 1, ASCII: 2, UTF_8: 3 } as const;

/** ASSOCIATION: what is named. */
export const ASSOCIATION = { LOGICAL_UNIT: 0, TARGET_PORT: 1, TARGET_DEVICE: 2 } as const;

/** DESIGNATOR TYPE: the form of the name. */
export const DESIGNATOR_TYPE = {
  VENDOR_SPECIFIC: 0x0,
  T10_VENDOR_ID: 0x1,
  EUI_64: 0x2,
  NAA: 0x3,
  RELATIVE_TARGET_PORT: 0x4,
  TARGET_PORT_GROUP: 0x5,
  LOGICAL_UNIT_GROUP: 0x6,
  MD5_LOGICAL_UNIT: 0x7,
  SCSI_NAME_STRING: 0x8,
  PROTOCOL_SPECIFIC_PORT: 0x9,
  UUID: 0xa,
} as const;

/** NAA: the first four bits of an NAA designator. */
export const NAA = {
  IEEE_EXTENDED: 0x2,
  LOCALLY_ASSIGNED: 0x3,
  IEEE_REGISTERED: 0x5,
  IEEE_REGISTERED_EXTENDED: 0x6,
} as const;
