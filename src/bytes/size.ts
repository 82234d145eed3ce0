/** Byte counts as people write them. */
import { ValueError } from './value-error.ts';

/**
 * Bytes of a text such as `4096`, `64K`, `1.5G`, `10MiB`. Units are powers of 1024; a `B` or `iB` behind the letter
 * changes nothing.
 * @throws {RangeError} When it is no size, no whole number of bytes, or more than 2^53 - 1.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGTP])(?:iB|B)?|B)?$/i.exec(text.trim());
  if (!match)
    throw new ValueError(`Cannot read '${text}' as a size: bytes, or a number with K, M, G, T or P behind it`);
  const [, number, unit = 'x'] = match;
  const bytes = Number(number) * 1024 ** Math.max(0, 'KMGTP'.indexOf(unit.toUpperCase()) + 1);
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw new ValueError(`Cannot use '${text}' as a size: it is too large, less than 8P allowed`);
  }
  if (!Number.isInteger(bytes)) throw new ValueError(`Cannot use '${text}' as a size: it is no whole number of bytes`);
  return bytes;
}
