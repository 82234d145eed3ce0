/**
 * Sense data (SPC, "Sense data"): why a command ended with CHECK CONDITION. One object for both formats.
 *
 *     fixed (70 current, 71 deferred)                        descriptor (72 current, 73 deferred)
 *      0  :7 VALID; :6-0 RESPONSE CODE                        0  RESPONSE CODE
 *      2  :7 FILEMARK; :6 EOM; :5 ILI; :4 SDAT_OVFL; :3-0 KEY 1  :3-0 SENSE KEY
 *      3  INFORMATION (4)                                     2  ASC
 *      7  ADDITIONAL SENSE LENGTH                             3  ASCQ
 *      8  COMMAND-SPECIFIC INFORMATION (4)                    4  :7 SDAT_OVFL
 *     12  ASC; 13 ASCQ; 14 FIELD REPLACEABLE UNIT CODE        7  ADDITIONAL SENSE LENGTH
 *     15  SENSE KEY SPECIFIC (3), 15:7 SKSV                   8  descriptors
 */
import { viewOf } from '../bytes/hex.ts';
import { nameOf } from '../spec/scsi-names.ts';
import type { SenseKeyName } from '../spec/scsi-sense-keys.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { additionalSenseText, hexByte, senseKeyText } from './additional-sense.ts';
import type { FieldValues } from './fields.ts';
import { bits, byte, flag, readFields, u24, u32 } from './fields.ts';
import type { SenseDescriptor } from './sense-descriptors.ts';
import { differenceIn, readSenseDescriptors } from './sense-descriptors.ts';

/** Decoded sense data. What was not sent, or is not valid, is `undefined` (flags: `false`). */
export interface Sense {
  /** 0x70 to 0x73. */
  readonly responseCode: number;
  /** True when it is about an earlier command than the one it came with. */
  readonly deferred: boolean;
  /** 0 to 15, one of `SENSE_KEY`. */
  readonly senseKey: number;
  /** Name of the sense key, such as `ILLEGAL_REQUEST`. */
  readonly key: SenseKeyName | undefined;
  /** Additional sense code. */
  readonly asc: number;
  /** Additional sense code qualifier. */
  readonly ascq: number;
  /** What the additional sense code means, in words. */
  readonly text: string;
  /**
   * INFORMATION where it is valid: often the block address. With ILI, FILEMARK or EOM it is what was asked for less
   * what was there, which may be negative. A value above 2^53 - 1 is given as 2^53 - 1.
   */
  readonly information: number | undefined;
  /** COMMAND-SPECIFIC INFORMATION. */
  readonly commandSpecific: number | undefined;
  /** FILEMARK: a tape met a filemark. */
  readonly filemark: boolean;
  /** EOM: end of medium, or of the partition. */
  readonly eom: boolean;
  /** ILI: the block had another length than was asked for. */
  readonly ili: boolean;
  /** The device had more sense data than it could send. */
  readonly sdatOvfl: boolean;
  /** FIELD REPLACEABLE UNIT CODE: which part failed, in the numbering of the vendor. */
  readonly fieldReplaceableUnit: number | undefined;
  /** ILLEGAL REQUEST, COPY ABORTED: the first byte at fault. */
  readonly fieldPointer: number | undefined;
  /** The highest bit at fault in that byte. */
  readonly bitPointer: number | undefined;
  /** ILLEGAL REQUEST: true when the byte is in the CDB, false when it is in the parameter list. */
  readonly inCdb: boolean | undefined;
  /** NO SENSE, NOT READY: how far the operation in progress is, 0 to 1. */
  readonly progress: number | undefined;
  /** RECOVERED, MEDIUM and HARDWARE ERROR. */
  readonly retryCount: number | undefined;
  /** UNIT ATTENTION: the device lost unit attentions. */
  readonly queueOverflow: boolean | undefined;
  /** Descriptor format: all descriptors, in wire order. */
  readonly descriptors: readonly SenseDescriptor[];
  /** True when less was received than the ADDITIONAL SENSE LENGTH tells of. */
  readonly truncated: boolean;
}

const FIXED = {
  valid: flag(0, 7),
  filemark: flag(2, 7),
  eom: flag(2, 6),
  ili: flag(2, 5),
  sdatOvfl: flag(2, 4),
  senseKey: bits(2, 4),
  information: u32(3),
  additionalLength: byte(7),
  commandSpecific: u32(8),
  asc: byte(12),
  ascq: byte(13),
  fieldReplaceableUnit: byte(14),
  senseKeySpecific: u24(15),
};
const DESCRIPTOR = {
  senseKey: bits(1, 4),
  asc: byte(2),
  ascq: byte(3),
  sdatOvfl: flag(4, 7),
  additionalLength: byte(7),
};
const HEADER_LENGTH = 8;
const SKSV = 0x80_0000;

