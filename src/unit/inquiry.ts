import { ProtocolError } from '../errors.ts';
import { hexByte } from '../scsi/additional-sense.ts';
import { cdb } from '../scsi/cdb.ts';
import { type Inquiry, readInquiry } from '../scsi/data/inquiry.ts';
import { readVpdHeader, VPD_HEADER_LENGTH } from '../scsi/data/vpd-page.ts';
import { readVpdPage, readVpdPageAs, type VpdPage, type VpdPageName, vpdPageCode } from '../scsi/data/vpd-pages.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { fetch, optional } from './attempts.ts';
import { callTime } from './call-time.ts';
import type { CommandOptions } from './options.ts';

/** A VPD page that is not decoded here. */
export interface RawPage {
  /** PAGE CODE, as it came. */
  readonly pageCode: number;
  /** The whole page with its header, owned by the caller. */
  readonly raw: Uint8Array;
}

/** What INQUIRY is asked for. */
export interface InquirySelection {
  readonly evpd: boolean;
  /** 0 without `evpd`: a device refuses anything else. */
  readonly pageCode: number;
}

const STANDARD: InquirySelection = { evpd: false, pageCode: 0 };
/**
 * Enough for standard data and most pages; longer ones are fetched a second time. 255: old devices look at one byte
 * only.
 */
const FIRST_ROOM = 255;
/** Bytes that all standard data has (SPC, "Standard INQUIRY data"). */
const LEAST_STANDARD = 36;

/** Standard INQUIRY data. */
export async function standardInquiry(port: ScsiPort, options: CommandOptions): Promise<Inquiry> {
  return readInquiry(await inquiryBytes(port, STANDARD, options));
}

/**
 * One VPD page, decoded.
 * @throws {ProtocolError} When the device answers with another page, or with its standard data, as one does that
 *   ignores EVPD.
 */
export async function vpdPage<N extends VpdPageName>(
  port: ScsiPort,
  name: N,
  options: CommandOptions,
): Promise<VpdPage<N>> {
  return readVpdPageAs(name, await vpdBytes(port, vpdPageCode(name), options));
}

/** One VPD page, or undefined where the device does not have it: it says so, or answers with something else. */
export async function vpdPageIfAny<N extends VpdPageName>(
  port: ScsiPort,
  name: N,
  options: CommandOptions,
): Promise<VpdPage<N> | undefined> {
  const pageCode = vpdPageCode(name);
  const bytes = await optional(vpdAnswer(port, pageCode, options));
  const isPage = bytes !== undefined && bytes !== 'standardData' && bytes[1] === pageCode;
  return isPage ? readVpdPageAs(name, bytes) : undefined;
}

/**
 * One VPD page by number: decoded where it is known here, raw otherwise.
 * @throws {ProtocolError} As {@link vpdPage}.
 */
export async function anyVpdPage(
  port: ScsiPort,
  pageCode: number,
  options: CommandOptions,
): Promise<VpdPage<VpdPageName> | RawPage> {
  const raw = await vpdBytes(port, pageCode, options);
  readVpdHeader(raw, pageCode);
  return readVpdPage(raw)?.page ?? { pageCode, raw };
}

/**
 * INQUIRY data as it came, cut to the length that it tells of. Asked for a second time, with more room, when it is
 * longer than the first answer.
 */
export async function inquiryBytes(
  port: ScsiPort,
  selection: InquirySelection,
  options: CommandOptions,
): Promise<Uint8Array> {
  const { bytes, length } = await inquire(port, selection, options);
  return bytes.subarray(0, length);
}

/** An answer to INQUIRY: what came, and how long it says to be. */
interface InquiryAnswer {
  readonly bytes: Uint8Array;
  readonly length: number;
}

async function inquire(port: ScsiPort, selection: InquirySelection, asked: CommandOptions): Promise<InquiryAnswer> {
  const options = callTime(port, asked);
  const ask = (room: number): Promise<Uint8Array> =>
    fetch(port, { ...options, cdb: cdb('INQUIRY', { ...selection, allocationLength: room }) }, room);
  const first = await ask(FIRST_ROOM);
  const length = lengthOf(first, selection.evpd);
  const bytes = length > FIRST_ROOM && first.length === FIRST_ROOM ? await ask(length) : first;
  return { bytes, length };
}

/** The length that the data tells of. Standard data that leaves it empty has the bytes that all has, if they came. */
function lengthOf(bytes: Uint8Array, evpd: boolean): number {
  const [, , high = 0, low = 0, additionalLength = 0] = bytes;
  if (evpd) return 4 + high * 256 + low;
  return additionalLength === 0 ? Math.min(bytes.length, LEAST_STANDARD) : 5 + additionalLength;
}

async function vpdBytes(port: ScsiPort, pageCode: number, options: CommandOptions): Promise<Uint8Array> {
  const bytes = await vpdAnswer(port, pageCode, options);
  if (bytes !== 'standardData') return bytes;
  throw new ProtocolError(
    `Cannot read VPD page ${hexByte(pageCode)}: the device sent its standard INQUIRY data, as if it was not asked for a page`,
  );
}

/**
 * A page as it came. A device that ignores EVPD answers with its standard data, in which byte 1 can be any page code:
 * that of a removable medium is 80h. So when the length is not that of a page, the two are compared.
 */
async function vpdAnswer(
  port: ScsiPort,
  pageCode: number,
  asked: CommandOptions,
): Promise<Uint8Array | 'standardData'> {
  const options = callTime(port, asked);
  const { bytes, length } = await inquire(port, { evpd: true, pageCode }, options);
  if (bytes.length !== length && bytes[1] === pageCode) {
    const standard = await inquire(port, STANDARD, options);
    const common = Math.min(bytes.length, standard.bytes.length);
    if (common > VPD_HEADER_LENGTH && isSame(bytes, standard.bytes, common)) return 'standardData';
  }
  return bytes.subarray(0, length);
}

function isSame(one: Uint8Array, other: Uint8Array, length: number): boolean {
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return false;
  return true;
}
