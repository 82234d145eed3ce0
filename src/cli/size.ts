/** Byte counts as people read them. */

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
