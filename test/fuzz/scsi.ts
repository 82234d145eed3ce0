/**
 * Every parser of the SCSI room, with real samples to start from. Each must give a value, or throw ProtocolError or
 * RangeError.
 */
import { hex, viewOf } from '../../src/bytes/hex.ts';
import { commandName, parseCdb } from '../../src/scsi/cdb.ts';
import { readInquiry } from '../../src/scsi/data/inquiry.ts';
import { readModePageCaching } from '../../src/scsi/data/mode-page-caching.ts';
import { readModePageControl } from '../../src/scsi/data/mode-page-control.ts';
import { readModePageInformationalExceptions } from '../../src/scsi/data/mode-page-informational-exceptions.ts';
import { readModePageReadWriteErrorRecovery } from '../../src/scsi/data/mode-page-read-write-error-recovery.ts';
import { readModeParameters6, readModeParameters10 } from '../../src/scsi/data/mode-parameters.ts';
import { readCapacity10, readCapacity16 } from '../../src/scsi/data/read-capacity.ts';
import { readReportLuns } from '../../src/scsi/data/report-luns.ts';
import { readUnmapList } from '../../src/scsi/data/unmap-list.ts';
import { readVpdBlockDeviceCharacteristics } from '../../src/scsi/data/vpd-block-device-characteristics.ts';
import { readVpdBlockLimits } from '../../src/scsi/data/vpd-block-limits.ts';
import { readVpdDeviceIdentification } from '../../src/scsi/data/vpd-device-identification.ts';
import { readVpdLogicalBlockProvisioning } from '../../src/scsi/data/vpd-logical-block-provisioning.ts';
import { readVpdPage } from '../../src/scsi/data/vpd-pages.ts';
import { readVpdSupportedPages } from '../../src/scsi/data/vpd-supported-pages.ts';
import { readVpdUnitSerialNumber } from '../../src/scsi/data/vpd-unit-serial-number.ts';
import { decodeLun, formatLun, parseLun } from '../../src/scsi/lun.ts';
import { describeSense, parseSense } from '../../src/scsi/sense.ts';

/** A parser and bytes that it takes. */
export interface FuzzTarget {
  readonly name: string;
  /** What it returns is compared between runs; it has no other meaning. */
  parse(bytes: Uint8Array): unknown;
  readonly seeds: Uint8Array[];
}

const CDBS = [
  '28 08 00 00 00 08 00 00 01 00',
  '88 00 00 00 00 01 00 00 00 08 00 00 00 08 00 00',
  '9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00',
  'a3 0c 01 9e 00 12 00 00 01 00 00 00',
  '7f 00 00 00 00 00 00 18 00 09 00 00 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 00 00 00 00 02',
];
const SENSES = [
  'f0 00 05 00 00 12 34 0a 00 00 00 00 21 00 00 ca 00 02',
  '71 00 02 00 00 00 00 0a 00 00 00 00 04 04 00 80 40 00',
  `72 03 11 04 80 00 00 34 00 0a 80 00 00 00 00 01 00 00 00 02 02 06 00 00 80 00 03 00
   09 0c 01 84 00 10 03 06 02 05 01 04 40 51 0c 08 03 02 72 05 20 00 00 00 80 02 aa bb`,
  '72 03 11 00 00 00 00 20 0d 1e a0 00 c0 00 04 07 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 00',
];
const INQUIRY = `00 00 06 12 5b 10 10 02 54 53 49 53 43 53 49 20 56 69 72 74 75 61 6c 20 64 69 73 6b 20 20 20 20
  30 31 20 20 ${'00'.repeat(22)} 09 60 04 c0 04 60 ${'00'.repeat(32)}`;
const PAGE_00 = '00 00 00 06 00 80 83 b0 b1 b2';
const PAGE_80 = '00 80 00 08 20 20 41 42 43 31 32 00';
const PAGE_83 = `00 83 00 60 02 01 00 0c 54 53 49 53 43 53 49 20 64 69 73 6b
  01 03 00 10 60 01 40 5a bb cc dd ee 00 11 22 33 44 55 66 77 51 94 00 04 00 00 00 01
  53 a8 00 1c 69 71 6e 2e 32 30 30 33 2d 30 31 2e 6f 72 67 2e 65 78 61 6d 70 6c 65 3a 61 62 00 00
  01 0a 00 04 10 00 00 00`;
