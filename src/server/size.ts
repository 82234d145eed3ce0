import { IscsiError } from '../errors.ts';

const UNITS: Readonly<Record<string, number>> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * A size in bytes: a number of bytes, or a text such as `512`, `64M`, `64MB` or `1GiB`. Units are binary powers, with or without `iB` or `B`.
 * @throws {IscsiError} `ISCSI_USAGE` when it is none, is 0, or is above 2^53 - 1.
 */
export function parseSize(size: number | string): number {
  const bytes = typeof size === 'number' ? size : read(size);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new IscsiError(
    'ISCSI_USAGE',
    `Cannot use ${JSON.stringify(size)} as a size: a whole number of bytes above 0 allowed`,
    {
      hint: 'sizes are written like 4096, 64M or 1GiB',
    },
  );
}

function read(text: string): number {
  const [, digits, unit] = /^([0-9]+)(?:([KMGT])(?:i?B)?)?$/.exec(text) ?? [];
  if (digits === undefined) return Number.NaN;
  return Number(digits) * (unit === undefined ? 1 : (UNITS[unit] ?? Number.NaN));
}
