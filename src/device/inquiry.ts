/**
 * INQUIRY (SPC): what the logical unit is, its names and its limits. Never stopped by a unit attention or a stopped
 * medium.
 */

import { COMMANDS } from '../scsi/commands.ts';
import type { DesignatorInput } from '../scsi/data/designators.ts';
import { writeInquiry } from '../scsi/data/inquiry.ts';
import {
  naaDesignator,
  relativeTargetPortDesignator,
  scsiNameDesignator,
  t10VendorDesignator,
} from '../scsi/data/make-designators.ts';
import { writeVpdBlockDeviceCharacteristics } from '../scsi/data/vpd-block-device-characteristics.ts';
import { writeVpdBlockLimits } from '../scsi/data/vpd-block-limits.ts';
import { writeVpdDeviceIdentification } from '../scsi/data/vpd-device-identification.ts';
import { writeVpdLogicalBlockProvisioning } from '../scsi/data/vpd-logical-block-provisioning.ts';
import { writeVpdSupportedPages } from '../scsi/data/vpd-supported-pages.ts';
import { writeVpdUnitSerialNumber } from '../scsi/data/vpd-unit-serial-number.ts';
import { readFields } from '../scsi/fields.ts';
import type { SenseFields } from '../scsi/sense-write.ts';
import { fixedSense } from '../scsi/sense-write.ts';
import { ASC_ASCQ } from '../spec/asc-ascq.ts';
import { ASSOCIATION } from '../spec/scsi-designators.ts';
import { DEVICE_TYPE, PERIPHERAL_QUALIFIER } from '../spec/scsi-device-types.ts';
import { PROTOCOL_IDENTIFIER } from '../spec/scsi-protocol-identifiers.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { VERSION_DESCRIPTOR } from '../spec/scsi-version-descriptors.ts';
import { SCSI_VERSION } from '../spec/scsi-versions.ts';
import { VPD_PAGE } from '../spec/vpd-page-codes.ts';
import type { Declaration, Surroundings } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

type Page = (unit: DeviceLogicalUnit, surroundings: Surroundings) => Uint8Array;

const PAGE_CODE_BYTE = 2;
// One target port with number 1: the sessions of a target all come in through it.
const RELATIVE_TARGET_PORT = 1;
const NON_ROTATING = 1;
const THIN_PROVISIONED = 2;
// VPD pages of a logical unit number that has no logical unit behind it.
const ABSENT = {
  peripheralQualifier: PERIPHERAL_QUALIFIER.NOT_SUPPORTED,
  peripheralDeviceType: DEVICE_TYPE.UNKNOWN,
} as const;

const PAGES: ReadonlyMap<number, Page> = new Map<number, Page>([
  [VPD_PAGE.SUPPORTED_VPD_PAGES, () => writeVpdSupportedPages({ pageCodes: [...PAGES.keys()] })],
  [VPD_PAGE.UNIT_SERIAL_NUMBER, (unit) => writeVpdUnitSerialNumber({ serialNumber: unit.names.serial })],
  [VPD_PAGE.DEVICE_IDENTIFICATION, deviceIdentification],
  [VPD_PAGE.BLOCK_LIMITS, blockLimits],
  [
    VPD_PAGE.BLOCK_DEVICE_CHARACTERISTICS,
    () => writeVpdBlockDeviceCharacteristics({ mediumRotationRate: NON_ROTATING }),
  ],
  [VPD_PAGE.LOGICAL_BLOCK_PROVISIONING, provisioning],
]);

function inquiry(unit: DeviceLogicalUnit, task: DeviceTask, surroundings: Surroundings): void {
  answer(
    task,
    () => standardData(unit),
    (pageCode) => PAGES.get(pageCode)?.(unit, surroundings),
    (fields) => unit.sense(fields),
  );
}

/** INQUIRY to a number that no logical unit has: qualifier 3 and type 1F, with status GOOD (SPC, "INQUIRY command"). */
export function inquiryOfAbsentUnit(task: DeviceTask): void {
  const onlyPage = writeVpdSupportedPages({ ...ABSENT, pageCodes: [VPD_PAGE.SUPPORTED_VPD_PAGES] });
  const page = (pageCode: number) => (pageCode === VPD_PAGE.SUPPORTED_VPD_PAGES ? onlyPage : undefined);
  answer(task, () => writeInquiry({ ...ABSENT, version: SCSI_VERSION.SPC_4, hisup: true }), page, fixedSense);
}

