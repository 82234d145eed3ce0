import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import {
  readVpdBlockDeviceCharacteristics,
  writeVpdBlockDeviceCharacteristics,
} from '../../../src/scsi/data/vpd-block-device-characteristics.ts';
import { readVpdBlockLimits, writeVpdBlockLimits } from '../../../src/scsi/data/vpd-block-limits.ts';
import {
  readVpdLogicalBlockProvisioning,
  writeVpdLogicalBlockProvisioning,
} from '../../../src/scsi/data/vpd-logical-block-provisioning.ts';
import { readVpdPage, readVpdPageAs, vpdPageCode, vpdPages } from '../../../src/scsi/data/vpd-pages.ts';
import { readVpdSupportedPages, writeVpdSupportedPages } from '../../../src/scsi/data/vpd-supported-pages.ts';
import { readVpdUnitSerialNumber, writeVpdUnitSerialNumber } from '../../../src/scsi/data/vpd-unit-serial-number.ts';

const DEVICE = { peripheralQualifier: 0, peripheralDeviceType: 0 };

const SUPPORTED = hex('00 00 00 06  00 80 83 b0 b1 b2');
const SERIAL = hex('00 80 00 08  20 20 41 42 43 31 32 00  // two blanks, "ABC12", NUL');
const LIMITS = hex(`
  00 b0 00 3c
  01 ff 00 08              // WSNZ; COMPARE AND WRITE 255; granularity 8
  00 00 ff ff  00 00 04 00  00 00 00 10
  00 10 00 00  00 00 01 00  00 00 00 20
  80 00 00 03              // UGAVALID, alignment 3
  00 00 00 01 00 00 00 00  // WRITE SAME 2^32
  00 00 00 40  00 00 00 02  00 00 00 04  00 00 00 80  00 00 00 05
`);
const CHARACTERISTICS = hex(`
  00 b1 00 3c
  1c 20 01 93              // 7200 rotations, product type 1; WABEREQ 2, WACEREQ 1, form factor 3 (2.5 inch)
  1f 00 00 00              // ZONED 1, RBWZ, BOCS, FUAB, VBULS
  00 00 0e 10              // 3600 s
  ${'00'.repeat(48)}
`);
const PROVISIONING = hex('00 b2 00 04  05 ea 52 14  // 2^5; LBPU, LBPWS, LBPWS10, LBPRZ 2, ANC_SUP; 10 %, thin; 20 %');

test('VPD page 00 is read and written', () => {
  const pageCodes = [0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2];
  assert.deepEqual(readVpdSupportedPages(SUPPORTED), { ...DEVICE, pageCodes, fullLength: 10, truncated: false });
  assert.deepEqual(writeVpdSupportedPages({ pageCodes }), SUPPORTED);
  assert.throws(() => writeVpdSupportedPages({ pageCodes: [0x83, 0x80] }), /page code 128 after 131/);
  assert.throws(() => writeVpdSupportedPages({ pageCodes: [256] }), RangeError);
});

test('VPD page 80 is read with and without its padding', () => {
  const expected = {
    ...DEVICE,
    serialNumber: 'ABC12',
    serialNumberPadded: '  ABC12.',
    fullLength: 12,
    truncated: false,
  };
  assert.deepEqual(readVpdUnitSerialNumber(SERIAL), expected);
  assert.deepEqual(writeVpdUnitSerialNumber({ serialNumber: 'ABC12' }), hex('00 80 00 05 41 42 43 31 32'));
  const tape = writeVpdUnitSerialNumber({ serialNumber: '', peripheralQualifier: 1, peripheralDeviceType: 1 });
  assert.deepEqual(tape, hex('21 80 00 00'));
  assert.throws(() => writeVpdUnitSerialNumber({ serialNumber: 'x\n' }), RangeError);
});

test('VPD page B0 is read and written', () => {
  const fields = {
    wsnz: true,
    maximumCompareAndWriteLength: 255,
    optimalTransferLengthGranularity: 8,
    maximumTransferLength: 0xffff,
    optimalTransferLength: 1024,
    maximumPrefetchLength: 16,
    maximumUnmapLbaCount: 0x10_0000,
    maximumUnmapBlockDescriptorCount: 256,
    optimalUnmapGranularity: 32,
    ugavalid: true,
    unmapGranularityAlignment: 3,
    maximumWriteSameLength: 0x1_0000_0000,
    maximumAtomicTransferLength: 64,
    atomicAlignment: 2,
    atomicTransferLengthGranularity: 4,
    maximumAtomicTransferLengthWithBoundary: 128,
    maximumAtomicBoundarySize: 5,
  };
  assert.deepEqual(readVpdBlockLimits(LIMITS), { ...DEVICE, ...fields, fullLength: 64, truncated: false });
  assert.deepEqual(writeVpdBlockLimits(fields), LIMITS);
  assert.deepEqual(writeVpdBlockLimits(readVpdBlockLimits(LIMITS)), LIMITS);
});

