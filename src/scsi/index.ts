/** The public list of `tsiscsi/scsi`: the SCSI language without a transport. */
export type { AdditionalSense, AdditionalSenseName } from '../spec/asc-ascq.ts';
export { ASC_ASCQ, ASC_ASCQ_RANGES } from '../spec/asc-ascq.ts';
export { ASSOCIATION, CODE_SET, DESIGNATOR_TYPE, NAA } from '../spec/scsi-designators.ts';
export type { DeviceTypeName } from '../spec/scsi-device-types.ts';
export { DEVICE_TYPE, PERIPHERAL_QUALIFIER } from '../spec/scsi-device-types.ts';
export { MODE_PAGE, PAGE_CONTROL } from '../spec/scsi-mode-pages.ts';
export { nameOf } from '../spec/scsi-names.ts';
export type { ProtocolIdentifierName } from '../spec/scsi-protocol-identifiers.ts';
export { PROTOCOL_IDENTIFIER } from '../spec/scsi-protocol-identifiers.ts';
export { PROVISIONING_STATUS } from '../spec/scsi-provisioning-status.ts';
export type { SenseKeyName } from '../spec/scsi-sense-keys.ts';
export { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
export type { ScsiStatusName } from '../spec/scsi-status.ts';
export { SCSI_STATUS } from '../spec/scsi-status.ts';
export { VERSION_DESCRIPTOR, VERSION_DESCRIPTOR_TEXT } from '../spec/scsi-version-descriptors.ts';
export type { ScsiVersionName } from '../spec/scsi-versions.ts';
export { SCSI_VERSION } from '../spec/scsi-versions.ts';
export type { VpdPageCodeName } from '../spec/vpd-page-codes.ts';
export { VPD_PAGE } from '../spec/vpd-page-codes.ts';
export { additionalSenseName, additionalSenseText, senseKeyText } from './additional-sense.ts';
export type { ParsedCdb } from './cdb.ts';
export { cdb, cdbLength, commandName, commandTitle, parseCdb } from './cdb.ts';
export type { CommandRow } from './command-row.ts';
export type { CdbInput, CdbValues, CommandFields, CommandName, ControlField } from './commands.ts';
export { COMMANDS } from './commands.ts';
export type { Designator, DesignatorHeader, DesignatorInput } from './data/designators.ts';
export type { Inquiry, InquiryFields, InquiryInput } from './data/inquiry.ts';
export { readInquiry, writeInquiry } from './data/inquiry.ts';
export type { LbaStatus, LbaStatusDescriptor } from './data/lba-status.ts';
export { readLbaStatus, writeLbaStatus } from './data/lba-status.ts';
export type { DesignatorOwner } from './data/make-designators.ts';
export {
  eui64Designator,
  naaDesignator,
  relativeTargetPortDesignator,
  scsiNameDesignator,
  t10VendorDesignator,
  targetPortGroupDesignator,
} from './data/make-designators.ts';
export type { ModePage, ModePageInput, ModePageReceived } from './data/mode-page.ts';
export type { ModePageCaching, ModePageCachingInput } from './data/mode-page-caching.ts';
export { readModePageCaching, writeModePageCaching } from './data/mode-page-caching.ts';
export type { ModePageControl, ModePageControlInput } from './data/mode-page-control.ts';
export { readModePageControl, writeModePageControl } from './data/mode-page-control.ts';
export type {
  ModePageInformationalExceptions,
  ModePageInformationalExceptionsInput,
} from './data/mode-page-informational-exceptions.ts';
export {
  readModePageInformationalExceptions,
  writeModePageInformationalExceptions,
} from './data/mode-page-informational-exceptions.ts';
export type {
  ModePageReadWriteErrorRecovery,
  ModePageReadWriteErrorRecoveryInput,
} from './data/mode-page-read-write-error-recovery.ts';
export {
  readModePageReadWriteErrorRecovery,
  writeModePageReadWriteErrorRecovery,
} from './data/mode-page-read-write-error-recovery.ts';
export type {
  ModeBlockDescriptor,
  ModeHeader,
  ModeParameters,
  ModeParametersInput,
  ModeUse,
} from './data/mode-parameters.ts';
export {
  readModeParameters6,
  readModeParameters10,
  writeModeParameters6,
  writeModeParameters10,
} from './data/mode-parameters.ts';
export type { Received } from './data/parameter-data.ts';
export type { Capacity10, Capacity16, ExactCapacity16 } from './data/read-capacity.ts';
export {
  readCapacity10,
  readCapacity16,
  readExactCapacity16,
  writeCapacity10,
  writeCapacity16,
} from './data/read-capacity.ts';
export type { ReportedLuns } from './data/report-luns.ts';
export { readReportLuns, writeReportLuns } from './data/report-luns.ts';
export type { UnmapList, UnmapRange } from './data/unmap-list.ts';
export { readUnmapList, UNMAP_RANGE_LIMIT, writeUnmapList } from './data/unmap-list.ts';
export type {
  VpdBlockDeviceCharacteristics,
  VpdBlockDeviceCharacteristicsInput,
} from './data/vpd-block-device-characteristics.ts';
export {
  readVpdBlockDeviceCharacteristics,
  writeVpdBlockDeviceCharacteristics,
} from './data/vpd-block-device-characteristics.ts';
export type { VpdBlockLimits, VpdBlockLimitsInput } from './data/vpd-block-limits.ts';
export { readVpdBlockLimits, writeVpdBlockLimits } from './data/vpd-block-limits.ts';
export type { VpdDeviceIdentification, VpdDeviceIdentificationInput } from './data/vpd-device-identification.ts';
export { readVpdDeviceIdentification, writeVpdDeviceIdentification } from './data/vpd-device-identification.ts';
export type {
  VpdLogicalBlockProvisioning,
  VpdLogicalBlockProvisioningInput,
} from './data/vpd-logical-block-provisioning.ts';
export {
  readVpdLogicalBlockProvisioning,
  writeVpdLogicalBlockProvisioning,
} from './data/vpd-logical-block-provisioning.ts';
export type { VpdDevice, VpdDeviceInput, VpdReceived } from './data/vpd-page.ts';
export type { NamedVpdPage, VpdPage, VpdPageName, VpdPageReader } from './data/vpd-pages.ts';
export { readVpdPage, readVpdPageAs, vpdPageCode, vpdPages } from './data/vpd-pages.ts';
export type { VpdSupportedPages, VpdSupportedPagesInput } from './data/vpd-supported-pages.ts';
export { readVpdSupportedPages, writeVpdSupportedPages } from './data/vpd-supported-pages.ts';
export type { VpdUnitSerialNumber, VpdUnitSerialNumberInput } from './data/vpd-unit-serial-number.ts';
export { readVpdUnitSerialNumber, writeVpdUnitSerialNumber } from './data/vpd-unit-serial-number.ts';
export {
  extentAddress,
  extentBlocks,
  extentFua,
  extentProtect,
  isRead,
  isWrite,
  writeReadCdb,
  writeWriteCdb,
} from './fast.ts';
export type { Field, FieldInput, FieldTable, FieldValues, Flag } from './fields.ts';
export type { DecodedLun, Lun } from './lun.ts';
export { decodeLun, encodeLun, formatLun, parseLun, sameLun } from './lun.ts';
export type { Clock, ScsiPort } from './port.ts';
export type { AbortSignalLike, Residual, ScsiRequest, ScsiResult, TaskAttribute } from './request.ts';
export { NO_RESIDUAL } from './request.ts';
export type { ResidualKind } from './scsi-task.ts';
export { ScsiTask, TASK_ATTRIBUTES } from './scsi-task.ts';
export type { Sense } from './sense.ts';
export { describeSense, isBecomingReady, isMediumNotPresent, isUnitAttention, parseSense } from './sense.ts';
export type { RawDescriptor, SenseDescriptor } from './sense-descriptors.ts';
export { readSenseDescriptors } from './sense-descriptors.ts';
export type { SenseFields } from './sense-write.ts';
export { descriptorSense, fixedSense } from './sense-write.ts';
export { type CommandPlace, ScsiStatusError, type StatusErrorOptions, scsiStatusError } from './status-error.ts';