const PAGE_B0 = `00 b0 00 3c 01 ff 00 08 00 00 ff ff 00 00 04 00 00 00 00 10 00 10 00 00 00 00 01 00
  00 00 00 20 80 00 00 03 00 00 00 01 00 00 00 00 ${'00'.repeat(20)}`;
const PAGE_B1 = `00 b1 00 3c 00 01 00 05 02 ${'00'.repeat(55)}`;
const PAGE_B2 = '00 b2 00 10 05 e9 02 00 01 03 00 08 31 11 11 11 22 22 22 22';
const CACHING = '88 12 04 00 ff ff 00 00 ff ff ff ff 80 14 00 00 00 00 00 00';
const CONTROL = '0a 0a 06 10 08 40 00 00 00 00 00 1e';
const EXCEPTIONS = '1c 0a 08 06 00 00 00 05 00 00 00 07';
const RECOVERY = '01 0a c0 08 00 00 00 00 08 00 ff ff';
const SUBPAGE = '4a 01 00 04 07 08 09 0a';

/** The parsers, for the fuzz runner and the tests. */
export const scsiParsers: FuzzTarget[] = [
  target('parseCdb', (bytes) => [parseCdb(viewOf(bytes), bytes.length), commandName(viewOf(bytes))], ...CDBS),
  target('parseSense', (bytes) => describe(bytes), ...SENSES),
  target('decodeLun', decodeEight, '00 01 00 00 00 00 00 00', 'd2 00 40 00 00 00 00 00', 'c1 01 00 00 00 00 00 00'),
  target('parseLun', (bytes) => parseLun(String.fromCharCode(...bytes)), '31 32', `30 78 ${'34'.repeat(16)}`),
  target('readInquiry', readInquiry, INQUIRY),
  target('readVpdPage', readVpdPage, PAGE_00, PAGE_80, PAGE_83, PAGE_B0, PAGE_B1, PAGE_B2),
  target('readVpdSupportedPages', readVpdSupportedPages, PAGE_00),
  target('readVpdUnitSerialNumber', readVpdUnitSerialNumber, PAGE_80),
  target('readVpdDeviceIdentification', readVpdDeviceIdentification, PAGE_83),
  target('readVpdBlockLimits', readVpdBlockLimits, PAGE_B0),
  target('readVpdBlockDeviceCharacteristics', readVpdBlockDeviceCharacteristics, PAGE_B1),
  target('readVpdLogicalBlockProvisioning', readVpdLogicalBlockProvisioning, PAGE_B2),
  target('readCapacity10', readCapacity10, '00 03 1f ff 00 00 02 00'),
  target('readCapacity16', readCapacity16, `00 00 00 01 00 00 00 05 00 00 10 00 01 03 c0 00 ${'00'.repeat(16)}`),
  target('readReportLuns', readReportLuns, '00 00 00 10 00 00 00 00 00 01 00 00 00 00 00 00 41 2c 00 00 00 00 00 00'),
  target('readUnmapList', readUnmapList, '00 16 00 10 00 00 00 00 00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 00'),
  target(
    'readModeParameters6',
    (bytes) => [readModeParameters6(bytes), readModeParameters6(bytes, 'select')],
    `33 00 90 08 00 10 00 00 00 00 02 00 ${CACHING} ${CONTROL} ${SUBPAGE}`,
  ),
  target(
    'readModeParameters10',
    (bytes) => [readModeParameters10(bytes), readModeParameters10(bytes, 'select')],
    `00 22 05 10 01 00 00 10 00 00 00 01 00 00 00 00 00 00 00 00 00 00 10 00 ${EXCEPTIONS}`,
  ),
  target('readModePageCaching', readModePageCaching, CACHING),
  target('readModePageControl', readModePageControl, CONTROL),
  target('readModePageInformationalExceptions', readModePageInformationalExceptions, EXCEPTIONS),
  target('readModePageReadWriteErrorRecovery', readModePageReadWriteErrorRecovery, RECOVERY),
];

function target(name: string, parse: (bytes: Uint8Array) => unknown, ...seeds: readonly string[]): FuzzTarget {
  return { name, parse, seeds: seeds.map(hex) };
}

function describe(bytes: Uint8Array): unknown {
  const sense = parseSense(bytes);
  return sense && [sense, describeSense(sense)];
}

function decodeEight(bytes: Uint8Array): unknown {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes);
  const lun = { high: view.getUint32(0), low: view.getUint32(4) };
  return [decodeLun(lun.high, lun.low), parseLun(formatLun(lun))];
}
