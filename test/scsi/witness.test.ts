/** What we write, read by programs that we did not write: those of sg3-utils. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { additionalSenseText } from '../../src/scsi/additional-sense.ts';
import { cdb, commandTitle } from '../../src/scsi/cdb.ts';
import type { CommandName } from '../../src/scsi/commands.ts';
import { COMMANDS } from '../../src/scsi/commands.ts';
import { writeInquiry } from '../../src/scsi/data/inquiry.ts';
import { writeLbaStatus } from '../../src/scsi/data/lba-status.ts';
import {
  eui64Designator,
  naaDesignator,
  relativeTargetPortDesignator,
  scsiNameDesignator,
  t10VendorDesignator,
  targetPortGroupDesignator,
} from '../../src/scsi/data/make-designators.ts';
import { writeVpdBlockDeviceCharacteristics } from '../../src/scsi/data/vpd-block-device-characteristics.ts';
import { writeVpdBlockLimits } from '../../src/scsi/data/vpd-block-limits.ts';
import { writeVpdDeviceIdentification } from '../../src/scsi/data/vpd-device-identification.ts';
import { writeVpdLogicalBlockProvisioning } from '../../src/scsi/data/vpd-logical-block-provisioning.ts';
import { writeVpdSupportedPages } from '../../src/scsi/data/vpd-supported-pages.ts';
import { writeVpdUnitSerialNumber } from '../../src/scsi/data/vpd-unit-serial-number.ts';
import { encodeLun, formatLun, parseLun } from '../../src/scsi/lun.ts';
import { descriptorSense, fixedSense } from '../../src/scsi/sense-write.ts';
import { ASC_ASCQ } from '../../src/spec/asc-ascq.ts';
import { ASSOCIATION } from '../../src/spec/scsi-designators.ts';
import { PROTOCOL_IDENTIFIER } from '../../src/spec/scsi-protocol-identifiers.ts';
import { SENSE_KEY } from '../../src/spec/scsi-sense-keys.ts';
import { VERSION_DESCRIPTOR, VERSION_DESCRIPTOR_TEXT } from '../../src/spec/scsi-version-descriptors.ts';

const missing = spawnSync('sg_inq', ['--version']).error !== undefined;
// In CI the package is installed: a skip there would hide that nothing was looked at.
const skip = missing && process.env['CI'] !== 'true' ? 'needs the Debian package sg3-utils' : false;

/** The output of a program, trimmed, with single blanks. */
function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(error, undefined, 'needs the Debian package sg3-utils');
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout.replace(/\s+/g, ' ').trim();
}

