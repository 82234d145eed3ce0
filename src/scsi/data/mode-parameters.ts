/*
  Mode parameter list (SPC, "Mode parameters")
                                          (6)    (10)
     MODE DATA LENGTH (less itself)       0      0-1      reserved in MODE SELECT
     MEDIUM TYPE                          1      2
     DEVICE-SPECIFIC PARAMETER            2      3        block devices: :7 WP; :4 DPOFUA
     LONGLBA                              -      4:0
     BLOCK DESCRIPTOR LENGTH              3      6-7
     block descriptors                    4      8
     mode pages                           behind them
  Block descriptor of block devices (SBC)
     short  0-3 NUMBER OF LOGICAL BLOCKS; 5-7 LOGICAL BLOCK LENGTH
     long   0-7 NUMBER OF LOGICAL BLOCKS; 12-15 LOGICAL BLOCK LENGTH
*/

import { concat } from '../../bytes/hex.ts';
import { ValueError } from '../../bytes/value-error.ts';
import { byte, flag, readFields, u16, u24, u32, u64, writeFields } from '../fields.ts';
import type { ModePage } from './mode-page.ts';
import { modePageLength, PS, readAnyModePage } from './mode-page.ts';
import type { Block, Received } from './parameter-data.ts';
import { atLeast, block } from './parameter-data.ts';

const HEADER_6 = { mediumType: byte(1), deviceSpecificParameter: byte(2), blockDescriptorLength: byte(3) };
const HEADER_6_LENGTH = 4;
const HEADER_10 = {
  mediumType: byte(2),
  deviceSpecificParameter: byte(3),
  longLba: flag(4, 0),
  blockDescriptorLength: u16(6),
};
const HEADER_10_LENGTH = 8;
const SHORT = { numberOfLogicalBlocks: u32(0), logicalBlockLength: u24(5) };
const SHORT_LENGTH = 8;
const LONG = { numberOfLogicalBlocks: u64(0), logicalBlockLength: u32(12) };
const LONG_LENGTH = 16;
const WP = 0x80;
const DPOFUA = 0x10;

/**
 * Whether a list is the answer to MODE SENSE or what MODE SELECT sends: in the latter the data length and PS are
 * reserved.
 */
export type ModeUse = 'sense' | 'select';

/** A block descriptor of a block device. */
export interface ModeBlockDescriptor {
  /** 0: all there are. FFFFFFFF in the short form: more than it can tell. */
  readonly numberOfLogicalBlocks: number;
  /** Bytes of a logical block. */
  readonly logicalBlockLength: number;
}

/** What both forms of the list have. */
export interface ModeHeader {
  /** MEDIUM TYPE: 0 for block devices. */
  readonly mediumType: number;
  /** DEVICE-SPECIFIC PARAMETER as a byte; block devices have `wp` and `dpofua` in it. */
  readonly deviceSpecificParameter: number;
  /** Block descriptors are in the long form; only in the 10-byte list. */
  readonly longLba: boolean;
}

/** A mode parameter list as it came. */
export interface ModeParameters extends ModeHeader, Received {
  /** Block devices: write protected. */
  readonly wp: boolean;
  /** Block devices: DPO and FUA are supported. */
  readonly dpofua: boolean;
  /** BLOCK DESCRIPTOR LENGTH: bytes of all block descriptors at the device. */
  readonly blockDescriptorLength: number;
  /** Those that lie whole in the data. */
  readonly blockDescriptors: readonly ModeBlockDescriptor[];
  /** In wire order; one that was cut off is left out, and the list is `truncated`. */
  readonly pages: readonly ModePage[];
}

/** What the writers take. `wp` and `dpofua` overrule these bits of `deviceSpecificParameter`. */
export interface ModeParametersInput extends Partial<ModeHeader> {
  /** Block devices: write protected. */
  readonly wp?: boolean | undefined;
  /** Block devices: DPO and FUA are supported. */
  readonly dpofua?: boolean | undefined;
  /** In wire order; none when left out. */
  readonly blockDescriptors?: readonly ModeBlockDescriptor[] | undefined;
  /** Whole pages with their headers, as their writers give them. */
  readonly pages?: readonly Uint8Array[] | undefined;
}

/**
 * Reads the list of MODE SENSE(6) or MODE SELECT(6) (SPC, "Mode parameters"). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 4 bytes.
 * @example
 * readModeParameters6(Uint8Array.of(0x03, 0x00, 0x80, 0x00)).wp; // true
 */
export function readModeParameters6(bytes: Uint8Array, use: ModeUse = 'sense'): ModeParameters {
  atLeast(bytes, HEADER_6_LENGTH, 'a mode parameter list');
  const data = block(bytes, use === 'select' ? bytes.length : (bytes[0] ?? 0) + 1);
  return readList(data, { ...readFields(HEADER_6, data.view, 0, data.end), longLba: false }, HEADER_6_LENGTH);
}

/**
 * Reads the list of MODE SENSE(10) or MODE SELECT(10) (SPC, "Mode parameters"). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there are fewer than 8 bytes.
 * @example
 * const list = writeModeParameters10({ blockDescriptors: [{ numberOfLogicalBlocks: 0, logicalBlockLength: 4096 }] });
 * readModeParameters10(list).blockDescriptors[0]?.logicalBlockLength; // 4096
 */
