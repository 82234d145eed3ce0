/** What `iscsi-doctor` finds out about one logical unit: who it is, how large, what it can. */
import type { IscsiLogicalUnit } from '../client/session.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { DEVICE_TYPE } from '../spec/scsi-device-types.ts';
import { nameOf } from '../spec/scsi-names.ts';
import type { CommandOptions } from '../unit/options.ts';
import { hasWriteCache } from '../unit/write-cache.ts';
import type { Finding, StepOutcome } from './doctor-report.ts';
import { formatSize } from './size.ts';

const USUAL_BLOCK = 512;
const SMALL_TRANSFER = 256 * 1024;

/** Vendor, product, names. */
export function identity(lun: IscsiLogicalUnit): StepOutcome {
  const { vendorIdentification, productIdentification, productRevisionLevel } = lun.inquiryData;
  const { serialNumber, names = [] } = lun.probed.identity ?? {};
  const type = nameOf(DEVICE_TYPE, lun.deviceType)?.replaceAll('_', ' ').toLowerCase() ?? `type ${lun.deviceType}`;
  const called = [vendorIdentification, productIdentification, productRevisionLevel].map((text) => text.trim());
  const findings: Finding[] = [];
  if (lun.isBlockDevice && serialNumber === undefined && names.length === 0) {
    findings.push({
      text: 'it tells neither a serial number nor a name',
      advice: 'nobody can tell it from another after a reconnect; give it a serial number at the target',
    });
  }
  const text = [
    `${called.filter((word) => word !== '').join(' ')}, ${type}`,
    ...(serialNumber === undefined ? [] : [`serial number ${serialNumber}`]),
    ...names.slice(0, 1),
  ].join(', ');
  return { text, facts: { called, type, serialNumber: serialNumber ?? null, names }, findings, value: undefined };
}

/** How large it is, in which blocks, and what of it is there. */
export function capacity(lun: IscsiLogicalUnit): StepOutcome {
  const { capacity: told, blockSize, blocks, size } = lun;
  const findings: Finding[] = [];
  if (told === undefined) {
    return { text: 'it has no blocks, or no medium', facts: { size: null }, findings, value: undefined };
  }
  const thin = told.details?.lbpme === true;
  if (blockSize !== USUAL_BLOCK) {
    findings.push({
      text: `blocks of ${blockSize} bytes, not ${USUAL_BLOCK}`,
      advice: 'old boot loaders and partition tools expect 512; partitions copied from a disk of 512 do not fit',
    });
  }
  if (told.physicalBlockSize > blockSize && (told.details?.lowestAlignedLogicalBlockAddress ?? 0) !== 0) {
    findings.push({
      text: `physical blocks begin at logical block ${told.details?.lowestAlignedLogicalBlockAddress}`,
      advice: 'partitions should begin there, or writes are read, changed and written back inside of the device',
    });
  }
  if (told.details?.protEn) {
    findings.push({
      text: 'it is formatted with protection information',
      advice: 'few initiators use it; format it without if nobody does',
    });
  }
  const text = `${formatSize(size)}: ${blocks} blocks of ${blockSize} bytes${thin ? ', thinly provisioned' : ''}`;
  const { physicalBlockSize } = told;
  return { text, facts: { size, blocks, blockSize, physicalBlockSize, thin }, findings, value: undefined };
}

/** What it can take: transfer lengths, cache, trimming, writing at all. */
export async function limits(lun: IscsiLogicalUnit, options: CommandOptions): Promise<StepOutcome> {
  const { blockLimits, provisioning } = lun.probed;
  const most = lun.maxTransferBlocks * lun.blockSize;
  const canTrim = provisioning !== undefined && (provisioning.lbpu || provisioning.lbpws || provisioning.lbpws10);
  const cache = await unlessRefused(hasWriteCache(lun.port, options));
  const findings: Finding[] = [];
  if (blockLimits !== undefined && most < SMALL_TRANSFER) {
    findings.push({
      text: `one command moves ${formatSize(most)} at the most`,
      advice: 'long transfers take many commands; raise the limit at the target if it has one',
    });
  }
  if (cache) findings.push(...(await cacheFindings(lun, options)));
  if (lun.capacity?.details?.lbpme === true && !canTrim) {
    findings.push({
      text: 'it is thin, and takes no UNMAP and no WRITE SAME with unmap',
      advice: 'room once used never comes back; turn unmapping on at the target',
    });
  }
  const text = [
    `${formatSize(most)} in one command`,
    `write cache ${cache === undefined ? 'unknown' : cache ? 'on' : 'off'}`,
    canTrim ? 'can be trimmed' : 'cannot be trimmed',
  ].join(', ');
  return { text, facts: { maxTransferLength: most, writeCache: cache ?? null, canTrim }, findings, value: undefined };
}

/** A cache that cannot be emptied loses what was written when the power goes. */
async function cacheFindings(lun: IscsiLogicalUnit, options: CommandOptions): Promise<Finding[]> {
  const empties = await unlessRefused(lun.flush(options).then(() => true));
  if (empties) return [];
  return [
    {
      text: 'writes are kept in a volatile cache, and it takes no SYNCHRONIZE CACHE',
      advice: 'what was written is lost when the power goes; turn the write cache off at the target',
    },
  ];
}

/** Undefined where the device refuses the question. */
async function unlessRefused<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof ScsiStatusError) return undefined;
    throw error;
  }
}
