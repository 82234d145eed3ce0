/**
 * Sense data descriptors (SPC, "Descriptor format sense data"; SAT for 09). Each: 0 TYPE; 1 ADDITIONAL LENGTH; content.
 *
 *     00 information          2:7 VALID; 4-11 INFORMATION
 *     01 command specific     4-11 COMMAND-SPECIFIC INFORMATION
 *     02 sense key specific   4-6 (4:7 SKSV)
 *     03 field replaceable    3 CODE
 *     04 stream commands      3:7 FILEMARK; 3:6 EOM; 3:5 ILI
 *     05 block commands       3:5 ILI
 *     09 ATA status return    2:0 EXTEND; 3 ERROR; 4-5 COUNT; 6-11 LBA, shuffled; 12 DEVICE; 13 STATUS
 *     0A another progress     2 KEY; 3 ASC; 4 ASCQ; 6-7 PROGRESS
 *     0B user data referral   2:0 NOT_ALL_R; 4… referral descriptors
 *     0C forwarded sense      2:7 FSDT; 2:3-0 SOURCE; 3 STATUS; 4… sense data
 *     0D direct-access block  2:7 VALID; 2:5 ILI; 4-6 SENSE KEY SPECIFIC; 7 FRU; 8-15 INFORMATION;
 *                             16-23 COMMAND-SPECIFIC
 */
import { viewOf } from '../bytes/hex.ts';
import type { FieldValues } from './fields.ts';
import { bits, byte, flag, readFields, u16, u24, u64 } from './fields.ts';

const INFORMATION = { valid: flag(2, 7), information: u64(4) };
const COMMAND_SPECIFIC = { commandSpecific: u64(4) };
const SENSE_KEY_SPECIFIC = { senseKeySpecific: u24(4) };
const FIELD_REPLACEABLE_UNIT = { fieldReplaceableUnit: byte(3) };
const STREAM = { filemark: flag(3, 7), eom: flag(3, 6), ili: flag(3, 5) };
const BLOCK = { ili: flag(3, 5) };
const ATA_STATUS = { extend: flag(2, 0), error: byte(3), count: u16(4), device: byte(12), status: byte(13) };
const ANOTHER_PROGRESS = { senseKey: bits(2, 4), asc: byte(3), ascq: byte(4), progressIndication: u16(6) };
const REFERRAL = { notAllReferrals: flag(2, 0) };
const FORWARDED = { truncated: flag(2, 7), source: bits(2, 4), status: byte(3) };
const DIRECT_ACCESS_BLOCK = {
  valid: flag(2, 7),
  ili: flag(2, 5),
  senseKeySpecific: u24(4),
  fieldReplaceableUnit: byte(7),
  information: u64(8),
  commandSpecific: u64(16),
};

/** What every descriptor has: its type and its bytes, header included, copied. */
export interface RawDescriptor {
  /** DESCRIPTOR TYPE: byte 0. */
  readonly type: number;
  /** The whole descriptor as it came, copied. */
  readonly bytes: Uint8Array;
}

/** One descriptor; 64-bit values above 2^53 - 1 are given as 2^53 - 1 and are exact in `bytes` only. */
export type SenseDescriptor = RawDescriptor &
  (
    | ({
        /** Which descriptor it is; the other fields are the standard's for it. */
        readonly kind: 'information';
      } & FieldValues<typeof INFORMATION>)
    | ({ readonly kind: 'commandSpecific' } & FieldValues<typeof COMMAND_SPECIFIC>)
    | ({ readonly kind: 'senseKeySpecific' } & FieldValues<typeof SENSE_KEY_SPECIFIC>)
    | ({ readonly kind: 'fieldReplaceableUnit' } & FieldValues<typeof FIELD_REPLACEABLE_UNIT>)
    | ({ readonly kind: 'stream' } & FieldValues<typeof STREAM>)
    | ({ readonly kind: 'block' } & FieldValues<typeof BLOCK>)
    | ({
        readonly kind: 'ataStatus';
        /** LBA, 28 or 48 bits, its bytes put in order. */
        readonly logicalBlockAddress: number;
      } & FieldValues<typeof ATA_STATUS>)
    | ({ readonly kind: 'anotherProgress' } & FieldValues<typeof ANOTHER_PROGRESS>)
    | ({ readonly kind: 'referral' } & FieldValues<typeof REFERRAL>)
    | ({
        readonly kind: 'forwarded';
        /** The sense data of the other device, copied. */
        readonly sense: Uint8Array;
      } & FieldValues<typeof FORWARDED>)
    | ({ readonly kind: 'directAccessBlock' } & FieldValues<typeof DIRECT_ACCESS_BLOCK>)
    | { readonly kind: 'other' }
  );

