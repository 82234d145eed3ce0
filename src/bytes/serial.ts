/**
 * Serial-number arithmetic on unsigned 32-bit values (RFC 1982, used by RFC 7143 §4.2.2.1 for CmdSN, StatSN, DataSN).
 * All results are 0..2^32-1. Sequence numbers are compared with these functions only.
 */

/** True when `a` comes before `b`. */
export function serialLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** True when `a` comes before `b` or equals it. */
export function serialLessOrEqual(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0;
}

/** `a + n`, wrapped to 32 bits. `n` may be negative. */
export function serialAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** How far `a` is ahead of `b`, as a signed number. */
export function serialDistance(a: number, b: number): number {
  return (a - b) | 0;
}
