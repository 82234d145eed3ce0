/** The mode pages of a logical unit: their values, which bits an initiator may change, and what such a change does. */
import { readModePageCaching, writeModePageCaching } from '../scsi/data/mode-page-caching.ts';
import { readModePageControl, writeModePageControl } from '../scsi/data/mode-page-control.ts';
import { writeModePageInformationalExceptions } from '../scsi/data/mode-page-informational-exceptions.ts';
import { MODE_PAGE } from '../spec/scsi-mode-pages.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';

/** What initiators can change by MODE SELECT. */
export interface ModeSettings {
  readonly writeCacheEnabled: boolean;
  readonly softwareWriteProtect: boolean;
  readonly descriptorSense: boolean;
}

/** One page. */
export interface ModePageOf {
  readonly pageCode: number;
  /** The page with these settings. */
  readonly values: (settings: ModeSettings) => Uint8Array;
  /** A one for each bit that may be changed. */
  readonly changeable: (unit: DeviceLogicalUnit) => Uint8Array;
  /** The settings after the page was set to `bytes`, whose unchangeable bits are as they were. */
  readonly apply: (bytes: Uint8Array, settings: ModeSettings) => ModeSettings;
}

/** In ascending order, as MODE SENSE for all pages sends them. No page has subpages. */
export const MODE_PAGES: readonly ModePageOf[] = [
  {
    pageCode: MODE_PAGE.CACHING,
    values: ({ writeCacheEnabled }) => writeModePageCaching({ wce: writeCacheEnabled }),
    // Without a cache there is none to switch on.
    changeable: (unit) => writeModePageCaching({ wce: unit.volatileWriteCache }),
    apply: (bytes, settings) => ({ ...settings, writeCacheEnabled: readModePageCaching(bytes).wce }),
  },
  {
    // QUEUE ALGORITHM MODIFIER 0 holds by task-order.ts; TAS 1: tasks that another nexus has aborted are answered TASK
    // ABORTED; QERR 0: after an error others go on.
    pageCode: MODE_PAGE.CONTROL,
    values: ({ descriptorSense, softwareWriteProtect }) =>
      writeModePageControl({ dSense: descriptorSense, swp: softwareWriteProtect, tas: true }),
    changeable: () => writeModePageControl({ dSense: true, swp: true }),
    apply: (bytes, settings) => {
      const { dSense, swp } = readModePageControl(bytes);
      return { ...settings, descriptorSense: dSense, softwareWriteProtect: swp };
    },
  },
  {
    pageCode: MODE_PAGE.INFORMATIONAL_EXCEPTIONS_CONTROL,
    values: () => writeModePageInformationalExceptions({ dexcpt: true }), // none are reported
    changeable: () => writeModePageInformationalExceptions({}),
    apply: (_bytes, settings) => settings,
  },
];

/** The settings of a unit now. */
export function currentSettings(unit: DeviceLogicalUnit): ModeSettings {
  const { writeCacheEnabled, softwareWriteProtect, descriptorSense } = unit;
  return { writeCacheEnabled, softwareWriteProtect, descriptorSense };
}

/** The settings of a unit after power on or reset. */
export function defaultSettings(unit: DeviceLogicalUnit): ModeSettings {
  return { writeCacheEnabled: unit.volatileWriteCache, softwareWriteProtect: false, descriptorSense: false };
}
