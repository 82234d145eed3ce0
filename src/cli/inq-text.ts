/** The text output of `iscsi-inq`: line for line, misspellings included, what libiscsi's tool prints. */
import { toHex, viewOf } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import type { Designator } from '../scsi/data/designators.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { Received } from '../scsi/data/parameter-data.ts';
import type { VpdBlockDeviceCharacteristics } from '../scsi/data/vpd-block-device-characteristics.ts';
import type { VpdBlockLimits } from '../scsi/data/vpd-block-limits.ts';
import type { VpdDeviceIdentification } from '../scsi/data/vpd-device-identification.ts';
import type { VpdLogicalBlockProvisioning } from '../scsi/data/vpd-logical-block-provisioning.ts';
import type { VpdSupportedPages } from '../scsi/data/vpd-supported-pages.ts';
import {
  ASSOCIATION_LABELS,
  CODE_SET_LABELS,
  DESIGNATOR_TYPE_LABELS,
  DEVICE_TYPE_LABELS,
  label,
  PROTOCOL_LABELS,
  QUALIFIER_LABELS,
  VERSION_DESCRIPTOR_LABELS,
  VERSION_LABELS,
  VPD_PAGE_LABELS,
} from './labels.ts';

type Lines = readonly string[];

/** Standard INQUIRY data; the fixed-width texts are printed from `bytes`, with their padding. */
export function standardLines(data: Inquiry, bytes: Uint8Array): Lines {
  return [
    ...deviceLines(data),
    `Removable:${bit(data.rmb)}`,
    `Version:${data.version} ${label(VERSION_LABELS, data.version)}`,
    `NormACA:${bit(data.normaca)}`,
    `HiSup:${bit(data.hisup)}`,
    `ReponseDataFormat:${data.responseDataFormat}`,
    `SCCS:${bit(data.sccs)}`,
    `ACC:${bit(data.acc)}`,
    `TPGS:${data.tpgs}`,
    `3PC:${bit(data.thirdPartyCopy)}`,
    `Protect:${bit(data.protect)}`,
    `EncServ:${bit(data.encserv)}`,
    `MultiP:${bit(data.multip)}`,
    `SYNC:${bit(data.sync)}`,
    `CmdQue:${bit(data.cmdque)}`,
    `Vendor:${textOf(bytes, 8, 16)}`,
    `Product:${textOf(bytes, 16, 32)}`,
    `Revision:${textOf(bytes, 32, 36)}`,
    ...data.versionDescriptors.map(
      (code) => `Version Descriptor:${hexDigits(code, 4)} ${label(VERSION_DESCRIPTOR_LABELS, code)}`,
    ),
  ];
}

/** VPD page 00. */
export function supportedPagesLines({ pageCodes }: Pick<VpdSupportedPages, 'pageCodes'>): Lines {
  return pageCodes.map((code) => `Page:0x${hexDigits(code, 2)} ${label(VPD_PAGE_LABELS, code)}`);
}

/** VPD page 80. */
export function serialNumberLines(page: Pick<Received, 'fullLength'>, bytes: Uint8Array): Lines {
  return [`Unit Serial Number:[${textOf(bytes, 4, page.fullLength)}]`];
}

/** VPD page 83. libiscsi's tool numbers the designators from the end of the page. */
export function deviceIdentificationLines(page: VpdDeviceIdentification): Lines {
  const designators = [...page.designators].reverse();
  return [
    ...deviceLines(page),
    `Page Code:(0x83) ${label(VPD_PAGE_LABELS, 0x83)}`,
    ...designators.flatMap((designator, index) => designatorLines(designator, index)),
  ];
}

function designatorLines(designator: Designator, index: number): Lines {
  const { protocolIdentifier: protocol, codeSet, association, designatorType } = designator;
  return [
    `DEVICE DESIGNATOR #${index}`,
    ...(protocol === undefined ? [] : [`Device Protocol Identifier:(${protocol}) ${label(PROTOCOL_LABELS, protocol)}`]),
    `Code Set:(${codeSet}) ${label(CODE_SET_LABELS, codeSet)}`,
    `PIV:${bit(protocol !== undefined)}`,
    `Association:(${association}) ${label(ASSOCIATION_LABELS, association)}`,
    `Designator Type:(${designatorType}) ${label(DESIGNATOR_TYPE_LABELS, designatorType)}`,
    `Designator:[${designatorText(designator)}]`,
  ];
}

