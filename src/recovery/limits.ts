/** How hard it is tried to get a session back that was lost. Times in milliseconds. */
export interface RecoveryLimits {
  /** Attempts in a row. */
  readonly maxAttempts: number;
  /** From the loss until no further attempt is begun. */
  readonly maxTime: number;
  /** The pause before the second attempt; it doubles with each that fails. */
  readonly firstDelay: number;
  /** The longest pause. */
  readonly maxDelay: number;
}

/**
 * The pause after so many failures in a row, of which at least half is kept and the rest left to chance: many
 * initiators that lost one target must not come back in step.
 *
 * @param random 0 up to 1, 1 not included.
 */
export function backOff(failures: number, { firstDelay, maxDelay }: RecoveryLimits, random: number): number {
  if (failures === 0) return 0;
  const whole = Math.min(maxDelay, firstDelay * 2 ** (failures - 1));
  return whole / 2 + (whole / 2) * random;
}
