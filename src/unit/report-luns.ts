import { cdb } from '../scsi/cdb.ts';
import { readReportLuns } from '../scsi/data/report-luns.ts';
import { decodeLun, type Lun } from '../scsi/lun.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
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

/** The REPORT LUNS well-known logical unit (SAM), which answers where there is no LUN 0. */
export const REPORT_LUNS_WELL_KNOWN: Lun = { high: 0xc101_0000, low: 0 };

/** Ports that can tell which logical units a device has: asked one after the other, until one does. */
export type Inventory = ScsiPort | readonly ScsiPort[];

/**
 * Asks for the list of logical units: LUN 0 first, and others where it refuses. A unit attention on the way is
 * swallowed.
 */
export async function reportLuns(from: Inventory, asked: CommandOptions): Promise<ReportedLun[]> {
  const ports = 'submit' in from ? [from] : from;
  let refusal: unknown;
  for (const port of ports) {
    try {
      return await listOf(port, callTime(port, asked));
    } catch (error) {
      refusal ??= error;
      if (!isRefusal(error)) throw error;
    }
  }
  throw refusal;
}

/** Asks one; again with more room when the list does not fit. */
async function listOf(port: ScsiPort, options: CommandOptions): Promise<ReportedLun[]> {
  let room = FIRST_GUESS;
  for (;;) {
    const request = { ...options, cdb: cdb('REPORT_LUNS', { allocationLength: room }) };
    const list = readReportLuns(await fetch(port, request, room));
    if (!list.truncated || room >= MOST) return list.luns.map(describe);
    room = Math.min(MOST, list.fullLength);
  }
}

/** A logical unit that does not exist, or does not know the question. */
function isRefusal(error: unknown): boolean {
  return error instanceof ScsiStatusError && error.status === SCSI_STATUS.CHECK_CONDITION;
}

function describe(lun: Lun): ReportedLun {
  const { number, text } = decodeLun(lun.high, lun.low);
  return { high: lun.high, low: lun.low, number, text };
}
