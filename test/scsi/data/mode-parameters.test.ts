import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import { readModePageCaching, writeModePageCaching } from '../../../src/scsi/data/mode-page-caching.ts';
import { readModePageControl, writeModePageControl } from '../../../src/scsi/data/mode-page-control.ts';
import {
  readModePageInformationalExceptions,
  writeModePageInformationalExceptions,
} from '../../../src/scsi/data/mode-page-informational-exceptions.ts';
import {
  readModePageReadWriteErrorRecovery,
  writeModePageReadWriteErrorRecovery,
} from '../../../src/scsi/data/mode-page-read-write-error-recovery.ts';
import {
  readModeParameters6,
  readModeParameters10,
  writeModeParameters6,
  writeModeParameters10,
} from '../../../src/scsi/data/mode-parameters.ts';

const CACHING = hex('88 12 94 5a 00 01 00 02 00 03 00 04 e5 06 00 07 00 00 00 00');
const CONTROL = hex('0a 0a 56 1c d8 d5 00 00 00 08 00 09');
const EXCEPTIONS = hex('9c 0a bf 06 00 00 00 05 00 00 00 07');
const RECOVERY = hex('01 0a d5 08 00 00 00 80 09 00 ff fe');
const CONTROL_EXTENSION = hex('4a 01 00 04 07 08 09 0a // a page with subpage');

const SENSE_6 = concat(
  hex('33 00 90 08 // 51 more bytes; WP, DPOFUA; one short descriptor'),
  hex('00 10 00 00 00 00 02 00'),
  CACHING,
  CONTROL,
  CONTROL_EXTENSION,
);
const SENSE_10 = concat(
  hex('00 22 05 10 01 00 00 10 // 34 more bytes; medium type 5; DPOFUA; LONGLBA, one descriptor'),
  hex('00 00 00 01 00 00 00 00 00 00 00 00 00 00 10 00'),
  EXCEPTIONS,
);

test('the caching page is read and written', () => {
  const fields = {
    ps: true,
    ic: true,
    abpf: false,
    cap: false,
    disc: true,
    size: false,
    wce: true,
    mf: false,
    rcd: false,
    demandReadRetentionPriority: 5,
    writeRetentionPriority: 10,
    disablePrefetchTransferLength: 1,
    minimumPrefetch: 2,
    maximumPrefetch: 3,
    maximumPrefetchCeiling: 4,
    fsw: true,
    lbcss: true,
    dra: true,
    syncProg: 2,
    nvDis: true,
    numberOfCacheSegments: 6,
    cacheSegmentSize: 7,
  };
  assert.deepEqual(readModePageCaching(CACHING), { ...fields, fullLength: 20, truncated: false });
  assert.deepEqual(writeModePageCaching(fields), CACHING);
});

test('the control page is read and written, each field with its own bits', () => {
  const fields = {
    ps: false,
    tst: 2,
    tmfOnly: true,
    dpicz: false,
    dSense: true,
    gltsd: true,
    rlec: false,
    queueAlgorithmModifier: 1,
    nuar: true,
    qerr: 2,
    vs: true,
    rac: true,
    uaIntlckCtrl: 1,
    swp: true,
    ato: true,
    tas: true,
    atmpe: false,
    rwwp: true,
    sblp: false,
    autoloadMode: 5,
    busyTimeoutPeriod: 8,
    extendedSelfTestCompletionTime: 9,
  };
  assert.deepEqual(readModePageControl(CONTROL), { ...fields, fullLength: 12, truncated: false });
  assert.deepEqual(writeModePageControl(fields), CONTROL);
});

test('the informational exceptions page is read and written', () => {
  const fields = {
    ps: true,
    perf: true,
    ebf: true,
    ewasc: true,
    dexcpt: true,
    test: true,
    ebackerr: true,
    logerr: true,
    mrie: 6,
    intervalTimer: 5,
    reportCount: 7,
  };
  assert.deepEqual(readModePageInformationalExceptions(EXCEPTIONS), { ...fields, fullLength: 12, truncated: false });
  assert.deepEqual(writeModePageInformationalExceptions(fields), EXCEPTIONS);
});

test('the read-write error recovery page is read and written', () => {
  const fields = {
    ps: false,
    awre: true,
    arre: true,
    tb: false,
    rc: true,
    eer: false,
    per: true,
    dte: false,
    dcr: true,
    readRetryCount: 8,
    lbpere: true,
    writeRetryCount: 9,
    recoveryTimeLimit: 0xfffe,
  };
  assert.deepEqual(readModePageReadWriteErrorRecovery(RECOVERY), { ...fields, fullLength: 12, truncated: false });
  assert.deepEqual(writeModePageReadWriteErrorRecovery(fields), RECOVERY);
});

test('a page reader reads what is there and refuses another page', () => {
  const cut = readModePageControl(CONTROL.slice(0, 9));
  assert.deepEqual([cut.tst, cut.busyTimeoutPeriod, cut.fullLength, cut.truncated], [2, 0, 12, true]);
  const old = readModePageCaching(concat(hex('08 0a'), CACHING.slice(2)));
  assert.deepEqual(
    [old.wce, old.maximumPrefetchCeiling, old.nvDis, old.truncated],
    [true, 4, false, false],
    'SCSI-2 length',
  );
  assert.throws(() => readModePageControl(CACHING), {
    message: 'Cannot read mode page 0A: these are the bytes of page 08',
  });
  assert.throws(() => readModePageControl(CONTROL_EXTENSION), {
    message: /these are the bytes of subpage 01 of page 0A/,
  });
  assert.throws(() => readModePageControl(hex('0a')), ProtocolError);
  assert.throws(() => writeModePageControl({ tst: 8 }), /tst = 8: 0\.\.7 allowed/);
});

