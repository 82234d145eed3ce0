/*
  Informational Exceptions Control mode page, 1C (SPC)
     2  :7 PERF; :5 EBF; :4 EWASC; :3 DEXCPT; :2 TEST; :1 EBACKERR; :0 LOGERR
     3  :3-0 MRIE
     4  INTERVAL TIMER
     8  REPORT COUNT
*/
import { MODE_PAGE } from '../../spec/scsi-mode-pages.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, flag, u32 } from '../fields.ts';
import type { ModePageInput, ModePageReceived } from './mode-page.ts';
import { readModePage, writeModePage } from './mode-page.ts';

const FIELDS = {
  perf: flag(2, 7),
  ebf: flag(2, 5),
  ewasc: flag(2, 4),
  dexcpt: flag(2, 3),
  test: flag(2, 2),
  ebackerr: flag(2, 1),
  logerr: flag(2, 0),
  mrie: bits(3, 4),
  intervalTimer: u32(4),
  reportCount: u32(8),
};
const LENGTH = 12;

/** Informational exceptions control page; `intervalTimer` in 100 ms. */
export type ModePageInformationalExceptions = FieldValues<typeof FIELDS> & ModePageReceived;

/** What {@link writeModePageInformationalExceptions} takes. */
export type ModePageInformationalExceptionsInput = FieldInput<typeof FIELDS> & ModePageInput;

/**
 * Reads the Informational Exceptions Control mode page, 1C (SPC), that `bytes` begins with. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readModePageInformationalExceptions(writeModePageInformationalExceptions({ mrie: 6 })).mrie; // 6
 */
export function readModePageInformationalExceptions(bytes: Uint8Array): ModePageInformationalExceptions {
  return readModePage(bytes, MODE_PAGE.INFORMATIONAL_EXCEPTIONS_CONTROL, FIELDS);
}

/**
 * The Informational Exceptions Control mode page, 1C (SPC), with its header: 12 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeModePageInformationalExceptions({ mrie: 6, intervalTimer: 600 }); // hex 1c 0a 00 06 00 00 02 58 00 00 00 00
 */
export function writeModePageInformationalExceptions(
  values: ModePageInformationalExceptionsInput,
): Uint8Array<ArrayBuffer> {
  return writeModePage(MODE_PAGE.INFORMATIONAL_EXCEPTIONS_CONTROL, LENGTH, FIELDS, values);
}
