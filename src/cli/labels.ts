/**
 * The words of libiscsi's tools, spelled as they spell them: scripts match on them. What these tables do not know is
 * `unknown` there, and so it is here; the JSON output has the standards' own names.
 */

/** A code and its word. */
export type Labels = Readonly<Record<number, string>>;

/** The word for `code`, `unknown` where libiscsi's tools have none. */
export function label(labels: Labels, code: number): string {
  return labels[code] ?? 'unknown';
}

/** PERIPHERAL DEVICE TYPE. `SEQURITY_MANAGER` is libiscsi's spelling. */
export const DEVICE_TYPE_LABELS: Labels = {
  0: 'DIRECT_ACCESS',
  1: 'SEQUENTIAL_ACCESS',
  2: 'PRINTER',
  3: 'PROCESSOR',
  4: 'WRITE_ONCE',
  5: 'MMC',
  6: 'SCANNER',
  7: 'OPTICAL_MEMORY',
  8: 'MEDIA_CHANGER',
  9: 'COMMUNICATIONS',
  12: 'STORAGE_ARRAY_CONTROLLER',
  13: 'ENCLOSURE_SERVICES',
  14: 'SIMPLIFIED_DIRECT_ACCESS',
  15: 'OPTICAL_CARD_READER',
  16: 'BRIDGE_CONTROLLER',
  17: 'OSD',
  18: 'AUTOMATION',
  19: 'SEQURITY_MANAGER',
  30: 'WELL_KNOWN_LUN',
  31: 'UNKNOWN',
};

/** PERIPHERAL QUALIFIER. */
export const QUALIFIER_LABELS: Labels = { 0: 'CONNECTED', 1: 'DISCONNECTED', 3: 'NOT_SUPPORTED' };

/** VERSION of standard INQUIRY data. */
export const VERSION_LABELS: Labels = {
  3: 'ANSI INCITS 301-1997 (SPC)',
  4: 'ANSI INCITS 351-2001 (SPC-2)',
  5: 'ANSI INCITS 408-2005 (SPC-3)',
};

/** Vital product data pages that libiscsi's tools decode. */
export const VPD_PAGE_LABELS: Labels = {
  0: 'SUPPORTED_VPD_PAGES',
  128: 'UNIT_SERIAL_NUMBER',
  131: 'DEVICE_IDENTIFICATION',
  176: 'BLOCK_LIMITS',
  177: 'BLOCK_DEVICE_CHARACTERISTICS',
  178: 'LOGICAL_BLOCK_PROVISIONING',
};

/** VERSION DESCRIPTOR of standard INQUIRY data. `ISO.IEC` is libiscsi's spelling. */
export const VERSION_DESCRIPTOR_LABELS: Labels = {
  288: 'SPC',
  315: 'SPC T10/0995-D revision 11a',
  316: 'SPC ANSI INCITS 301-1997',
  384: 'SBC',
  411: 'SBC T10/0996-D revision 08c',
  412: 'SBC ANSI INCITS 306-1998',
  512: 'SSC',
  608: 'SPC-2',
  615: 'SPC-2 T10/1236-D revision 12',
  617: 'SPC-2 T10/1236-D revision 18',
  629: 'SPC-2 T10/1236-D revision 19',
  630: 'SPC-2 T10/1236-D revision 20',
  631: 'SPC-2 ANSI INCITS 351-2001',
  632: 'SPC-2 ISO.IEC 14776-452',
  768: 'SPC-3',
  769: 'SPC-3 T10/1416-D revision 7',
  775: 'SPC-3 T10/1416-D revision 21',
  783: 'SPC-3 T10/1416-D revision 22',
  786: 'SPC-3 T10/1416-D revision 23',
  788: 'SPC-3 ANSI INCITS 408-2005',
  790: 'SPC-3 ISO/IEC 14776-453',
  800: 'SBC-2',
  802: 'SBC-2 T10/1417-D revision 5A',
  804: 'SBC-2 T10/1417-D revision 15',
  827: 'SBC-2 T10/1417-D revision 16',
  829: 'SBC-2 ANSI INCITS 405-2005',
  830: 'SBC-2 ISO/IEC 14776-322',
  1120: 'SPC-4',
  1121: 'SPC-4 T10/1731-D revision 16',
  1122: 'SPC-4 T10/1731-D revision 18',
  1123: 'SPC-4 T10/1731-D revision 23',
  1216: 'SBC-3',
  2400: 'iSCSI',
  5959: 'UAS T10/2095-D revision 04',
};

/** CODE SET of a designator. */
export const CODE_SET_LABELS: Labels = { 1: 'BINARY', 2: 'ASCII', 3: 'UTF8' };

/** ASSOCIATION of a designator. */
export const ASSOCIATION_LABELS: Labels = { 0: 'LOGICAL_UNIT', 1: 'TARGET_PORT', 2: 'TARGET_DEVICE' };

/** DESIGNATOR TYPE. `T10_VENDORT_ID` is libiscsi's spelling. */
export const DESIGNATOR_TYPE_LABELS: Labels = {
  0: 'VENDOR_SPECIFIC',
  1: 'T10_VENDORT_ID',
  2: 'EUI_64',
  3: 'NAA',
  4: 'RELATIVE_TARGET_PORT',
  5: 'TARGET_PORT_GROUP',
  6: 'LOGICAL_UNIT_GROUP',
  7: 'MD5_LOGICAL_UNIT_IDENTIFIER',
  8: 'SCSI_NAME_STRING',
};

/** PROTOCOL IDENTIFIER of a designator. */
export const PROTOCOL_LABELS: Labels = {
  0: 'FIBRE_CHANNEL',
  1: 'PARALLEL_SCSI',
  2: 'SSA',
  3: 'IEEE_1394',
  4: 'RDMA',
  5: 'ISCSI',
  6: 'SAS',
  7: 'ADT',
  8: 'ATA',
};
