/** Sense data as a device sends it, in both formats (layouts: sense.ts). */

import { viewOf } from '../bytes/hex.ts';
import { writeUint64 } from '../bytes/uint64.ts';
import { ValueError } from '../bytes/value-error.ts';
import { bits, byte, flag, u16, u32, writeField, writeFields } from './fields.ts';

/** What sense data can say. A field left out is not valid in the result. */
export interface SenseFields {
  /** One of `SENSE_KEY`. */
  readonly senseKey: number;
  /** Additional sense code; spread one of `ASC_ASCQ` for both. */
  readonly asc: number;
  /** Additional sense code qualifier. */
  readonly ascq: number;
  /** True when it is about an earlier command. */
  readonly deferred?: boolean | undefined;
  /** Often the block address at fault. */
  readonly information?: number | undefined;
  /** COMMAND-SPECIFIC INFORMATION. */
  readonly commandSpecific?: number | undefined;
  /** A tape met a filemark. */
  readonly filemark?: boolean | undefined;
  /** End of medium, or of the partition. */
  readonly eom?: boolean | undefined;
  /** The block had another length than was asked for. */
  readonly ili?: boolean | undefined;
  /** The first byte at fault. */
  readonly fieldPointer?: number | undefined;
  /** The highest bit at fault in it, 0..7. */
  readonly bitPointer?: number | undefined;
  /** True (when left out, too) for a byte of the CDB, false for one of the parameter list. */
  readonly inCdb?: boolean | undefined;
  /** How far the operation in progress is, 0 to 1. Not together with `fieldPointer`. */
  readonly progress?: number | undefined;
}

const FIXED_LENGTH = 18;
const HEADER_LENGTH = 8;
const LARGEST_FIXED_INFORMATION = 0xffff_ffff;
const FIXED = {
  filemark: flag(2, 7),
  eom: flag(2, 6),
  ili: flag(2, 5),
  senseKey: bits(2, 4),
  commandSpecific: u32(8),
  asc: byte(12),
  ascq: byte(13),
};
const DESCRIPTOR = { senseKey: bits(1, 4), asc: byte(2), ascq: byte(3) };

/**
 * Sense data in fixed format, 18 bytes that belong to the caller. An `information` above 32 bits does not fit and is
 * left out, as SPC asks (VALID 0); use {@link descriptorSense} where it matters.
 *
 * @throws {RangeError} When another value does not fit.
 * @example
 * const sense = fixedSense({ senseKey: SENSE_KEY.ILLEGAL_REQUEST, ...ASC_ASCQ.INVALID_FIELD_IN_CDB, fieldPointer: 2 });
 * sense; // hex 70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 c0 00 02
 */
export function fixedSense(fields: SenseFields): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FIXED_LENGTH);
  const view = viewOf(bytes);
  const { information } = fields;
  const valid = information !== undefined && !(information > LARGEST_FIXED_INFORMATION);
  bytes[0] = (valid ? 0x80 : 0) | (fields.deferred ? 0x71 : 0x70);
  if (valid) writeField(view, 0, u32(3), information, 'sense data: information');
  bytes[7] = FIXED_LENGTH - HEADER_LENGTH;
  writeFields(FIXED, view, 0, fields, 'sense data');
  writeSenseKeySpecific(view, 15, fields);
  return bytes;
}

/**
 * Sense data in descriptor format: as long as what it says. The bytes belong to the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * descriptorSense({ senseKey: SENSE_KEY.MEDIUM_ERROR, asc: 0x11, ascq: 0x00 }); // hex 72 03 11 00 00 00 00 00
 */
export function descriptorSense(fields: SenseFields): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_LENGTH + 44);
  const view = viewOf(bytes);
  let end = HEADER_LENGTH;
  const add = (type: number, additionalLength: number) => {
    const at = end;
    bytes[at] = type;
    bytes[at + 1] = additionalLength;
    end += 2 + additionalLength;
    return at;
  };
  bytes[0] = fields.deferred ? 0x73 : 0x72;
  writeFields(DESCRIPTOR, view, 0, fields, 'sense data');
  if (fields.information !== undefined) {
    const at = add(0x00, 0x0a);
    bytes[at + 2] = 0x80; // VALID
    writeUint64(view, at + 4, fields.information);
  }
  if (fields.commandSpecific !== undefined) writeUint64(view, add(0x01, 0x0a) + 4, fields.commandSpecific);
  if (fields.fieldPointer !== undefined || fields.progress !== undefined) {
    writeSenseKeySpecific(view, add(0x02, 0x06) + 4, fields);
  }
  if (fields.filemark || fields.eom) {
    bytes[add(0x04, 0x02) + 3] = (fields.filemark ? 0x80 : 0) | (fields.eom ? 0x40 : 0) | (fields.ili ? 0x20 : 0);
  } else if (fields.ili) bytes[add(0x05, 0x02) + 3] = 0x20;
  bytes[7] = end - HEADER_LENGTH;
  return bytes.slice(0, end);
}

function writeSenseKeySpecific(view: DataView, at: number, fields: SenseFields): void {
  const { fieldPointer, bitPointer, inCdb = true, progress } = fields;
  if (fieldPointer !== undefined) {
    writeField(view, at, flag(0, 7), true, 'sense data: SKSV');
    writeField(view, at, flag(0, 6), inCdb, 'sense data: C/D');
    if (bitPointer !== undefined) {
      writeField(view, at, flag(0, 3), true, 'sense data: BPV');
      writeField(view, at, bits(0, 3), bitPointer, 'sense data: bitPointer');
    }
    writeField(view, at, u16(1), fieldPointer, 'sense data: fieldPointer');
  } else if (progress !== undefined) {
    if (!(progress >= 0 && progress <= 1))
      throw new ValueError(`Cannot write sense data: progress = ${progress}: 0..1 allowed`);
    writeField(view, at, flag(0, 7), true, 'sense data: SKSV');
    writeField(view, at, u16(1), Math.min(Math.floor(progress * 0x1_0000), 0xffff), 'sense data: progress');
  }
}
