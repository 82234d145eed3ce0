import type { IscsiError } from '../errors.ts';
import type { Lun } from '../scsi/lun.ts';
import type { TargetEvent } from './target-event.ts';

/** An attempt to get a lost session back is about to be made. */
export interface Reconnecting {
  /** Counts from 1 after each loss. */
  readonly attempt: number;
  /** Milliseconds from now until it begins: Time2Wait of the target, or the pause after a failure. */
  readonly delay: number;
  /** The same as a moment. */
  readonly when: Date;
  /** Why the last attempt failed, or why the session was lost. */
  readonly error: IscsiError;
}

/** A lost session stands again. */
export interface Reconnected {
  /** How many attempts it took. */
  readonly attempts: number;
  /** Milliseconds since the loss. */
  readonly away: number;
}

/** Another logical unit answers than the one that was opened: nothing is sent to it. */
export interface IdentityChanged {
  /** Which one. */
  readonly lun: Lun;
  /** What every further call on that logical unit fails with. */
  readonly error: IscsiError;
}

/** The target wants the session to end: commands under way may end, then it is logged out. */
export interface LogoutRequested {
  /** Milliseconds that the target gives until it ends the session itself. */
  readonly within: number;
}

/**
 * What a session announces, and a logical unit of it likewise; each in its own turn, so that a listener may do anything
 * but keep what goes on from going on.
 */
export interface SessionEvents {
  /** A login has ended well; of the first one only those hear who listen before it has. */
  connected: [];
  /** The session is over, not by `close()`: why. It comes back if it was told to (`reconnect`). */
  lost: [error: IscsiError];
  /** An attempt to get it back is about to be made. */
  reconnecting: [attempt: Reconnecting];
  /** It stands again, and it is known which logical units answer. */
  reconnected: [outcome: Reconnected];
  /** A logical unit was replaced by another one. */
  identityChanged: [change: IdentityChanged];
  /** The target said something unasked (RFC 7143 §11.9). */
  asyncEvent: [event: TargetEvent];
  /** The target wants the session to end. */
  logoutRequested: [request: LogoutRequested];
  /** It is over for good: by `close()`, or because of an error. */
  closed: [error: IscsiError | undefined];
}

/** The names of the events. */
export type SessionEventName = keyof SessionEvents;
