import { IscsiError } from '../errors.ts';
import { decodeLun, encodeLun, type Lun } from '../scsi/lun.ts';
import { shown } from '../unit/option-rules.ts';
import type { ReportedLun } from '../unit/report-luns.ts';

/**
 * The LUN that a caller means: a number, or the eight bytes as two words.
 * @throws {IscsiError} `ISCSI_USAGE` for anything else, and for a number that no LUN has.
 */
export function lunOf(lun: Lun | number): Lun {
  if (typeof lun === 'number') return encodeLun(lun);
  if (typeof lun === 'object' && lun !== null && isWord(lun.high) && isWord(lun.low)) return lun;
  throw new IscsiError(
    'ISCSI_USAGE',
    `Cannot use ${shown(lun)} as a LUN: a number, or { high, low } of 32 bits allowed`,
  );
}

/**
 * The LUN field of a logical unit that does not answer at `lun`, but is in the target's list by the same number in
 * another addressing method. Undefined where there is none, or where the caller wrote the eight bytes.
 *
 * @param error Why `lun` could not be opened.
 */
export async function otherAddress(
  lun: Lun,
  error: unknown,
  list: () => Promise<readonly ReportedLun[]>,
): Promise<Lun | undefined> {
  if (!(error instanceof IscsiError) || error.code !== 'ISCSI_LUN_NOT_FOUND') return undefined;
  const { number } = decodeLun(lun.high, lun.low);
  if (number === undefined || !isSame(encodeLun(number), lun)) return undefined;
  const listed = await list().catch(() => []);
  if (listed.some((one) => isSame(one, lun))) return undefined;
  return listed.find((one) => one.number === number);
}

function isSame(one: Lun, other: Lun): boolean {
  return one.high === other.high && one.low === other.low;
}

function isWord(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
