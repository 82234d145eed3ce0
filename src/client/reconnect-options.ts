import type { RecoveryLimits } from '../recovery/limits.ts';
import type { OnLoss } from '../scsi/scsi-task.ts';
import {
  checkOptions,
  MILLISECONDS,
  type OptionRule,
  type OptionRules,
  oneOf,
  wholeNumber,
} from '../unit/option-rules.ts';

/** What is done when the session is lost, not by `close()`. Times in milliseconds. */
export interface ReconnectOptions {
  /**
   * What becomes of commands that say nothing themselves (`onLoss`): `fail` at once; `wait`, and be sent when they were
   * not sent yet; or besides that `retry` when they were, where that is safe. Default `retry`.
   */
  readonly commands?: OnLoss;
  /** Attempts in a row until the session is given up. Default: no limit. */
  readonly maxAttempts?: number;
  /** From the loss until no further attempt is begun. Default 120,000. */
  readonly maxTime?: number;
  /** The pause before the second attempt, which doubles with each that fails. Default 200. */
  readonly firstDelay?: number;
  /** The longest pause. Default 10,000. */
  readonly maxDelay?: number;
}

const RULES: OptionRules<ReconnectOptions> = {
  commands: oneOf('fail', 'wait', 'retry'),
  maxAttempts: wholeNumber(1),
  maxTime: MILLISECONDS,
  firstDelay: MILLISECONDS,
  maxDelay: MILLISECONDS,
};

/** The rule of the option `reconnect`; its members are looked at by `recoveryPlan`. */
export const RECONNECT: OptionRule = {
  allowed: 'fail, wait, retry or an object',
  is: (value) => ['fail', 'wait', 'retry'].includes(String(value)) || (typeof value === 'object' && value !== null),
};

/** How a session comes back. */
export interface RecoveryPlan {
  readonly usual: OnLoss;
  readonly limits: RecoveryLimits;
}

/**
 * The option `reconnect` as the session uses it; undefined when it ends with its connection.
 * @throws {IscsiError} `ISCSI_USAGE`
 */
export function recoveryPlan(reconnect: OnLoss | ReconnectOptions | undefined): RecoveryPlan | undefined {
  if (reconnect === undefined || reconnect === 'fail') return undefined;
  const given: ReconnectOptions = typeof reconnect === 'string' ? { commands: reconnect } : reconnect;
  checkOptions(given, RULES, 'reconnect');
  return {
    usual: given.commands ?? 'retry',
    limits: {
      maxAttempts: given.maxAttempts ?? Number.POSITIVE_INFINITY,
      maxTime: given.maxTime ?? 120_000,
      firstDelay: given.firstDelay ?? 200,
      maxDelay: given.maxDelay ?? 10_000,
    },
  };
}