test('readModeParameters6() takes the list apart', () => {
  const { pages, ...list } = readModeParameters6(SENSE_6);
  assert.deepEqual(list, {
    mediumType: 0,
    deviceSpecificParameter: 0x90,
    longLba: false,
    wp: true,
    dpofua: true,
    blockDescriptorLength: 8,
    blockDescriptors: [{ numberOfLogicalBlocks: 0x10_0000, logicalBlockLength: 512 }],
    fullLength: 52,
    truncated: false,
  });
  assert.deepEqual(pages, [
    { pageCode: 0x08, subpageCode: 0, ps: true, bytes: CACHING },
    { pageCode: 0x0a, subpageCode: 0, ps: false, bytes: CONTROL },
    { pageCode: 0x0a, subpageCode: 1, ps: false, bytes: CONTROL_EXTENSION },
  ]);
});

test('readModeParameters10() takes the list apart, with long block descriptors', () => {
  const list = readModeParameters10(SENSE_10);
  assert.deepEqual([list.mediumType, list.longLba, list.wp, list.dpofua], [5, true, false, true]);
  assert.deepEqual(list.blockDescriptors, [{ numberOfLogicalBlocks: 0x1_0000_0000, logicalBlockLength: 4096 }]);
  assert.deepEqual([list.pages.length, list.fullLength, list.truncated], [1, 36, false]);
});

test('the writers write the lists, and what was read can be written', () => {
  const descriptor = { numberOfLogicalBlocks: 0x10_0000, logicalBlockLength: 512 };
  const pages = [CACHING, CONTROL, CONTROL_EXTENSION];
  assert.deepEqual(writeModeParameters6({ wp: true, dpofua: true, blockDescriptors: [descriptor], pages }), SENSE_6);
  const long = { numberOfLogicalBlocks: 0x1_0000_0000, logicalBlockLength: 4096 };
  const ten = { mediumType: 5, dpofua: true, longLba: true, blockDescriptors: [long], pages: [EXCEPTIONS] };
  assert.deepEqual(writeModeParameters10(ten), SENSE_10);
  const read = readModeParameters6(SENSE_6);
  assert.deepEqual(writeModeParameters6({ ...read, pages: read.pages.map((page) => page.bytes) }), SENSE_6);
});

test('for MODE SELECT the data length and PS are zero, and the length of the data counts', () => {
  const list = writeModeParameters6({ pages: [CACHING] }, 'select');
  assert.deepEqual(list, concat(hex('00 00 00 00 08'), CACHING.slice(1)));
  assert.deepEqual(CACHING[0], 0x88, 'the page of the caller is left alone');
  const read = readModeParameters6(list, 'select');
  assert.deepEqual([read.pages.length, read.fullLength, read.truncated], [1, 24, false]);
  assert.deepEqual(
    writeModeParameters10({ pages: [EXCEPTIONS] }, 'select').slice(0, 9),
    hex('00 00 00 00 00 00 00 00 1c'),
  );
  assert.equal(
    readModeParameters10(writeModeParameters10({ pages: [EXCEPTIONS] }, 'select'), 'select').pages.length,
    1,
  );
});

test('wp and dpofua overrule their bits of the device-specific parameter', () => {
  const bytes = writeModeParameters6({ deviceSpecificParameter: 0x91, wp: false });
  assert.deepEqual(bytes, hex('03 00 11 00'));
});

test('a list that is cut gives the descriptors and pages that are whole', () => {
  const pageEnds = [32, 44, 52];
  for (let length = 4; length < SENSE_6.length; length++) {
    const list = readModeParameters6(SENSE_6.slice(0, length));
    assert.equal(list.truncated, true, `${length} bytes`);
    assert.equal(list.blockDescriptors.length, length >= 12 ? 1 : 0, `${length} bytes`);
    assert.equal(list.pages.length, pageEnds.filter((end) => end <= length).length, `${length} bytes`);
  }
  assert.throws(() => readModeParameters6(SENSE_6.slice(0, 3)), ProtocolError);
  assert.throws(() => readModeParameters10(SENSE_10.slice(0, 7)), ProtocolError);
});

test('a page that overruns the list is left out, and the list is truncated', () => {
  const list = readModeParameters6(hex('09 00 00 00  0a 0a 00 00 00 00  00 00 00 00 00 00'));
  assert.deepEqual([list.pages, list.truncated, list.fullLength], [[], true, 10]);
});

test('the writers refuse what does not fit', () => {
  assert.throws(() => writeModeParameters6({ longLba: true }), /use the 10-byte list/);
  assert.throws(() => writeModeParameters6({ pages: [new Uint8Array(253)] }), /modeDataLength = 256: 0\.\.255 allowed/);
  assert.equal(writeModeParameters6({ pages: [new Uint8Array(252)] }).length, 256);
  const large = { numberOfLogicalBlocks: 2 ** 32, logicalBlockLength: 512 };
  assert.throws(() => writeModeParameters10({ blockDescriptors: [large] }), /numberOfLogicalBlocks = 4294967296/);
});
