/** What a logical unit is and whether it is there: byte 0 of INQUIRY data (SPC, "Standard INQUIRY data"). */

/** PERIPHERAL DEVICE TYPE, five bits. */
export const DEVICE_TYPE = {
  DIRECT_ACCESS: 0x00,
  SEQUENTIAL_ACCESS: 0x01,
  PRINTER: 0x02,
  PROCESSOR: 0x03,
  WRITE_ONCE: 0x04,
  CD_DVD: 0x05,
  SCANNER: 0x06,
  OPTICAL_MEMORY: 0x07,
  MEDIA_CHANGER: 0x08,
  COMMUNICATIONS: 0x09,
  STORAGE_ARRAY_CONTROLLER: 0x0c,
  ENCLOSURE_SERVICES: 0x0d,
  SIMPLIFIED_DIRECT_ACCESS: 0x0e,
  OPTICAL_CARD_READER_WRITER: 0x0f,
  BRIDGE_CONTROLLER: 0x10,
  OBJECT_BASED_STORAGE: 0x11,
  AUTOMATION_DRIVE_INTERFACE: 0x12,
  SECURITY_MANAGER: 0x13,
  HOST_MANAGED_ZONED_BLOCK: 0x14,
  WELL_KNOWN_LOGICAL_UNIT: 0x1e,
  UNKNOWN: 0x1f,
} as const;

/** Name of a device type, such as `DIRECT_ACCESS`. */
export type DeviceTypeName = keyof typeof DEVICE_TYPE;

/** PERIPHERAL QUALIFIER, three bits; 4 to 7 are vendor specific. */
export const PERIPHERAL_QUALIFIER = {
  /** A device is connected, as far as the target can tell. */
  CONNECTED: 0x0,
  /** The target could serve one here, but none is connected now. */
  NOT_CONNECTED: 0x1,
  /** No device can be at this logical unit number. */
  NOT_SUPPORTED: 0x3,
} as const;
