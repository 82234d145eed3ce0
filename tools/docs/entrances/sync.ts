/**
 * The initiator without promises, for simple programs: each call blocks the calling thread until it is done.
 *
 * @module tsiscsi/sync
 */
export * from '../../../dist/types/sync/index.js';
