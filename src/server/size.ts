import { parseSize } from '../bytes/size.ts';
import { IscsiError } from '../errors.ts';

/**
 * A size in bytes: a number of bytes, or a text such as `512`, `64M`, `64MB`, `1.5G` or `1GiB`. Units are powers of
 * 1024.
 * @throws {IscsiError} `ISCSI_USAGE` when it is none, is 0, or is above 2^53 - 1.
 */
export function sizeInBytes(size: number | string): number {
  const bytes = typeof size === 'number' ? size : read(size);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new IscsiError(
    'ISCSI_USAGE',
    `Cannot use ${JSON.stringify(size)} as a size: a whole number of bytes above 0 allowed`,
    { hint: 'sizes are written like 4096, 64M or 1GiB' },
  );
}

function read(text: string): number {
  try {
    return parseSize(text);
  } catch {
    return Number.NaN;
  }
}
