/** Reverse look-up in the tables of this room. Linear: for messages and decoded output, not for the hot path. */

/**
 * The name that `table` gives to `value`, or undefined.
 *
 * @example
 * nameOf(SCSI_STATUS, 0x18); // 'RESERVATION_CONFLICT'
 */
export function nameOf<T extends Readonly<Record<string, number>>>(
  table: T,
  value: number,
): (keyof T & string) | undefined {
  for (const name in table) if (table[name] === value) return name;
  return undefined;
}
