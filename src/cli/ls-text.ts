/** The text output of `iscsi-ls`. */
import { DEVICE_TYPE_LABELS, label } from './labels.ts';
import { formatLsSize } from './size.ts';

/** What a line about a logical unit shows. */
export interface UnitFacts {
  /** The LUN as text: its number, or `0x` and 16 hex digits. */
  readonly lun: string;
  /** Undefined when not even INQUIRY was answered. */
  readonly deviceType: number | undefined;
  /** Bytes, for disks. */
  readonly size: bigint | undefined;
  readonly mediumPresent: boolean;
  /** Whether something that should be known is not. */
  readonly failed: boolean;
}

/** `Lun:1    Type:DIRECT_ACCESS (Size:100M)` */
export function unitLine({ lun, deviceType, size, mediumPresent, failed }: UnitFacts): string {
  const type = deviceType === undefined ? 'unknown' : label(DEVICE_TYPE_LABELS, deviceType);
  const details = [
    size === undefined ? '' : ` (Size:${formatLsSize(size)})`,
    mediumPresent ? '' : ' (No media loaded)',
    failed ? ' (Failed)' : '',
  ];
  return `Lun:${lun.padEnd(4)} Type:${type}${details.join('')}`;
}

/** `Target:iqn… Portal:127.0.0.1:3260,1` */
export function targetLine(name: string, portal: string): string {
  return `Target:${name} Portal:${portal}`;
}

/** A target as URL of its first logical unit, as `-U` shows it. */
export function targetUrl(name: string, portal: string): string {
  return `iscsi://${portal.replace(/,\d+$/, '')}/${name}/0`;
}
