/** MODE SENSE (SPC). Values are current, changeable or default; none are saved. */

import { COMMANDS } from '../scsi/commands.ts';
import type { ModeBlockDescriptor, ModeParametersInput } from '../scsi/data/mode-parameters.ts';
import { writeModeParameters6, writeModeParameters10 } from '../scsi/data/mode-parameters.ts';
import { readFields } from '../scsi/fields.ts';
import { MODE_PAGE, PAGE_CONTROL } from '../spec/scsi-mode-pages.ts';
import { fail, invalidCdbField, SAVING_NOT_SUPPORTED } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { ModePageOf } from './mode-pages.ts';
import { currentSettings, defaultSettings, MODE_PAGES } from './mode-pages.ts';
import type { DeviceTask } from './task.ts';

const PAGE_CODE_BYTE = 2;
const PAGE_CODE_HIGH_BIT = 5;
const SUBPAGE_BYTE = 3;
const ALL_SUBPAGES = 0xff;
const MORE_THAN_32_BITS = 0xffff_ffff;

/** The fields that both forms have. */
interface Request {
  readonly dbd: boolean;
  readonly pageControl: number;
  readonly pageCode: number;
  readonly subpageCode: number;
}

function modeSense6(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const request = readFields(COMMANDS.MODE_SENSE_6.fields, task.cdb, 0, task.cdbLength);
  const pages = pagesFor(unit, task, request);
  if (!pages) return;
  const list = writeModeParameters6(listOf(unit, request.dbd, false, pages));
  dataInUpTo(task, list, request.allocationLength);
}

function modeSense10(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const request = readFields(COMMANDS.MODE_SENSE_10.fields, task.cdb, 0, task.cdbLength);
  const pages = pagesFor(unit, task, request);
  if (!pages) return;
  const list = writeModeParameters10(listOf(unit, request.dbd, request.llbaa, pages));
  dataInUpTo(task, list, request.allocationLength);
}

/** The pages that were asked for; `undefined` when the task has been ended. */
function pagesFor(unit: DeviceLogicalUnit, task: DeviceTask, request: Request): readonly Uint8Array[] | undefined {
  const { pageControl, pageCode, subpageCode } = request;
  const chosen = MODE_PAGES.filter((page) => pageCode === MODE_PAGE.ALL_PAGES || page.pageCode === pageCode);
  if (chosen.length === 0) invalidCdbField(unit, task, PAGE_CODE_BYTE, PAGE_CODE_HIGH_BIT);
  else if (subpageCode !== 0 && subpageCode !== ALL_SUBPAGES) invalidCdbField(unit, task, SUBPAGE_BYTE);
  else if (pageControl === PAGE_CONTROL.SAVED) fail(unit, task, SAVING_NOT_SUPPORTED);
  else return chosen.map((page) => valuesOf(unit, page, pageControl));
  return undefined;
}

function valuesOf(unit: DeviceLogicalUnit, page: ModePageOf, pageControl: number): Uint8Array {
  switch (pageControl) {
    case PAGE_CONTROL.CHANGEABLE:
      return page.changeable(unit);
    case PAGE_CONTROL.DEFAULT:
      return page.values(defaultSettings(unit));
    default:
      return page.values(currentSettings(unit));
  }
}

function listOf(
  unit: DeviceLogicalUnit,
  dbd: boolean,
  longLba: boolean,
  pages: readonly Uint8Array[],
): ModeParametersInput {
  const numberOfLogicalBlocks = longLba ? unit.blocks : Math.min(unit.blocks, MORE_THAN_32_BITS);
  const descriptor: ModeBlockDescriptor = { numberOfLogicalBlocks, logicalBlockLength: unit.blockSize };
  return {
    wp: unit.writeProtected,
    dpofua: true,
    longLba: longLba && !dbd,
    blockDescriptors: dbd ? [] : [descriptor],
    pages,
  };
}

const FIELDS = ['dbd', 'pageControl', 'pageCode', 'subpageCode', 'allocationLength'] as const;

/** MODE SENSE(6) and (10). */
export const MODE_SENSE_COMMANDS: readonly Declaration[] = [
  declare({ name: 'MODE_SENSE_6', accepts: FIELDS, run: modeSense6 }),
  declare({ name: 'MODE_SENSE_10', accepts: [...FIELDS, 'llbaa'], run: modeSense10 }),
];
