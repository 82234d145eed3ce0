/**
 * The embedded target: an iSCSI target in this process.
 *
 * @module tsiscsi/target
 */
export * from '../../../dist/types/server/index.js';
