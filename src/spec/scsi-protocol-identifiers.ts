/** PROTOCOL IDENTIFIER (SPC, "Protocol identifier"): the SCSI transport that a port or a mode page speaks of. */
export const PROTOCOL_IDENTIFIER = {
  FIBRE_CHANNEL: 0x0,
  PARALLEL_SCSI: 0x1,
  SSA: 0x2,
  IEEE_1394: 0x3,
  RDMA: 0x4,
  ISCSI: 0x5,
  SAS: 0x6,
  ADT: 0x7,
  ATA: 0x8,
  UAS: 0x9,
  SOP: 0xa,
  PCIE: 0xb,
  NO_SPECIFIC_PROTOCOL: 0xf,
} as const;

/** Name of a transport, such as `ISCSI`. */
export type ProtocolIdentifierName = keyof typeof PROTOCOL_IDENTIFIER;
