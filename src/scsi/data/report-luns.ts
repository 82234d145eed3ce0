/*
  REPORT LUNS parameter data (SPC)
     0  LUN LIST LENGTH (n - 7)
     8  LUN, 8 bytes each
*/
import { viewOf } from '../../bytes/hex.ts';
import type { Lun } from '../lun.ts';
import type { Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

const HEADER_LENGTH = 8;
const LUN_LENGTH = 8;

/** REPORT LUNS data. */
export interface ReportedLuns extends Received {
  /** In wire order, all eight bytes of each; see `decodeLun()`. */
  readonly luns: readonly Lun[];
}

/**
 * Reads REPORT LUNS data (SPC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 8 bytes.
 * @example
 * readReportLuns(writeReportLuns([encodeLun(0), encodeLun(5)])).luns.map(formatLun); // ['0', '5']
 */
export function readReportLuns(bytes: Uint8Array): ReportedLuns {
  atLeast(bytes, HEADER_LENGTH, 'REPORT LUNS data');
  const { view, end, fullLength, truncated } = block(bytes, HEADER_LENGTH + viewOf(bytes).getUint32(0));
  const luns: Lun[] = [];
  for (let at = HEADER_LENGTH; at + LUN_LENGTH <= end; at += LUN_LENGTH) {
    luns.push({ high: view.getUint32(at), low: view.getUint32(at + 4) });
  }
  return { luns, fullLength, truncated };
}

/**
 * REPORT LUNS data for `luns`, in the order given (SPC). The bytes belong to the caller.
 *
 * @example
 * writeReportLuns([encodeLun(5)]); // hex 00 00 00 08 00 00 00 00 00 05 00 00 00 00 00 00
 */
export function writeReportLuns(luns: readonly Lun[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_LENGTH + LUN_LENGTH * luns.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, LUN_LENGTH * luns.length);
  let at = HEADER_LENGTH;
  for (const lun of luns) {
    view.setUint32(at, lun.high);
    view.setUint32(at + 4, lun.low);
    at += LUN_LENGTH;
  }
  return bytes;
}