/** The output of a program that takes the bytes from a file of hex digits. */
function decode(program: string, args: readonly string[], bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsiscsi-witness-'));
  try {
    const file = join(folder, 'bytes.hex');
    writeFileSync(file, pairs(bytes).join(' '));
    return run(program, ...args, `--inhex=${file}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pairs(bytes: Uint8Array): string[] {
  return toHex(bytes).match(/../g) ?? [];
}

function says(output: string, ...phrases: readonly string[]): void {
  for (const phrase of phrases) assert.ok(output.includes(phrase), `"${phrase}" is not in: ${output}`);
}

test('sg_inq reads our standard INQUIRY data', { skip }, () => {
  const values = {
    rmb: true,
    version: 6,
    normaca: true,
    hisup: true,
    tpgs: 1,
    thirdPartyCopy: true,
    protect: true,
    multip: true,
    cmdque: true,
    vendorIdentification: 'TSISCSI',
    productIdentification: 'Virtual disk',
    productRevisionLevel: '0.1',
    versionDescriptors: [VERSION_DESCRIPTOR.ISCSI, VERSION_DESCRIPTOR.SBC_3, VERSION_DESCRIPTOR.SPC_4],
  };
  says(
    decode('sg_inq', ['--descriptors'], writeInquiry(values)),
    'PQual=0 PDT=0 RMB=1 LU_CONG=0',
    'version=0x06 [SPC-4]',
    'NormACA=1 HiSUP=1 Resp_data_format=2',
    'SCCS=0 ACC=0 TPGS=1 3PC=1 Protect=1',
    'EncServ=0 MultiP=1',
    'CmdQue=1',
    'length=96 (0x60)',
    'Vendor identification: TSISCSI Product identification: Virtual disk Product revision level: 0.1',
    'Version descriptors: iSCSI (no version claimed) SBC-3 (no version claimed) SPC-4 (no version claimed)',
  );
  says(
    decode(
      'sg_inq',
      [],
      writeInquiry({
        peripheralQualifier: 3,
        version: 6,
        peripheralDeviceType: 0x1f,
        luCong: true,
        sccs: true,
        encserv: true,
      }),
    ),
    'PQual=3 PDT=31 RMB=0 LU_CONG=1',
    'SCCS=1',
    'EncServ=1',
  );
});

test('sg_inq gives the version descriptors the names that we give them', { skip }, () => {
  const codes = Object.keys(VERSION_DESCRIPTOR_TEXT).map(Number);
  for (let at = 0; at < codes.length; at += 8) {
    const some = codes.slice(at, at + 8);
    const output = decode('sg_inq', ['--descriptors'], writeInquiry({ version: 6, versionDescriptors: some }));
    // SPC-4 was project 1731-D; later lists print its INCITS number there.
    const theirs = output
      .replace(/^.*Version descriptors: /, '')
      .replaceAll(' (no version claimed)', '')
      .replaceAll('T10/BSR INCITS 513', 'T10/1731-D')
      .replaceAll('SSC-4 SSC-4', 'SSC-4');
    assert.equal(theirs, some.map((code) => VERSION_DESCRIPTOR_TEXT[code]).join(' '));
  }
});

test('sg_vpd reads our pages 00 and 80', { skip }, () => {
  const pages = writeVpdSupportedPages({ pageCodes: [0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2] });
  says(
    decode('sg_vpd', ['--page=0'], pages),
    'Supported VPD pages [sv] Unit serial number [sn] Device identification [di] Block limits (SBC) [bl] ' +
      'Block device characteristics (SBC) [bdc] Logical block provisioning (SBC) [lbpv]',
  );
  says(
    decode('sg_vpd', ['--page=0x80'], writeVpdUnitSerialNumber({ serialNumber: 'ABC 12' })),
    'Unit serial number: ABC 12',
  );
});

test('sg_vpd reads our page 83', { skip }, () => {
  const { ISCSI } = PROTOCOL_IDENTIFIER;
  const designators = [
    t10VendorDesignator('TSISCSI', 'disk'),
    naaDesignator(hex('6001405abbccddee0011223344556677')),
    eui64Designator(hex('0025385a71000001')),
    relativeTargetPortDesignator(1, ISCSI),
    targetPortGroupDesignator(2, ISCSI),
    scsiNameDesignator('iqn.2003-01.org.example:disk', {
      association: ASSOCIATION.TARGET_DEVICE,
      protocolIdentifier: ISCSI,
    }),
  ];
  assert.equal(
    decode('sg_vpd', ['--page=0x83'], writeVpdDeviceIdentification({ designators })),
    'Device Identification VPD page: Addressed logical unit: ' +
      'designator type: T10 vendor identification, code set: ASCII vendor id: TSISCSI vendor specific: disk ' +
      'designator type: NAA, code set: Binary 0x6001405abbccddee0011223344556677 ' +
      'designator type: EUI-64 based, code set: Binary 0x0025385a71000001 ' +
      'Target port: ' +
      'designator type: Relative target port, code set: Binary transport: Internet SCSI (iSCSI) Relative target port: 0x1 ' +
      'designator type: Target port group, code set: Binary transport: Internet SCSI (iSCSI) Target port group: 0x2 ' +
      'Target device that contains addressed lu: ' +
      'designator type: SCSI name string, code set: UTF-8 transport: Internet SCSI (iSCSI) SCSI name string: ' +
      'iqn.2003-01.org.example:disk',
  );
});

test('sg_vpd reads our page B0', { skip }, () => {
  const page = writeVpdBlockLimits({
    wsnz: true,
    maximumCompareAndWriteLength: 255,
    optimalTransferLengthGranularity: 8,
    maximumTransferLength: 65_535,
    optimalTransferLength: 1024,
    maximumPrefetchLength: 16,
    maximumUnmapLbaCount: 1_048_576,
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
  });
  says(
    decode('sg_vpd', ['--page=0xb0'], page),
    'Write same non-zero (WSNZ): 1',
    'Maximum compare and write length: 255 blocks',
    'Optimal transfer length granularity: 8 blocks',
    'Maximum transfer length: 65535 blocks',
    'Optimal transfer length: 1024 blocks',
    'Maximum prefetch transfer length: 16 blocks',
    'Maximum unmap LBA count: 1048576',
    'Maximum unmap block descriptor count: 256',
    'Optimal unmap granularity: 32 blocks',
    'Unmap granularity alignment valid: true',
    'Unmap granularity alignment: 3',
    'Maximum write same length: 0x100000000 blocks',
    'Maximum atomic transfer length: 64 blocks',
    'Atomic alignment: 2',
    'Atomic transfer length granularity: 4',
    'Maximum atomic transfer length with atomic boundary: 128 blocks',
    'Maximum atomic boundary size: 5 blocks',
  );
});

test('sg_vpd reads our pages B1 and B2', { skip }, () => {
  const characteristics = writeVpdBlockDeviceCharacteristics({
    mediumRotationRate: 7200,
    productType: 1,
    wabereq: 2,
    wacereq: 1,
    nominalFormFactor: 3,
    zoned: 1,
    rbwz: true,
    fuab: true,
    depopulationTime: 3600,
  });
  says(
    decode('sg_vpd', ['--page=0xb1'], characteristics),
    'Nominal rotation rate: 7200 rpm Product type: CFast WABEREQ=2 WACEREQ=1 Nominal form factor: 2.5 inch ZONED=1',
    'RBWZ=1 BOCS=0 FUAB=1 VBULS=0 DEPOPULATION_TIME=3600',
  );
  const provisioning = writeVpdLogicalBlockProvisioning({
    thresholdExponent: 5,
    lbpu: true,
    lbpws10: true,
    lbprz: 2,
    ancSup: true,
    minimumPercentage: 10,
    provisioningType: 2,
    thresholdPercentage: 20,
  });
  says(
    decode('sg_vpd', ['--page=0xb2'], provisioning),
    '(LBPU): 1',
    '(LBPWS): 0',
    '(LBPWS10): 1',
    '(LBPRZ): 2',
    '(ANC_SUP): 1',
    'Threshold exponent: 5',
    '(DP): 0',
    'Minimum percentage: 10',
    'Provisioning type: 2',
    'Threshold percentage: 20',
  );
});

test('sg_decode_sense reads our sense data in both formats', { skip }, () => {
  const sense = (bytes: Uint8Array) => run('sg_decode_sense', ...pairs(bytes));
  const invalidField = { senseKey: SENSE_KEY.ILLEGAL_REQUEST, ...ASC_ASCQ.INVALID_FIELD_IN_CDB };
  says(
    sense(fixedSense({ ...invalidField, information: 0x1234, fieldPointer: 2, bitPointer: 3 })),
    'Fixed format, current; Sense key: Illegal Request Additional sense: Invalid field in cdb Info fld=0x1234',
    'Error in Command: byte 2 bit 3',
  );
  const formatting = { senseKey: SENSE_KEY.NOT_READY, ...ASC_ASCQ.LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS };
  says(
    sense(fixedSense({ ...formatting, progress: 0.25, deferred: true })),
    'Fixed format, <<<deferred>>>; Sense key: Not Ready Additional sense: Logical unit not ready, format in progress',
    'Progress indication: 25.00%',
  );
  says(
    sense(
      descriptorSense({
        ...invalidField,
        information: 0x1_0000_1234,
        commandSpecific: 7,
        fieldPointer: 2,
        inCdb: false,
        ili: true,
      }),
    ),
    'Descriptor format, current; Sense key: Illegal Request Additional sense: Invalid field in cdb',
    'Information: 0x0000000100001234',
    'Command specific: 0x0000000000000007',
    'Error in Data parameters: byte 2',
    'Block commands: Incorrect Length Indicator (ILI) set',
  );
});

test('sg_decode_sense words the additional sense codes as we do', { skip }, () => {
  const codes = Object.values(ASC_ASCQ).filter((_, index) => index % 10 === 0);
  let compared = 0;
  for (const { asc, ascq, text } of codes) {
    const output = run('sg_decode_sense', ...pairs(fixedSense({ senseKey: SENSE_KEY.MEDIUM_ERROR, asc, ascq })));
    const theirs = /Additional sense: (.*?)(?: >> .*)?$/.exec(output)?.[1];
    if (theirs === undefined || theirs.startsWith('ASC=')) continue; // newer than the program
    assert.equal(theirs.toLowerCase(), additionalSenseText(asc, ascq).toLowerCase());
    assert.equal(theirs.toLowerCase(), text.toLowerCase());
    compared++;
  }
  assert.ok(compared > codes.length * 0.9, `only ${compared} of ${codes.length} codes are known to the program`);
});

test('sg_decode_sense names our CDBs as we do', { skip }, () => {
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const theirs = run('sg_decode_sense', '--cdb', ...pairs(cdb(name, {}))).toLowerCase();
    const ours = THEIR_TITLES[name] ?? commandTitle(name).toLowerCase();
    assert.ok(
      theirs === ours || theirs.startsWith(`${ours}, `) || theirs.startsWith(`${ours} service action=`),
      `${name}: ${theirs}`,
    );
  }
});

/** What service action 0 is called, and a longer name of MMC. */
const THEIR_TITLES: Partial<Record<CommandName, string>> = {
  EXTENDED_COPY: 'extended copy(lid1)',
  RECEIVE_COPY_RESULTS: 'receive copy status(lid1)',
  READ_TOC: 'read toc/pma/atip',
};

test('sg_luns decodes our LUNs to the numbers they were made of', { skip }, () => {
  const decoded = (high: number, low: number) => {
    const digits = high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
    return run('sg_luns', `--test=0x${digits}`);
  };
  for (const [number, method] of [
    [0, 'Peripheral device'],
    [255, 'Peripheral device'],
    [256, 'Flat space'],
    [16_383, 'Flat space'],
    [16_384, 'Extended flat space'],
    [16_777_215, 'Extended flat space'],
  ] as const) {
    const { high, low } = encodeLun(number);
    assert.equal(decoded(high, low), `Decoded LUN: ${method} addressing: lun=${number}`);
  }
  const well = parseLun('0xc101000000000000');
  says(decoded(well.high, well.low), 'REPORT LUNS well known logical unit');
  assert.equal(formatLun(well), '0xc101000000000000');
});

test('sg_get_lba_status reads the GET LBA STATUS data that we write', { skip }, () => {
  const descriptors = [0, 1, 2, 3, 4].map((provisioningStatus) => ({
    logicalBlockAddress: 0x1000 * provisioningStatus,
    numberOfLogicalBlocks: 0x800 + provisioningStatus,
    provisioningStatus,
  }));
  const lines = descriptors.map(({ logicalBlockAddress, numberOfLogicalBlocks, provisioningStatus }) => {
    const address = logicalBlockAddress.toString(16).padStart(16, '0');
    return `0x${address} 0x${numberOfLogicalBlocks.toString(16)} ${provisioningStatus} 0`;
  });
  const told = decode('sg_get_lba_status', ['--brief', '--maxlen=1000'], writeLbaStatus(descriptors));
  assert.ok(told.endsWith(lines.join(' ')), told);
});
