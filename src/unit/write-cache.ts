import { cdb } from '../scsi/cdb.ts';
import { readModeParameters6 } from '../scsi/data/mode-parameters.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { fetch, isUnsupported } from './attempts.ts';
import type { CommandOptions } from './options.ts';

const CACHING_PAGE = 0x08;
const WCE = 0x04;
const ROOM = 192;

/**
 * Whether the Caching mode page says that writes are kept in a volatile cache (WCE). A device without the page has
 * none.
 */
export async function hasWriteCache(port: ScsiPort, options: CommandOptions): Promise<boolean> {
  const request = { ...options, cdb: cdb('MODE_SENSE_6', { dbd: 1, pageCode: CACHING_PAGE, allocationLength: ROOM }) };
  const bytes = await fetch(port, request, ROOM).catch((error: unknown) => {
    if (isUnsupported(error)) return undefined;
    throw error; // whatever else it is, it does not say that there is no cache
  });
  if (bytes === undefined) return false;
  const page = readModeParameters6(bytes).pages.find(({ pageCode }) => pageCode === CACHING_PAGE);
  return page !== undefined && ((page.bytes[2] ?? 0) & WCE) !== 0;
}
