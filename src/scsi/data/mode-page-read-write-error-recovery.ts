/*
  Read-Write Error Recovery mode page, 01 (SBC)
     2  :7 AWRE; :6 ARRE; :5 TB; :4 RC; :3 EER; :2 PER; :1 DTE; :0 DCR
     3  READ RETRY COUNT
     7  :7 LBPERE
     8  WRITE RETRY COUNT
    10  RECOVERY TIME LIMIT
*/
import { MODE_PAGE } from '../../spec/scsi-mode-pages.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { byte, flag, u16 } from '../fields.ts';
import type { ModePageInput, ModePageReceived } from './mode-page.ts';
import { readModePage, writeModePage } from './mode-page.ts';

const FIELDS = {
  awre: flag(2, 7),
  arre: flag(2, 6),
  tb: flag(2, 5),
  rc: flag(2, 4),
  eer: flag(2, 3),
  per: flag(2, 2),
  dte: flag(2, 1),
  dcr: flag(2, 0),
  readRetryCount: byte(3),
  lbpere: flag(7, 7),
  writeRetryCount: byte(8),
  recoveryTimeLimit: u16(10),
};
const LENGTH = 12;

/** Read-write error recovery page; `recoveryTimeLimit` in milliseconds. */
export type ModePageReadWriteErrorRecovery = FieldValues<typeof FIELDS> & ModePageReceived;

/** What {@link writeModePageReadWriteErrorRecovery} takes. */
export type ModePageReadWriteErrorRecoveryInput = FieldInput<typeof FIELDS> & ModePageInput;

/**
 * Reads the Read-Write Error Recovery mode page, 01 (SBC), that `bytes` begins with. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readModePageReadWriteErrorRecovery(writeModePageReadWriteErrorRecovery({ arre: true })).arre; // true
 */
export function readModePageReadWriteErrorRecovery(bytes: Uint8Array): ModePageReadWriteErrorRecovery {
  return readModePage(bytes, MODE_PAGE.READ_WRITE_ERROR_RECOVERY, FIELDS);
}

/**
 * The Read-Write Error Recovery mode page, 01 (SBC), with its header: 12 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeModePageReadWriteErrorRecovery({ awre: true, arre: true }); // hex 01 0a c0 00 00 00 00 00 00 00 00 00
 */
export function writeModePageReadWriteErrorRecovery(
  values: ModePageReadWriteErrorRecoveryInput,
): Uint8Array<ArrayBuffer> {
  return writeModePage(MODE_PAGE.READ_WRITE_ERROR_RECOVERY, LENGTH, FIELDS, values);
}