test('VPD page B0 of SBC-2 has fewer limits and is whole', () => {
  const page = readVpdBlockLimits(concat(hex('00 b0 00 0c'), LIMITS.slice(4)));
  assert.deepEqual([page.optimalTransferLength, page.maximumPrefetchLength, page.ugavalid], [1024, 0, false]);
  assert.deepEqual([page.fullLength, page.truncated], [16, false]);
});

test('VPD page B0 with "no limit" in 64 bits is not refused', () => {
  const page = readVpdBlockLimits(concat(LIMITS.slice(0, 36), hex('ff ff ff ff ff ff ff ff'), LIMITS.slice(44)));
  assert.equal(page.maximumWriteSameLength, Number.MAX_SAFE_INTEGER);
});

test('VPD page B1 is read and written', () => {
  const fields = {
    mediumRotationRate: 7200,
    productType: 1,
    wabereq: 2,
    wacereq: 1,
    nominalFormFactor: 3,
    zoned: 1,
    rbwz: true,
    bocs: true,
    fuab: true,
    vbuls: true,
    depopulationTime: 3600,
  };
  assert.deepEqual(readVpdBlockDeviceCharacteristics(CHARACTERISTICS), {
    ...DEVICE,
    ...fields,
    fullLength: 64,
    truncated: false,
  });
  assert.deepEqual(writeVpdBlockDeviceCharacteristics(fields), CHARACTERISTICS);
});

test('VPD page B2 is read and written, LBPRZ with all three bits', () => {
  const fields = {
    thresholdExponent: 5,
    lbpu: true,
    lbpws: true,
    lbpws10: true,
    lbprz: 2,
    ancSup: true,
    minimumPercentage: 10,
    provisioningType: 2,
    thresholdPercentage: 20,
  };
  const whole = { ...DEVICE, ...fields, dp: false, provisioningGroup: undefined, fullLength: 8, truncated: false };
  assert.deepEqual(readVpdLogicalBlockProvisioning(PROVISIONING), whole);
  assert.deepEqual(writeVpdLogicalBlockProvisioning(fields), PROVISIONING);
});

test('VPD page B2 carries the provisioning group', () => {
  const bytes = hex('00 b2 00 10  00 01 00 00  01 03 00 08 31 11 11 11 22 22 22 22');
  const page = readVpdLogicalBlockProvisioning(bytes);
  assert.equal(page.provisioningGroup?.text, 'naa.3111111122222222');
  assert.deepEqual(writeVpdLogicalBlockProvisioning(page), bytes);
  assert.equal(readVpdLogicalBlockProvisioning(bytes.slice(0, 19)).provisioningGroup, undefined);
});

test('the pages are found by the code in them, and typed by their name', () => {
  const found = [SUPPORTED, SERIAL, LIMITS, CHARACTERISTICS, PROVISIONING].map((bytes) => readVpdPage(bytes)?.name);
  assert.deepEqual(found, [
    'supportedPages',
    'unitSerialNumber',
    'blockLimits',
    'blockDeviceCharacteristics',
    'logicalBlockProvisioning',
  ]);
  assert.equal(readVpdPage(hex('00 86 00 00')), undefined);
  const serial: string = readVpdPageAs('unitSerialNumber', SERIAL).serialNumber;
  assert.equal(serial, 'ABC12');
  // @ts-expect-error Page 80 has no block limits.
  assert.equal(readVpdPageAs('unitSerialNumber', SERIAL).maximumTransferLength, undefined);
  assert.deepEqual([vpdPageCode('deviceIdentification'), vpdPages[0xb0].name], [0x83, 'blockLimits']);
  assert.throws(() => readVpdPageAs('blockLimits', SERIAL), {
    code: 'ISCSI_PROTOCOL',
    message: 'Cannot read VPD page B0: the device sent page 80',
  });
});

test('every page reads what is there, wherever it is cut', () => {
  for (const bytes of [SUPPORTED, SERIAL, LIMITS, CHARACTERISTICS, PROVISIONING]) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      if (length < 4) assert.throws(() => readVpdPage(cut), ProtocolError, `${length} bytes`);
      else {
        const page = readVpdPage(cut)?.page;
        assert.deepEqual([page?.fullLength, page?.truncated], [bytes.length, true], `${length} bytes`);
      }
    }
  }
  const cut = readVpdBlockLimits(LIMITS.slice(0, 11));
  assert.deepEqual([cut.optimalTransferLengthGranularity, cut.maximumTransferLength], [8, 0]);
  assert.deepEqual(readVpdSupportedPages(concat(SUPPORTED, hex('ff ff'))).pageCodes.length, 6);
});

test('a reader refuses another page than its own', () => {
  assert.throws(() => readVpdBlockLimits(SERIAL), { message: 'Cannot read VPD page B0: the device sent page 80' });
  assert.throws(() => readVpdSupportedPages(hex('00 80 00')), ProtocolError);
});
