import type { Eventually } from './eventually.ts';

/**
 * Shares the time of the process between those who want to work through many bytes, and everybody else. The device
 * server has no timers of its own, so whoever makes a logical unit passes one in.
 */
export interface Pace {
  /**
   * Asks for the time that work on some `bytes` bytes takes.
   * @returns Undefined when it may be done now, otherwise a promise that settles when its turn has come.
   */
  turn(bytes: number): Eventually;
}

/** Nobody else wants anything: all is done at once. */
export const UNHURRIED: Pace = { turn: () => undefined };

/** How many bytes are worked through between two turns: some 50 µs. */
export const SLICE = 256 * 1024;
