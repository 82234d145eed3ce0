/*
  Caching mode page, 08 (SBC)
     2  :7 IC; :6 ABPF; :5 CAP; :4 DISC; :3 SIZE; :2 WCE; :1 MF; :0 RCD
     3  :7-4 DEMAND READ RETENTION PRIORITY; :3-0 WRITE RETENTION PRIORITY
     4  DISABLE PRE-FETCH TRANSFER LENGTH
     6  MINIMUM PRE-FETCH
     8  MAXIMUM PRE-FETCH
    10  MAXIMUM PRE-FETCH CEILING
    12  :7 FSW; :6 LBCSS; :5 DRA; :2-1 SYNC_PROG; :0 NV_DIS
    13  NUMBER OF CACHE SEGMENTS
    14  CACHE SEGMENT SIZE
*/
import { MODE_PAGE } from '../../spec/scsi-mode-pages.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, byte, flag, u16 } from '../fields.ts';
import type { ModePageInput, ModePageReceived } from './mode-page.ts';
import { readModePage, writeModePage } from './mode-page.ts';

const FIELDS = {
  ic: flag(2, 7),
  abpf: flag(2, 6),
  cap: flag(2, 5),
  disc: flag(2, 4),
  size: flag(2, 3),
  wce: flag(2, 2),
  mf: flag(2, 1),
  rcd: flag(2, 0),
  demandReadRetentionPriority: bits(3, 4, 4),
  writeRetentionPriority: bits(3, 4),
  disablePrefetchTransferLength: u16(4),
  minimumPrefetch: u16(6),
  maximumPrefetch: u16(8),
  maximumPrefetchCeiling: u16(10),
  fsw: flag(12, 7),
  lbcss: flag(12, 6),
  dra: flag(12, 5),
  syncProg: bits(12, 2, 1),
  nvDis: flag(12, 0),
  numberOfCacheSegments: byte(13),
  cacheSegmentSize: u16(14),
};
const LENGTH = 20;

/** Caching page: `wce` is the write-back cache, `rcd` switches the read cache off. */
export type ModePageCaching = FieldValues<typeof FIELDS> & ModePageReceived;

/** What {@link writeModePageCaching} takes. */
export type ModePageCachingInput = FieldInput<typeof FIELDS> & ModePageInput;

/**
 * Reads the Caching mode page, 08 (SBC), that `bytes` begins with. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readModePageCaching(writeModePageCaching({ wce: true })).wce; // true
 */
export function readModePageCaching(bytes: Uint8Array): ModePageCaching {
  return readModePage(bytes, MODE_PAGE.CACHING, FIELDS);
}

/**
 * The Caching mode page, 08 (SBC), with its header: 20 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeModePageCaching({ wce: true }); // hex 08 12 04 ...
 */
export function writeModePageCaching(values: ModePageCachingInput): Uint8Array<ArrayBuffer> {
  return writeModePage(MODE_PAGE.CACHING, LENGTH, FIELDS, values);
}