type SenseKeySpecific = Pick<
  Sense,
  'fieldPointer' | 'bitPointer' | 'inCdb' | 'progress' | 'retryCount' | 'queueOverflow'
>;
const NOTHING_SPECIFIC: SenseKeySpecific = {
  fieldPointer: undefined,
  bitPointer: undefined,
  inCdb: undefined,
  progress: undefined,
  retryCount: undefined,
  queueOverflow: undefined,
};

/**
 * Decodes sense data as far as it goes; nothing behind the end, or behind the ADDITIONAL SENSE LENGTH, is looked at.
 *
 * @param bytes The sense data alone, without the length in front that iSCSI puts there. Not kept.
 * @returns `undefined` when it is too short for a sense key, or the response code is not 70 to 73.
 * @example
 * const sense = parseSense(Uint8Array.of(0x72, 0x05, 0x24, 0x00));
 * sense?.key; // 'ILLEGAL_REQUEST'
 * sense?.text; // 'invalid field in CDB'
 */
export function parseSense(bytes: Uint8Array): Sense | undefined {
  const responseCode = (bytes[0] ?? 0) & 0x7f;
  switch (responseCode) {
    case 0x70:
    case 0x71:
      return bytes.length < 3 ? undefined : parseFixed(bytes, responseCode);
    case 0x72:
    case 0x73:
      return bytes.length < 2 ? undefined : parseDescriptors(bytes, responseCode);
    default:
      return undefined;
  }
}

/**
 * Sense data in one line: sense key, meaning and codes, and the field at fault or the progress where known.
 *
 * @example
 * const sense = parseSense(Uint8Array.of(0x72, 0x05, 0x21, 0x00));
 * sense && describeSense(sense); // 'ILLEGAL REQUEST, logical block address out of range (05/21/00)'
 */
export function describeSense(sense: Sense): string {
  const codes = `(${hexByte(sense.senseKey)}/${hexByte(sense.asc)}/${hexByte(sense.ascq)})`;
  let line = `${sense.deferred ? 'deferred: ' : ''}${senseKeyText(sense.senseKey)}, ${sense.text} ${codes}`;
  if (sense.fieldPointer !== undefined) {
    line += `, byte ${sense.fieldPointer}`;
    if (sense.bitPointer !== undefined) line += ` bit ${sense.bitPointer}`;
    line += sense.inCdb === false ? ' of the parameter list' : sense.inCdb ? ' of the CDB' : '';
  }
  if (sense.progress !== undefined) line += `, ${Math.floor(sense.progress * 100)}% done`;
  return line;
}

/**
 * True for UNIT ATTENTION: something happened to the unit since the last command; this command was not done and may be
 * sent again.
 *
 * @example
 * isUnitAttention(parseSense(Uint8Array.of(0x72, SENSE_KEY.UNIT_ATTENTION, 0x29, 0x00))); // true
 */
export function isUnitAttention(sense: Sense | undefined): boolean {
  return sense?.senseKey === SENSE_KEY.UNIT_ATTENTION;
}

/**
 * True when the unit says that it will be ready shortly by itself: becoming ready (04/01), changing its access state
 * (04/0A), or starting or stopping (04/1A). A format or a rebuild is not meant: it may last for hours.
 *
 * @example
 * isBecomingReady(parseSense(Uint8Array.of(0x72, SENSE_KEY.NOT_READY, 0x04, 0x01))); // true
 */
export function isBecomingReady(sense: Sense | undefined): boolean {
  if (sense?.senseKey !== SENSE_KEY.NOT_READY || sense.asc !== 0x04) return false;
  return sense.ascq === 0x01 || sense.ascq === 0x0a || sense.ascq === 0x1a;
}

/**
 * True when there is no medium in the drive (NOT READY, 3A in all its qualifiers).
 *
 * @example
 * isMediumNotPresent(parseSense(Uint8Array.of(0x72, SENSE_KEY.NOT_READY, 0x3a, 0x00))); // true
 */
export function isMediumNotPresent(sense: Sense | undefined): boolean {
  return sense?.senseKey === SENSE_KEY.NOT_READY && sense.asc === 0x3a;
}