function answer(
  task: DeviceTask,
  standard: () => Uint8Array,
  page: (pageCode: number) => Uint8Array | undefined,
  sense: (fields: SenseFields) => Uint8Array,
): void {
  const { evpd, pageCode, allocationLength } = readFields(COMMANDS.INQUIRY.fields, task.cdb, 0, task.cdbLength);
  const bytes = evpd ? page(pageCode) : pageCode === 0 ? standard() : undefined;
  if (bytes) dataInUpTo(task, bytes, allocationLength);
  else {
    const { asc, ascq } = ASC_ASCQ.INVALID_FIELD_IN_CDB;
    task.checkCondition(sense({ senseKey: SENSE_KEY.ILLEGAL_REQUEST, asc, ascq, fieldPointer: PAGE_CODE_BYTE }));
  }
}

function standardData({ names }: DeviceLogicalUnit): Uint8Array {
  return writeInquiry({
    peripheralDeviceType: DEVICE_TYPE.DIRECT_ACCESS,
    version: SCSI_VERSION.SPC_4,
    hisup: true,
    cmdque: true,
    vendorIdentification: names.vendor,
    productIdentification: names.product,
    productRevisionLevel: names.revision,
    versionDescriptors: [
      VERSION_DESCRIPTOR.SAM_5,
      VERSION_DESCRIPTOR.SPC_4,
      VERSION_DESCRIPTOR.SBC_3,
      VERSION_DESCRIPTOR.ISCSI,
    ],
  });
}

function deviceIdentification({ names }: DeviceLogicalUnit, { deviceName }: Surroundings): Uint8Array {
  const protocolIdentifier = PROTOCOL_IDENTIFIER.ISCSI;
  const designators: DesignatorInput[] = [
    naaDesignator(names.naa),
    t10VendorDesignator(names.vendor, names.serial),
    relativeTargetPortDesignator(RELATIVE_TARGET_PORT, protocolIdentifier),
  ];
  if (deviceName !== undefined) {
    const port = { association: ASSOCIATION.TARGET_PORT, protocolIdentifier };
    const device = { association: ASSOCIATION.TARGET_DEVICE, protocolIdentifier };
    designators.push(scsiNameDesignator(`${deviceName},t,0x0001`, port), scsiNameDesignator(deviceName, device));
  }
  return writeVpdDeviceIdentification({ designators });
}

function blockLimits({ limits, store, physicalExponent, blockSize }: DeviceLogicalUnit): Uint8Array {
  const granularity = store.thin ? (store.discardGranularity ?? 0) / blockSize : 0;
  return writeVpdBlockLimits({
    wsnz: true, // WRITE SAME of 0 blocks is refused: it would mean "to the end"
    optimalTransferLengthGranularity: physicalExponent > 0 ? 2 ** physicalExponent : 0,
    maximumTransferLength: limits.transfer,
    maximumUnmapLbaCount: store.thin ? limits.unmapBlocks : 0,
    maximumUnmapBlockDescriptorCount: store.thin ? limits.unmapDescriptors : 0,
    optimalUnmapGranularity: granularity,
    ugavalid: granularity > 0, // from block 0 on
    maximumWriteSameLength: limits.writeSame,
  });
}

function provisioning({ store }: DeviceLogicalUnit): Uint8Array {
  if (!store.thin) return writeVpdLogicalBlockProvisioning({});
  return writeVpdLogicalBlockProvisioning({
    lbpu: true,
    lbpws: true,
    lbpws10: true,
    lbprz: 1, // unmapped blocks read as zeros
    provisioningType: THIN_PROVISIONED,
  });
}

/** INQUIRY. */
export const INQUIRY_COMMANDS: readonly Declaration[] = [
  declare({
    name: 'INQUIRY',
    accepts: ['evpd', 'pageCode', 'allocationLength'],
    run: inquiry,
    passesAttention: true,
    passesReservation: () => true,
  }),
];
