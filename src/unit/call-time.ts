import { IscsiError } from '../errors.ts';
import type { Clock } from '../scsi/port.ts';
import type { AbortSignalLike } from '../scsi/request.ts';
import { aborted, whenAborted } from './abort.ts';
import { timeProblem } from './options.ts';

/** What limits a call: see `CommandOptions`. */
export interface CallLimits {
  readonly signal?: AbortSignalLike | undefined;
  readonly timeout?: number | undefined;
}

/** What knows the time and how much of it a call has that names none: a port. */
export interface TimeKeeper {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly timeout: number;
}

/**
 * With less time than this left, in milliseconds, no further command of a call is sent: the device could hardly answer
 * it, and an abort that is not answered in time costs the session.
 */
export const LEAST_TIME = 10;

/**
 * The options of a call that takes several commands, as each of these gets them: `timeout` is what is left of the
 * call's time, whenever it is read or spread. Made of options that were made so before, it tells the same end.
 *
 * Reading `timeout` throws `ISCSI_TIMEOUT` when the time is over.
 */
export function callTime<O extends CallLimits>(keeper: TimeKeeper, options: O): O & { readonly timeout: number } {
  const { clock } = keeper;
  const whole = options.timeout ?? keeper.timeout;
  if (!(whole > 0)) throw timeProblem(whole, 'timeout');
  const end = clock.now() + whole;
  const least = Math.min(LEAST_TIME, whole / 4);
  return {
    ...options,
    get timeout(): number {
      const left = end - clock.now();
      if (left >= least) return left;
      throw overdue(whole);
    },
  };
}

/** Waits for something that others bring about, no longer than a call's time and its signal allow. */
export async function inTime<T>(event: Promise<T>, { signal, timeout }: CallLimits, keeper: TimeKeeper): Promise<T> {
  if (signal?.aborted) throw aborted(signal.reason);
  const whole = timeout ?? keeper.timeout;
  let stopWaiting: () => void = nothing;
  let stopListening: () => void = nothing;
  const limit = new Promise<never>((_, reject) => {
    stopWaiting = keeper.clock.after(whole, () => reject(overdue(whole)));
    stopListening = whenAborted(signal, () => reject(aborted(signal?.reason)));
  });
  try {
    return await Promise.race([event, limit]);
  } finally {
    stopWaiting();
    stopListening();
  }
}

function overdue(whole: number): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', `Cannot go on: the time of the call is over (${Math.round(whole)} ms)`, {
    hint: 'is the target overloaded, or are others in the way? A longer timeout can be set',
  });
}

function nothing(): void {
  // Nothing to stop yet.
}
