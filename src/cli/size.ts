/** Byte counts as people write and read them. */

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'] as const;

/** `bytes` with three significant digits and a binary unit: `512 B`, `1.5 KiB`, `100 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.95 would be shown as "1024": the next unit takes over where rounding would reach it.
  while (unit < UNITS.length - 1 && value >= 1023.5) {
    value /= 1024;
    unit++;
  }
  if (unit === 0) return `${bytes} B`;
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}iB`;
}

const LS_UNITS = [' ', 'k', 'M', 'G', 'T'] as const;

/** `bytes` as `iscsi-ls` prints them: whole units of 1024, rounded down, at most `T`; bytes themselves with a blank. */
export function formatLsSize(bytes: bigint): string {
  let value = bytes;
  let unit = 0;
  while (unit < LS_UNITS.length - 1 && value >= 1024n) {
    value /= 1024n;
    unit++;
  }
  return `${value}${LS_UNITS[unit]}`;
}

/**
 * Bytes of a text such as `4096`, `64K`, `1.5G`, `10MiB`. Units are powers of 1024; a `B` or `iB` behind the letter changes nothing.
 * @throws {RangeError} When it is no size, no whole number of bytes, or more than 2^53 - 1.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGTP])(?:iB|B)?|B)?$/i.exec(text.trim());
  const bytes = match
    ? Number(match[1]) * 1024 ** Math.max(0, 'KMGTP'.indexOf((match[2] ?? 'x').toUpperCase()) + 1)
    : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new RangeError(`Cannot read '${text}' as a size: bytes, or a number with K, M, G, T or P behind it`);
  }
  return bytes;
}
