/**
 * The SCSI language without a transport: CDBs, sense data, INQUIRY data, VPD pages, mode pages, and the standards'
 * numbers.
 *
 * @module tsiscsi/scsi
 */
export * from '../../../dist/types/scsi/index.js';
