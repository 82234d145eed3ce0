/** Types of a SNACK Request (RFC 7143 §11.16.1). */

import { byCode, type CodeText } from './iscsi-text.ts';

/** The Type field. All other values are reserved. */
export const SNACK_TYPES = {
  DATA_OR_R2T: 0,
  STATUS: 1,
  DATA_ACK: 2,
  R_DATA: 3,
} as const;

const TEXT = {
  DATA_OR_R2T: { name: 'Data/R2T SNACK', text: 'asks for Data-In or R2T PDUs again' },
  STATUS: { name: 'Status SNACK', text: 'asks for responses again' },
  DATA_ACK: { name: 'DataACK', text: 'acknowledges Data-In PDUs' },
  R_DATA: { name: 'R-Data SNACK', text: 'asks for Data-In PDUs again, newly cut, and for a tagged status' },
} as const satisfies Record<keyof typeof SNACK_TYPES, CodeText>;

const find = byCode(SNACK_TYPES, TEXT);

/** Words for a SNACK type. */
export function snackTypeText(type: number): CodeText {
  return find(type) ?? { name: `Type ${type}`, text: 'the type is reserved' };
}