const BINARY = 1;

function designatorText({ codeSet, designator }: Designator): string {
  return codeSet === BINARY ? spaced(designator) : textOf(designator, 0, designator.length);
}

/** VPD page B0. */
export function blockLimitsLines(page: VpdBlockLimits, bytes: Uint8Array): Lines {
  // All 64 bits: a device without a limit may say 2^64 - 1.
  const writeSame = bytes.length >= 44 && page.fullLength >= 44 ? viewOf(bytes).getBigUint64(36) : 0n;
  return [
    `wsnz:${bit(page.wsnz)}`,
    `maximum compare and write length:${page.maximumCompareAndWriteLength}`,
    `optimal transfer length granularity:${page.optimalTransferLengthGranularity}`,
    `maximum transfer length:${page.maximumTransferLength}`,
    `optimal transfer length:${page.optimalTransferLength}`,
    `maximum prefetch xdread xdwrite transfer length:${page.maximumPrefetchLength}`,
    `maximum unmap lba count:${page.maximumUnmapLbaCount}`,
    `maximum unmap block descriptor count:${page.maximumUnmapBlockDescriptorCount}`,
    `optimal unmap granularity:${page.optimalUnmapGranularity}`,
    `ugavalid:${bit(page.ugavalid)}`,
    `unmap granularity alignment:${page.unmapGranularityAlignment}`,
    `maximum write same length:${writeSame}`,
  ];
}

/** VPD page B1. Rate 1 is a medium that does not rotate; the line is the same there. */
export function characteristicsLines({
  mediumRotationRate,
}: Pick<VpdBlockDeviceCharacteristics, 'mediumRotationRate'>): Lines {
  return [`Medium Rotation Rate:${mediumRotationRate}RPM`];
}

/** VPD page B2. */
export function provisioningLines(page: VpdLogicalBlockProvisioning): Lines {
  return [
    `Threshold Exponent:${page.thresholdExponent}`,
    `lbpu:${bit(page.lbpu)}`,
    `lbpws:${bit(page.lbpws)}`,
    `lbpws10:${bit(page.lbpws10)}`,
    // Three bits since SBC-4; the tool that set the form knows the last one.
    `lbprz:${page.lbprz & 1}`,
    `anc_sup:${bit(page.ancSup)}`,
    `dp:${bit(page.dp)}`,
    `provisioning type:${page.provisioningType}`,
  ];
}

/** A page that is shown as it came: sixteen bytes a line, behind their offset. */
export function dumpLines(page: Uint8Array, name: string | undefined): Lines {
  const lines = [`Page Code:(0x${hexDigits(page[1] ?? 0, 2)}) ${name ?? 'unknown'}`];
  for (let at = 0; at < page.length; at += 16) {
    const row = page.subarray(at, at + 16);
    const text = Array.from(row, (code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.')).join('');
    lines.push(`${hexDigits(at, 4)} ${spaced(row).padEnd(48)}  ${text}`);
  }
  return lines;
}

function deviceLines(device: { readonly peripheralQualifier: number; readonly peripheralDeviceType: number }): Lines {
  const { peripheralQualifier, peripheralDeviceType } = device;
  return [
    `Peripheral Qualifier:${label(QUALIFIER_LABELS, peripheralQualifier)}`,
    `Peripheral Device Type:${label(DEVICE_TYPE_LABELS, peripheralDeviceType)}`,
  ];
}

/** ` 60 00 0e`: a blank in front of each byte. */
function spaced(bytes: Uint8Array): string {
  return toHex(bytes).replace(/../g, ' $&');
}

/** The text in `bytes[from, to)`, up to the first NUL. Control characters of a target must not reach a terminal. */
function textOf(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, bytes.length);
  const nul = bytes.subarray(from, end).indexOf(0);
  return fromUtf8(bytes, Math.min(from, end), nul < 0 ? end : from + nul).replace(/\p{Cc}/gu, '.');
}

function hexDigits(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}

function bit(value: boolean | number): number {
  return Number(value);
}
