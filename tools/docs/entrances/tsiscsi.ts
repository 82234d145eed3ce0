/**
 * The initiator: connect to logical units by URL, read and write them as block devices, or send any SCSI command.
 *
 * @module tsiscsi
 */
export * from '../../../dist/types/index.js';
