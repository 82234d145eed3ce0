import { cdb } from '../scsi/cdb.ts';
import { readReportLuns } from '../scsi/data/report-luns.ts';
import { decodeLun, type Lun } from '../scsi/lun.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { fetch } from './attempts.ts';
import { callTime } from './call-time.ts';
import type { CommandOptions } from './options.ts';

/** One entry of a target's list of logical units. */
export interface ReportedLun extends Lun {
  /** Its number, where the addressing method has one. */
  readonly number: number | undefined;
  /** For people: the number, or the eight bytes. */
  readonly text: string;
}

const FIRST_GUESS = 16 + 8 * 128;
/** No target has more LUNs than this: a longer answer is a lie that would make us allocate. */
const MOST = 8 + 8 * 65_536;

/**
 * Asks LUN 0, to which `port` leads, for the list; again with more room when it does not fit. A unit attention on the
 * way is swallowed.
 */
export async function reportLuns(port: ScsiPort, asked: CommandOptions): Promise<ReportedLun[]> {
  const options = callTime(port, asked);
  let room = FIRST_GUESS;
  for (;;) {
    const request = { ...options, cdb: cdb('REPORT_LUNS', { allocationLength: room }) };
    const list = readReportLuns(await fetch(port, request, room));
    if (!list.truncated || room >= MOST) return list.luns.map(describe);
    room = Math.min(MOST, list.fullLength);
  }
}

function describe(lun: Lun): ReportedLun {
  const { number, text } = decodeLun(lun.high, lun.low);
  return { high: lun.high, low: lun.low, number, text };
}
