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
 * What of a call's time is for aborting what was sent before, in milliseconds: no further command is sent then. One
 * that is sent late could hardly be aborted in time, and an abort that is not answered costs the session.
 */
const MOST_GRACE = 2000;

/** Those that were made here: to be recognised. */
const made = new WeakSet<object>();

/**
 * The options of a call that takes several commands: `timeout` is what is left of the call's time, whenever it is read.
 * To be spread into the options of a single command and nowhere else, since what was spread stands still.
 *
 * Reading `timeout` throws `ISCSI_TIMEOUT` when the time is over.
 */
export function callTime<O extends CallLimits>(keeper: TimeKeeper, options: O): O & { readonly timeout: number } {
  if (isCallTime(options)) return options;
  const { clock } = keeper;
  const whole = options.timeout ?? keeper.timeout;
  if (!(whole > 0)) throw timeProblem(whole, 'timeout');
  const end = clock.now() + whole;
  const least = graceOf(whole);
  const call = {
    ...options,
    get timeout(): number {
      const left = end - clock.now();
      if (left >= least) return left;
      throw overdue();
    },
  };
  made.add(call);
  return call;
}

/** What of `whole` milliseconds no further command is sent in. */
export function graceOf(whole: number): number {
  return Math.min(MOST_GRACE, whole / 4);
}

/** Waits for something that others bring about, no longer than a call's time and its signal allow. */
export async function inTime<T>(event: Promise<T>, { signal, timeout }: CallLimits, keeper: TimeKeeper): Promise<T> {
  if (signal?.aborted) throw aborted(signal.reason);
  const whole = timeout ?? keeper.timeout;
  let stopWaiting: () => void = nothing;
  let stopListening: () => void = nothing;
  const limit = new Promise<never>((_, reject) => {
    stopWaiting = keeper.clock.after(whole, () => reject(overdue()));
    stopListening = whenAborted(signal, () => reject(aborted(signal?.reason)));
  });
  try {
    return await Promise.race([event, limit]);
  } finally {
    stopWaiting();
    stopListening();
  }
}

function isCallTime<O extends CallLimits>(options: O): options is O & { readonly timeout: number } {
  return made.has(options);
}

function overdue(): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', 'Cannot go on: the time of the call is over', {
    hint: 'is the target overloaded, or are others in the way? A longer timeout can be set',
  });
}

function nothing(): void {
  // Nothing to stop yet.
}