export function readModeParameters10(bytes: Uint8Array, use: ModeUse = 'sense'): ModeParameters {
  atLeast(bytes, HEADER_10_LENGTH, 'a mode parameter list');
  const data = block(bytes, use === 'select' ? bytes.length : (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) + 2);
  return readList(data, readFields(HEADER_10, data.view, 0, data.end), HEADER_10_LENGTH);
}

/**
 * The list for MODE SENSE(6) or MODE SELECT(6) (SPC). The bytes belong to the caller; the pages are copied.
 *
 * @throws {RangeError} When a value does not fit, the list is longer than 256 bytes, or long block descriptors are
 *   asked for.
 * @example
 * writeModeParameters6({ wp: true, pages: [writeModePageCaching({ wce: true })] }); // hex 17 00 80 00 08 12 04 ...
 */
export function writeModeParameters6(values: ModeParametersInput, use: ModeUse = 'sense'): Uint8Array<ArrayBuffer> {
  if (values.longLba)
    throw new ValueError('Cannot write a 6-byte mode parameter list with long block descriptors: use the 10-byte list');
  const descriptors = writeDescriptors(values.blockDescriptors ?? [], false);
  const bytes = concat(new Uint8Array(HEADER_6_LENGTH), descriptors, ...writePages(values.pages ?? [], use));
  const header = {
    mediumType: values.mediumType,
    ...deviceSpecific(values),
    blockDescriptorLength: descriptors.length,
  };
  const length = { modeDataLength: use === 'sense' ? bytes.length - 1 : 0, ...header };
  writeFields({ modeDataLength: byte(0), ...HEADER_6 }, new DataView(bytes.buffer), 0, length, 'mode parameter list');
  return bytes;
}

/**
 * The list for MODE SENSE(10) or MODE SELECT(10) (SPC). The bytes belong to the caller; the pages are copied.
 *
 * @throws {RangeError} When a value does not fit, or the list is longer than 65537 bytes.
 * @example
 * const page = writeModePageCaching({ wce: true });
 * writeModeParameters10({ pages: [page] }, 'select'); // hex 00 00 00 00 00 00 00 00 08 12 04 ...
 */
export function writeModeParameters10(values: ModeParametersInput, use: ModeUse = 'sense'): Uint8Array<ArrayBuffer> {
  const { mediumType, longLba = false } = values;
  const descriptors = writeDescriptors(values.blockDescriptors ?? [], longLba);
  const bytes = concat(new Uint8Array(HEADER_10_LENGTH), descriptors, ...writePages(values.pages ?? [], use));
  const header = { mediumType, longLba, ...deviceSpecific(values), blockDescriptorLength: descriptors.length };
  const length = { modeDataLength: use === 'sense' ? bytes.length - 2 : 0, ...header };
  writeFields({ modeDataLength: u16(0), ...HEADER_10 }, new DataView(bytes.buffer), 0, length, 'mode parameter list');
  return bytes;
}

function readList(
  data: Block,
  header: ModeHeader & { readonly blockDescriptorLength: number },
  headerLength: number,
): ModeParameters {
  const pagesAt = headerLength + header.blockDescriptorLength;
  const descriptorsEnd = Math.min(pagesAt, data.end);
  const [table, length] = header.longLba ? [LONG, LONG_LENGTH] : [SHORT, SHORT_LENGTH];
  const blockDescriptors: ModeBlockDescriptor[] = [];
  for (let at = headerLength; at + length <= descriptorsEnd; at += length) {
    blockDescriptors.push(readFields(table, data.view, at, descriptorsEnd));
  }
  const pages: ModePage[] = [];
  let at = pagesAt;
  while (at < data.end) {
    const pageLength = modePageLength(data.view, at, data.end);
    if (pageLength === undefined || at + pageLength > data.end) break;
    pages.push(readAnyModePage(data.bytes, data.view, at, pageLength));
    at += pageLength;
  }
  return {
    ...header,
    wp: (header.deviceSpecificParameter & WP) !== 0,
    dpofua: (header.deviceSpecificParameter & DPOFUA) !== 0,
    blockDescriptors,
    pages,
    fullLength: data.fullLength,
    truncated: data.truncated || at !== data.end,
  };
}

function deviceSpecific(values: ModeParametersInput): { readonly deviceSpecificParameter: number } {
  let parameter = values.deviceSpecificParameter ?? 0;
  if (values.wp !== undefined) parameter = values.wp ? parameter | WP : parameter & ~WP;
  if (values.dpofua !== undefined) parameter = values.dpofua ? parameter | DPOFUA : parameter & ~DPOFUA;
  return { deviceSpecificParameter: parameter };
}

function writeDescriptors(descriptors: readonly ModeBlockDescriptor[], long: boolean): Uint8Array<ArrayBuffer> {
  const [table, length] = long ? [LONG, LONG_LENGTH] : [SHORT, SHORT_LENGTH];
  const bytes = new Uint8Array(length * descriptors.length);
  const view = new DataView(bytes.buffer);
  for (const [index, descriptor] of descriptors.entries()) {
    writeFields(table, view, index * length, descriptor, 'mode block descriptor');
  }
  return bytes;
}

/** The pages as this use wants them: strict devices refuse a MODE SELECT with PS still set from MODE SENSE. */
function writePages(pages: readonly Uint8Array[], use: ModeUse): readonly Uint8Array[] {
  if (use === 'sense') return pages;
  return pages.map((page) => {
    const copy = page.slice();
    copy[0] = (copy[0] ?? 0) & ~PS;
    return copy;
  });
}
