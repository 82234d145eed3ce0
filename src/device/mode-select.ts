/**
 * MODE SELECT (SPC). The whole list is checked before anything is changed: a page may differ from its current values
 * only in changeable bits. The other sessions are told by a unit attention.
 */
import type { ModePage } from '../scsi/data/mode-page.ts';
import type { ModeParameters } from '../scsi/data/mode-parameters.ts';
import { readModeParameters6, readModeParameters10 } from '../scsi/data/mode-parameters.ts';
import { fail, invalidCdbField, invalidParameter, PARAMETER_LIST_LENGTH_ERROR } from './answers.ts';
import { MODE_PARAMETERS_CHANGED } from './attentions.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { ModeSettings } from './mode-pages.ts';
import { currentSettings, MODE_PAGES } from './mode-pages.ts';
import { flushAndAnswer } from './synchronize-cache.ts';
import type { DeviceTask } from './task.ts';

/** Where the two forms of the list differ. */
interface Form {
  readonly headerLength: number;
  readonly descriptorLengthByte: number;
  readonly read: (bytes: Uint8Array, use: 'select') => ModeParameters;
  readonly listLength: (cdb: DataView) => number;
}

/** A byte, and the highest bit where it is no whole byte, that cannot be. */
interface Wrong {
  readonly byte: number;
  readonly bit?: number;
}

const FORM_6: Form = {
  headerLength: 4,
  descriptorLengthByte: 3,
  read: readModeParameters6,
  listLength: (cdb) => cdb.getUint8(4),
};
const FORM_10: Form = {
  headerLength: 8,
  descriptorLengthByte: 6,
  read: readModeParameters10,
  listLength: (cdb) => cdb.getUint16(7),
};
const PF = 0x10;
const PF_BIT = 4;
const PS_BIT = 7;
const PAGE_CODE_HIGH_BIT = 5;
const PAGE_HEADER = 2;

function modeSelect(unit: DeviceLogicalUnit, task: DeviceTask, form: Form): void {
  const length = form.listLength(task.cdb);
  if ((task.cdb.getUint8(1) & PF) === 0) {
    invalidCdbField(unit, task, 1, PF_BIT); // without it the pages would be vendor specific
    return;
  }
  if (length === 0) {
    task.good();
    return;
  }
  if (length < form.headerLength || task.dataOut.length < length) {
    fail(unit, task, PARAMETER_LIST_LENGTH_ERROR);
    return;
  }
  const list = form.read(task.dataOut.subarray(0, length), 'select');
  if (list.truncated) {
    fail(unit, task, PARAMETER_LIST_LENGTH_ERROR);
    return;
  }
  const before = currentSettings(unit);
  const result = wrongDescriptor(unit, list, form) ?? settingsAfter(unit, list, form, before);
  if ('byte' in result) invalidParameter(unit, task, result.byte, result.bit);
  else change(unit, task, before, result);
}

/** The block descriptor may be there, but there is only one format of the medium. */
function wrongDescriptor(unit: DeviceLogicalUnit, list: ModeParameters, form: Form): Wrong | undefined {
  const length = list.longLba ? 16 : 8;
  const { blockDescriptorLength } = list;
  if (blockDescriptorLength !== 0 && blockDescriptorLength !== length) return { byte: form.descriptorLengthByte };
  const [descriptor] = list.blockDescriptors;
  if (!descriptor) return undefined;
  const { numberOfLogicalBlocks: blocks, logicalBlockLength } = descriptor;
  const all = blocks === 0 || blocks === unit.blocks || (blocks === 0xffff_ffff && !list.longLba);
  if (!all) return { byte: form.headerLength };
  if (logicalBlockLength !== unit.blockSize) return { byte: form.headerLength + (list.longLba ? 12 : 5) };
  return undefined;
}

/** What the pages of the list make of the settings, or what is wrong with them. */
function settingsAfter(
  unit: DeviceLogicalUnit,
  list: ModeParameters,
  form: Form,
  before: ModeSettings,
): ModeSettings | Wrong {
  let settings = before;
  let at = form.headerLength + list.blockDescriptorLength;
  for (const page of list.pages) {
    const known = MODE_PAGES.find((one) => one.pageCode === page.pageCode);
    if (!known || page.subpageCode !== 0) return { byte: at, bit: PAGE_CODE_HIGH_BIT };
    if (page.ps) return { byte: at, bit: PS_BIT };
    const wrong = wrongByte(page, known.values(settings), known.changeable(unit));
    if (wrong) return { ...wrong, byte: at + wrong.byte };
    settings = known.apply(page.bytes, settings);
    at += page.bytes.length;
  }
  return settings;
}

/** The first place where the page differs from `current` and may not. */
function wrongByte(page: ModePage, current: Uint8Array, changeable: Uint8Array): Wrong | undefined {
  if (page.bytes.length !== current.length) return { byte: 1 };
  for (let byte = PAGE_HEADER; byte < current.length; byte++) {
    const different = (page.bytes[byte] ?? 0) ^ (current[byte] ?? 0);
    const wrong = different & ~(changeable[byte] ?? 0);
    if (wrong !== 0) return { byte, bit: 31 - Math.clz32(wrong) };
  }
  return undefined;
}

/**
 * Takes the settings over. What a cache holds goes to the medium before the cache is switched off or the unit is
 * protected.
 */
function change(unit: DeviceLogicalUnit, task: DeviceTask, before: ModeSettings, after: ModeSettings): void {
  const takeOver = () => {
    const changed = (Object.keys(after) as (keyof ModeSettings)[]).some((name) => after[name] !== before[name]);
    unit.writeCacheEnabled = after.writeCacheEnabled;
    unit.softwareWriteProtect = after.softwareWriteProtect;
    unit.descriptorSense = after.descriptorSense;
    if (changed) unit.attentions.addToAll(MODE_PARAMETERS_CHANGED, task.nexus);
    task.good();
  };
  const closes =
    (before.writeCacheEnabled && !after.writeCacheEnabled) ||
    (!before.softwareWriteProtect && after.softwareWriteProtect);
  if (closes) flushAndAnswer(unit, task, takeOver);
  else takeOver();
}

function declaration(name: 'MODE_SELECT_6' | 'MODE_SELECT_10', form: Form): Declaration {
  return declare({
    name,
    accepts: ['pf', 'parameterListLength'], // SP: nothing is saved
    run: (unit, task) => modeSelect(unit, task, form),
    dataOutLength: (_unit, cdb) => form.listLength(cdb),
  });
}

/** MODE SELECT(6) and (10). */
export const MODE_SELECT_COMMANDS: readonly Declaration[] = [
  declaration('MODE_SELECT_6', FORM_6),
  declaration('MODE_SELECT_10', FORM_10),
];
