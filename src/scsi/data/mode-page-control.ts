/*
  Control mode page, 0A (SPC)
     2  :7-5 TST; :4 TMF_ONLY; :3 DPICZ; :2 D_SENSE; :1 GLTSD; :0 RLEC
     3  :7-4 QUEUE ALGORITHM MODIFIER; :3 NUAR; :2-1 QERR
     4  :7 VS; :6 RAC; :5-4 UA_INTLCK_CTRL; :3 SWP
     5  :7 ATO; :6 TAS; :5 ATMPE; :4 RWWP; :3 SBLP; :2-0 AUTOLOAD MODE
     8  BUSY TIMEOUT PERIOD
    10  EXTENDED SELF-TEST COMPLETION TIME
*/
import { MODE_PAGE } from '../../spec/scsi-mode-pages.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, flag, u16 } from '../fields.ts';
import type { ModePageInput, ModePageReceived } from './mode-page.ts';
import { readModePage, writeModePage } from './mode-page.ts';

const FIELDS = {
  tst: bits(2, 3, 5),
  tmfOnly: flag(2, 4),
  dpicz: flag(2, 3),
  dSense: flag(2, 2),
  gltsd: flag(2, 1),
  rlec: flag(2, 0),
  queueAlgorithmModifier: bits(3, 4, 4),
  nuar: flag(3, 3),
  qerr: bits(3, 2, 1),
  vs: flag(4, 7),
  rac: flag(4, 6),
  uaIntlckCtrl: bits(4, 2, 4),
  swp: flag(4, 3),
  ato: flag(5, 7),
  tas: flag(5, 6),
  atmpe: flag(5, 5),
  rwwp: flag(5, 4),
  sblp: flag(5, 3),
  autoloadMode: bits(5, 3),
  busyTimeoutPeriod: u16(8),
  extendedSelfTestCompletionTime: u16(10),
};
const LENGTH = 12;

/**
 * Control page: `swp` is the software write protection, `dSense` asks for descriptor sense; `busyTimeoutPeriod` in
 * 100 ms, self-test time in seconds.
 */
export type ModePageControl = FieldValues<typeof FIELDS> & ModePageReceived;

/** What {@link writeModePageControl} takes. */
export type ModePageControlInput = FieldInput<typeof FIELDS> & ModePageInput;

/**
 * Reads the Control mode page, 0A (SPC), that `bytes` begins with. `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readModePageControl(writeModePageControl({ swp: true })).swp; // true
 */
export function readModePageControl(bytes: Uint8Array): ModePageControl {
  return readModePage(bytes, MODE_PAGE.CONTROL, FIELDS);
}

/**
 * The Control mode page, 0A (SPC), with its header: 12 bytes that belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeModePageControl({ swp: true }); // hex 0a 0a 00 00 08 00 00 00 00 00 00 00
 */
export function writeModePageControl(values: ModePageControlInput): Uint8Array<ArrayBuffer> {
  return writeModePage(MODE_PAGE.CONTROL, LENGTH, FIELDS, values);
}
