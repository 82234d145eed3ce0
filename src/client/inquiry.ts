import { cdb } from '../scsi/cdb.ts';
import { type Inquiry, readInquiry } from '../scsi/data/inquiry.ts';
import { readVpdHeader } from '../scsi/data/vpd-page.ts';
import { readVpdPage, readVpdPageAs, type VpdPage, type VpdPageName, vpdPageCode } from '../scsi/data/vpd-pages.ts';
import type { Lun } from '../scsi/lun.ts';
import { fetch, optional } from './commands.ts';
import type { CommandOptions } from './options.ts';
import type { Session } from './session.ts';

/** A VPD page that is not decoded here. */
export interface RawPage {
  readonly pageCode: number;
  /** The whole page with its header, owned by the caller. */
  readonly raw: Uint8Array;
}

/** Enough for standard data and most pages; longer ones are fetched a second time. 255: old devices look at one byte only. */
const FIRST_ROOM = 255;

/** Standard INQUIRY data. */
export async function standardInquiry(session: Session, lun: Lun, options: CommandOptions): Promise<Inquiry> {
  return readInquiry(await fetchInquiry(session, lun, false, 0, options));
}

/** One VPD page, decoded. @throws {ProtocolError} When the device answers with another page, as one does that ignores EVPD. */
export async function vpdPage<N extends VpdPageName>(
  session: Session,
  lun: Lun,
  name: N,
  options: CommandOptions,
): Promise<VpdPage<N>> {
  return readVpdPageAs(name, await fetchInquiry(session, lun, true, vpdPageCode(name), options));
}

/** One VPD page, or undefined where the device does not have it: it says so, or answers with another one. */
export async function vpdPageIfAny<N extends VpdPageName>(
  session: Session,
  lun: Lun,
  name: N,
  options: CommandOptions,
): Promise<VpdPage<N> | undefined> {
  const pageCode = vpdPageCode(name);
  const bytes = await optional(fetchInquiry(session, lun, true, pageCode, options));
  return bytes === undefined || bytes[1] !== pageCode ? undefined : readVpdPageAs(name, bytes);
}

/** One VPD page by number: decoded where it is known here, raw otherwise. @throws {ProtocolError} As {@link vpdPage}. */
export async function anyVpdPage(
  session: Session,
  lun: Lun,
  pageCode: number,
  options: CommandOptions,
): Promise<VpdPage<VpdPageName> | RawPage> {
  const raw = await fetchInquiry(session, lun, true, pageCode, options);
  readVpdHeader(raw, pageCode);
  return readVpdPage(raw)?.page ?? { pageCode, raw };
}

async function fetchInquiry(
  session: Session,
  lun: Lun,
  evpd: boolean,
  pageCode: number,
  options: CommandOptions,
): Promise<Uint8Array> {
  const ask = (room: number): Promise<Uint8Array> =>
    fetch(
      session,
      lun,
      { ...options, cdb: cdb('INQUIRY', { evpd: evpd ? 1 : 0, pageCode, allocationLength: room }) },
      room,
    );
  const first = await ask(FIRST_ROOM);
  const whole = evpd ? 4 + (((first[2] ?? 0) << 8) | (first[3] ?? 0)) : 5 + (first[4] ?? 0);
  return whole > FIRST_ROOM && first.length === FIRST_ROOM ? ask(whole) : first;
}