/**
 * The descriptors in `bytes[from, to)`, in wire order. One that does not lie whole before `to` ends the walk. The bytes
 * are copied.
 *
 * @example
 * const bytes = descriptorSense({ senseKey: SENSE_KEY.MEDIUM_ERROR, asc: 0x11, ascq: 0x00, information: 2047 });
 * readSenseDescriptors(bytes, 8, bytes.length).map(({ kind }) => kind); // ['information']
 */
export function readSenseDescriptors(bytes: Uint8Array, from: number, to: number): readonly SenseDescriptor[] {
  const found: SenseDescriptor[] = [];
  for (let at = from; at + 2 <= to; ) {
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (end > to) break;
    found.push(readDescriptor(bytes.slice(at, end)));
    at = end;
  }
  return found;
}

/** The INFORMATION of a descriptor, where it is a difference: in two's complement. */
export function differenceIn({ kind, bytes }: SenseDescriptor): number {
  const at = kind === 'directAccessBlock' ? 8 : 4;
  return bytes.length < at + 8 ? 0 : clamped(viewOf(bytes).getBigInt64(at));
}

function clamped(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

function readDescriptor(bytes: Uint8Array): SenseDescriptor {
  const view = viewOf(bytes);
  const end = bytes.length;
  const type = view.getUint8(0);
  switch (type) {
    case 0x00:
      return { type, bytes, kind: 'information', ...readFields(INFORMATION, view, 0, end) };
    case 0x01:
      return { type, bytes, kind: 'commandSpecific', ...readFields(COMMAND_SPECIFIC, view, 0, end) };
    case 0x02:
      return { type, bytes, kind: 'senseKeySpecific', ...readFields(SENSE_KEY_SPECIFIC, view, 0, end) };
    case 0x03:
      return { type, bytes, kind: 'fieldReplaceableUnit', ...readFields(FIELD_REPLACEABLE_UNIT, view, 0, end) };
    case 0x04:
      return { type, bytes, kind: 'stream', ...readFields(STREAM, view, 0, end) };
    case 0x05:
      return { type, bytes, kind: 'block', ...readFields(BLOCK, view, 0, end) };
    case 0x09:
      return {
        type,
        bytes,
        kind: 'ataStatus',
        logicalBlockAddress: ataAddress(bytes),
        ...readFields(ATA_STATUS, view, 0, end),
      };
    case 0x0a:
      return { type, bytes, kind: 'anotherProgress', ...readFields(ANOTHER_PROGRESS, view, 0, end) };
    case 0x0b:
      return { type, bytes, kind: 'referral', ...readFields(REFERRAL, view, 0, end) };
    case 0x0c:
      return { type, bytes, kind: 'forwarded', sense: bytes.slice(4), ...readFields(FORWARDED, view, 0, end) };
    case 0x0d:
      return { type, bytes, kind: 'directAccessBlock', ...readFields(DIRECT_ACCESS_BLOCK, view, 0, end) };
    default:
      return { type, bytes, kind: 'other' };
  }
}

/**
 * The 48-bit address of an ATA status return. Its six bytes stand in the order of ATA's three address registers, the
 * upper byte of each in front of the lower.
 */
function ataAddress(bytes: Uint8Array): number {
  let address = 0;
  for (const at of [10, 8, 6, 11, 9, 7]) address = address * 256 + (bytes[at] ?? 0);
  return address;
}