function parseFixed(bytes: Uint8Array, responseCode: number): Sense {
  const view = viewOf(bytes);
  // Without byte 7 there is no length to hold on to.
  const full = bytes.length < HEADER_LENGTH ? HEADER_LENGTH : HEADER_LENGTH + view.getUint8(7);
  const end = Math.min(bytes.length, full);
  const fields = readFields(FIXED, view, 0, end);
  const { senseKey, asc, ascq } = fields;
  return {
    responseCode,
    deferred: responseCode === 0x71,
    senseKey,
    key: nameOf(SENSE_KEY, senseKey),
    asc,
    ascq,
    text: additionalSenseText(asc, ascq),
    information: fields.valid && end >= 7 ? fixedInformation(fields) : undefined,
    commandSpecific: end >= 12 ? fields.commandSpecific : undefined,
    filemark: fields.filemark,
    eom: fields.eom,
    ili: fields.ili,
    sdatOvfl: fields.sdatOvfl,
    fieldReplaceableUnit: fields.fieldReplaceableUnit || undefined,
    ...senseKeySpecific(senseKey, fields.senseKeySpecific),
    descriptors: [],
    truncated: bytes.length < full,
  };
}

function parseDescriptors(bytes: Uint8Array, responseCode: number): Sense {
  const view = viewOf(bytes);
  const full = bytes.length < HEADER_LENGTH ? HEADER_LENGTH : HEADER_LENGTH + view.getUint8(7);
  const end = Math.min(bytes.length, full);
  const { senseKey, asc, ascq, sdatOvfl } = readFields(DESCRIPTOR, view, 0, end);
  const descriptors = readSenseDescriptors(bytes, HEADER_LENGTH, end);
  return {
    responseCode,
    deferred: responseCode === 0x73,
    senseKey,
    key: nameOf(SENSE_KEY, senseKey),
    asc,
    ascq,
    text: additionalSenseText(asc, ascq),
    sdatOvfl,
    ...gather(descriptors, senseKey),
    descriptors,
    truncated: bytes.length < full,
  };
}

/** A difference is in two's complement (SPC, "Fixed format sense data"). */
function fixedInformation({ information, ili, eom, filemark }: FieldValues<typeof FIXED>): number {
  return ili || eom || filemark ? information | 0 : information;
}

type Gathered = SenseKeySpecific &
  Pick<Sense, 'information' | 'commandSpecific' | 'filemark' | 'eom' | 'ili' | 'fieldReplaceableUnit'>;

/** What the descriptors say, under the names that the fixed format has for it. The first of a kind counts. */
function gather(descriptors: readonly SenseDescriptor[], senseKey: number): Gathered {
  let information: number | undefined;
  let commandSpecific: number | undefined;
  let fieldReplaceableUnit: number | undefined;
  let specific = 0;
  let difference: number | undefined;
  const marks = { filemark: false, eom: false, ili: false };
  for (const descriptor of descriptors) {
    if ('information' in descriptor && descriptor.valid) {
      information ??= descriptor.information;
      difference ??= differenceIn(descriptor);
    }
    if ('commandSpecific' in descriptor) commandSpecific ??= descriptor.commandSpecific;
    if ('fieldReplaceableUnit' in descriptor) fieldReplaceableUnit ??= descriptor.fieldReplaceableUnit || undefined;
    if ('senseKeySpecific' in descriptor) specific ||= descriptor.senseKeySpecific;
    if ('ili' in descriptor) marks.ili ||= descriptor.ili;
    if ('filemark' in descriptor) {
      marks.filemark ||= descriptor.filemark;
      marks.eom ||= descriptor.eom;
    }
  }
  if (marks.ili || marks.eom || marks.filemark) information = difference;
  return { information, commandSpecific, fieldReplaceableUnit, ...marks, ...senseKeySpecific(senseKey, specific) };
}

/** The three SENSE KEY SPECIFIC bytes, whose meaning the sense key tells. */
function senseKeySpecific(senseKey: number, specific: number): SenseKeySpecific {
  if ((specific & SKSV) === 0) return NOTHING_SPECIFIC;
  const flags = specific >>> 16;
  const value = specific & 0xffff;
  switch (senseKey) {
    case SENSE_KEY.ILLEGAL_REQUEST:
    case SENSE_KEY.COPY_ABORTED: {
      const bitPointer = flags & 0x08 ? flags & 0x07 : undefined;
      const inCdb = senseKey === SENSE_KEY.ILLEGAL_REQUEST ? (flags & 0x40) !== 0 : undefined;
      return { ...NOTHING_SPECIFIC, fieldPointer: value, bitPointer, inCdb };
    }
    case SENSE_KEY.NO_SENSE:
    case SENSE_KEY.NOT_READY:
      return { ...NOTHING_SPECIFIC, progress: value / 0x1_0000 };
    case SENSE_KEY.RECOVERED_ERROR:
    case SENSE_KEY.MEDIUM_ERROR:
    case SENSE_KEY.HARDWARE_ERROR:
      return { ...NOTHING_SPECIFIC, retryCount: value };
    case SENSE_KEY.UNIT_ATTENTION:
      return { ...NOTHING_SPECIFIC, queueOverflow: (flags & 0x01) !== 0 };
    default:
      return NOTHING_SPECIFIC;
  }
}
