/** Whether source and destination of a copy are one: by what they are, not by how they are called. */
import { fstatSync, statSync } from 'node:fs';
import type { IscsiUrl } from '../client/url.ts';
import { formatLun } from '../scsi/lun.ts';
import type { LogicalUnit } from '../unit/logical-unit.ts';
import type { Endpoint } from './endpoint.ts';
import type { ToolError } from './exit.ts';
import { usageError } from './exit.ts';

/**
 * What tells one file from another whatever paths lead to it: device and inode; of a block device its number. Undefined
 * for what does not exist, and for terminals and the like, which may well be both ends of a copy.
 *
 * @param file A path, or a file descriptor.
 */
export function fileIdentity(file: string | number): string | undefined {
  try {
    const stats = typeof file === 'number' ? fstatSync(file, { bigint: true }) : statSync(file, { bigint: true });
    if (stats.isCharacterDevice() || stats.isDirectory()) return undefined;
    return stats.isBlockDevice() ? `device ${stats.rdev}` : `${stats.dev}:${stats.ino}`;
  } catch {
    return undefined; // whoever opens it says why
  }
}

/** The file behind an endpoint: see {@link fileIdentity}. */
export function endpointIdentity(endpoint: Endpoint): string | undefined {
  switch (endpoint.kind) {
    case 'file':
      return fileIdentity(endpoint.path);
    case 'stdin':
      return fileIdentity(0);
    case 'stdout':
      return fileIdentity(1);
    case 'lun':
      return undefined;
  }
}

/** A copy onto itself: at best it does nothing, at worst it reads what it has just written. */
export function samePlaceError(why = ''): ToolError {
  return usageError(`source and destination are the same${why}`, 'copy by way of a file');
}

/** An opened logical unit and the URL that led to it. */
export interface OpenUnit {
  readonly url: IscsiUrl;
  readonly lun: Pick<LogicalUnit, 'blocks' | 'blockSize' | 'probed'>;
}

/**
 * Why two logical units seem to be one: they name themselves alike (VPD pages 83h and 80h), or, where they tell no
 * name, target name and LUN are equal. Undefined when they are two. Names that a vendor makes up by rules of its own
 * tell nothing.
 */
export function sameUnit(a: OpenUnit, b: OpenUnit): string | undefined {
  if (a.lun.blocks !== b.lun.blocks || a.lun.blockSize !== b.lun.blockSize) return undefined;
  const [first, second] = [a.lun.probed.identity, b.lun.probed.identity];
  const [namesOfA, namesOfB] = [worldWide(first?.names), worldWide(second?.names)];
  if (namesOfA.length > 0 && namesOfB.length > 0) {
    const shared = namesOfA.find((name) => namesOfB.includes(name));
    return shared === undefined ? undefined : `both call themselves ${shared}`;
  }
  if (first?.serialNumber !== undefined && second?.serialNumber !== undefined) {
    const equal = first.serialNumber === second.serialNumber && vendorOf(a) === vendorOf(b);
    return equal ? `both have the serial number ${first.serialNumber}` : undefined;
  }
  const equal = a.url.targetName === b.url.targetName && lunOf(a) === lunOf(b);
  return equal ? 'target name and LUN are equal' : undefined;
}

/** Names that no two logical units have: NAA, EUI-64, T10 vendor, UUID, SCSI name. */
function worldWide(names: readonly string[] | undefined): readonly string[] {
  return (names ?? []).filter((name) => /^(naa|eui|t10|uuid|iqn)\./.test(name));
}

function vendorOf({ lun: { probed } }: OpenUnit): string {
  const { vendorIdentification, productIdentification } = probed.inquiryData;
  return `${vendorIdentification} ${productIdentification}`;
}

function lunOf({ url: { lun } }: OpenUnit): string | undefined {
  return lun && formatLun(lun);
}
