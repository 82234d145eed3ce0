/** What the builders of both roles share: a header by its codec, and what goes with it. */
import { viewOf } from '../bytes/hex.ts';
import { BHS_LENGTH } from '../pdu/bhs.ts';
import type { HeaderWriter } from '../pdu/outbox.ts';
import { formatText, type TextPair } from '../pdu/text.ts';
import { encodeLun } from '../scsi/lun.ts';
import type { PduDraft } from './draft.ts';

/** What follows the header. */
export interface Payload {
  /** All additional header segments, their padding included. */
  readonly ahs?: Uint8Array | undefined;
  /** The data segment, without padding. */
  readonly data?: Uint8Array | undefined;
}

/** The data segment of a login or text PDU: as pairs, or as bytes where it shall be no text. */
export interface TextPayload extends Payload {
  readonly pairs?: Iterable<TextPair> | undefined;
}

/** A PDU with a LUN field, which may be given as a number. `lunHigh` and `lunLow`, its two halves, win. */
export interface Addressed {
  /** The number of the logical unit. */
  readonly lun?: number | undefined;
}

/** The draft with the header that `write` makes of `fields`. */
export function draftOf<T>(write: HeaderWriter<T>, fields: T, { ahs, data }: Payload): PduDraft {
  const header = new Uint8Array(BHS_LENGTH);
  write(viewOf(header), 0, fields);
  return { header, ahs, data };
}

/** The payload with its pairs as bytes. */
export function textOf({ ahs, data, pairs }: TextPayload): Payload {
  return { ahs, data: data ?? (pairs === undefined ? undefined : formatText(pairs)) };
}

/** The LUN field. */
export function unitOf({ lun = 0 }: Addressed): { readonly lunHigh: number; readonly lunLow: number } {
  const { high, low } = encodeLun(lun);
  return { lunHigh: high, lunLow: low };
}
