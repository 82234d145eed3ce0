import { IscsiError } from '../errors.ts';
import { encodeLun, type Lun } from '../scsi/lun.ts';
import { shown } from '../unit/option-rules.ts';

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

function isWord(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
