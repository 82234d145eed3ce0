import { slowCrc32c } from './crc32c.ts';
import { BHS, NIL } from './pdu.ts';

/**
 * What a PDU of either role says. What is left out is 0, except the Initiator Task Tag, which is NIL, and F, which is
 * 1.
 */
export interface PduFields {
  readonly opcode: number;
  readonly immediate?: boolean;
  /** Byte 1 as a whole. */
  readonly flags?: number;
  readonly byte2?: number;
  readonly byte3?: number;
  readonly ahs?: Uint8Array;
  /** Bytes 8 to 15. */
  readonly lun?: bigint;
  /** Initiator Task Tag. */
  readonly tag?: number;
  /** The seven words from byte 20 on. */
  readonly words?: readonly number[];
  readonly data?: Uint8Array;
  /** Says another DataSegmentLength than there is data. */
  readonly length?: number;
  /** The value of the pad bytes. */
  readonly pad?: number;
}

/** Which digests to put in, and whether to spoil them. */
export interface PduDigests {
  readonly header?: boolean;
  readonly data?: boolean;
  readonly spoilHeader?: boolean;
  readonly spoilData?: boolean;
}

/** The bytes of one PDU. */
export function encodePdu(fields: PduFields, digests: PduDigests = {}): Uint8Array {
  const { data = new Uint8Array(0), ahs = new Uint8Array(0) } = fields;
  const headerEnd = BHS + ahs.length;
  const dataAt = headerEnd + (digests.header ? 4 : 0);
  const padEnd = dataAt + ((data.length + 3) & ~3);
  const end = padEnd + (digests.data && data.length > 0 ? 4 : 0);
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, fields.opcode | (fields.immediate ? 0x40 : 0));
  view.setUint8(1, fields.flags ?? 0x80);
  view.setUint8(2, fields.byte2 ?? 0);
  view.setUint8(3, fields.byte3 ?? 0);
  view.setUint32(4, fields.length ?? data.length);
  view.setUint8(4, ahs.length / 4);
  view.setBigUint64(8, fields.lun ?? 0n);
  view.setUint32(16, fields.tag ?? NIL);
  for (const [index, word] of (fields.words ?? []).entries()) view.setUint32(20 + 4 * index, word);
  bytes.set(ahs, BHS);
  if (digests.header) {
    view.setUint32(headerEnd, slowCrc32c(bytes.subarray(0, headerEnd)) ^ (digests.spoilHeader ? 1 : 0), true);
  }
  bytes.set(data, dataAt);
  bytes.fill(fields.pad ?? 0, dataAt + data.length, padEnd);
  if (end > padEnd) {
    view.setUint32(padEnd, slowCrc32c(bytes.subarray(dataAt, padEnd)) ^ (digests.spoilData ? 1 : 0), true);
  }
  return bytes;
}
