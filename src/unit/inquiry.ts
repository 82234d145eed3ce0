import { cdb } from '../scsi/cdb.ts';
import { type Inquiry, readInquiry } from '../scsi/data/inquiry.ts';
import { readVpdHeader } from '../scsi/data/vpd-page.ts';
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

/** Standard INQUIRY data. */
export async function standardInquiry(port: ScsiPort, options: CommandOptions): Promise<Inquiry> {
  return readInquiry(await inquiryBytes(port, STANDARD, options));
}

/**
 * One VPD page, decoded.
 * @throws {ProtocolError} When the device answers with another page, as one does that ignores EVPD.
 */
export async function vpdPage<N extends VpdPageName>(
  port: ScsiPort,
  name: N,
  options: CommandOptions,
): Promise<VpdPage<N>> {
  return readVpdPageAs(name, await inquiryBytes(port, { evpd: true, pageCode: vpdPageCode(name) }, options));
}

/** One VPD page, or undefined where the device does not have it: it says so, or answers with another one. */
export async function vpdPageIfAny<N extends VpdPageName>(
  port: ScsiPort,
  name: N,
  options: CommandOptions,
): Promise<VpdPage<N> | undefined> {
  const pageCode = vpdPageCode(name);
  const bytes = await optional(inquiryBytes(port, { evpd: true, pageCode }, options));
  return bytes === undefined || bytes[1] !== pageCode ? undefined : readVpdPageAs(name, bytes);
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
  const raw = await inquiryBytes(port, { evpd: true, pageCode }, options);
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
  asked: CommandOptions,
): Promise<Uint8Array> {
  const options = callTime(port, asked);
  const ask = (room: number): Promise<Uint8Array> =>
    fetch(port, { ...options, cdb: cdb('INQUIRY', { ...selection, allocationLength: room }) }, room);
  const first = await ask(FIRST_ROOM);
  const [, , high = 0, low = 0, additionalLength = 0] = first;
  const whole = selection.evpd ? 4 + high * 256 + low : 5 + additionalLength;
  const bytes = whole > FIRST_ROOM && first.length === FIRST_ROOM ? await ask(whole) : first;
  return bytes.subarray(0, whole);
}
