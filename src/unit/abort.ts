import { IscsiError } from '../errors.ts';
import type { AbortSignalLike } from '../scsi/request.ts';

/** Everyone who waits for one signal, and the listener that serves them all. */
interface Waiting {
  readonly acts: Set<() => void>;
  readonly listener: () => void;
}

const waitingFor = new WeakMap<AbortSignalLike, Waiting>();

/** The error of a call that was aborted by its signal; the signal's reason is its cause. */
export function aborted(reason: unknown, what = 'command'): IscsiError {
  return new IscsiError('ISCSI_ABORTED', `The ${what} was aborted by its signal`, { cause: reason });
}

/**
 * Calls `act` once when `signal` aborts; it must not throw. A signal that was aborted before, or none, calls nothing.
 *
 * One signal may stand behind hundreds of commands at once. They share one listener: Node warns of a leak from the
 * eleventh on.
 * @returns Stops listening. To be called when the matter is settled.
 */
export function whenAborted(signal: AbortSignalLike | undefined, act: () => void): () => void {
  if (signal === undefined) return nothing;
  const { acts, listener } = waitingFor.get(signal) ?? listen(signal);
  acts.add(act);
  return () => {
    if (!acts.delete(act) || acts.size > 0) return;
    signal.removeEventListener('abort', listener);
    waitingFor.delete(signal);
  };
}

function listen(signal: AbortSignalLike): Waiting {
  const acts = new Set<() => void>();
  const listener = (): void => {
    waitingFor.delete(signal);
    for (const act of acts) act();
    acts.clear();
  };
  const waiting = { acts, listener };
  waitingFor.set(signal, waiting);
  signal.addEventListener('abort', listener, { once: true });
  return waiting;
}

function nothing(): void {
  // There is no signal.
}
