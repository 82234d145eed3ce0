import type { IscsiError } from '../errors.ts';
import type { SessionCounters } from './counters.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { SessionObserver } from './session-observer.ts';

/** Where a session is in its life. */
export type SessionPhase = 'login' | 'fullFeature' | 'closing' | 'closed';

/** What a session tells whoever runs it. */
export interface SessionHost {
  /** Counts what the session does. Default: it has counters of its own. */
  readonly counters?: SessionCounters;
  /** Watches what the session does. Default: nobody. */
  readonly observer?: SessionObserver;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** There may be something to send, or an earlier deadline, or a changed state. Called often; must be cheap. */
  wake(): void;
  /** The login has ended well. */
  loggedIn(): void;
  /**
   * The session is over; each waiting task has been settled. `error` is why, also when the target asked for a logout; a
   * plain `close()` gives none. Called exactly once.
   */
  closed(error: IscsiError | undefined): void;
  /**
   * The session ends, or takes its leave because the target asked for it, and this command has no outcome. True: the
   * host settles it, some time; `error` is what it would have settled with, and says whether it was sent.
   */
  takeOver?(task: InitiatorTask, error: IscsiError): boolean;
  /** The target said something nobody asked for (RFC 7143 §11.9). */
  event(event: SessionEvent): void;
}

/** An Asynchronous Message, decoded. */
export interface SessionEvent {
  /** AsyncEvent: what happened (RFC 7143 §11.9.1). */
  readonly asyncEvent: number;
  /** AsyncVCode: details of a vendor-specific event. */
  readonly asyncVCode: number;
  /** Parameter1 to Parameter3, whose meaning depends on the event. */
  readonly parameters: readonly [number, number, number];
  /** Sense data of a SCSI event. */
  readonly sense: Uint8Array | undefined;
}
