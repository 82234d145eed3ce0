import { IscsiError } from '../errors.ts';
import { backOff, type RecoveryLimits } from './limits.ts';

/** One loss, until the session stands again or is given up. */
export interface Outage {
  /** When it began, by the monotonic clock, in milliseconds. */
  readonly since: number;
  /** Why the session was lost, or why the last attempt failed. */
  readonly error: IscsiError;
  /** The target wants to be left alone until then (Time2Wait, RFC 7143 §7.5). */
  readonly earliest: number;
  /** What failed in a row: attempts, and sessions that did not stand for long. Decides on the pauses. */
  readonly failures: number;
  /** Attempts begun since the loss. */
  readonly attempts: number;
}

/**
 * Where a session is that comes back by itself. The picture of it is in docs/recovery.md.
 *
 * `leaving`: the target asked for a logout, commands end. `lost`: the old socket is not closed yet. `checking`: logged
 * in, and it is looked which logical units answer.
 */
export type RecoveryState =
  | { readonly name: 'connected'; readonly since: number; readonly failures: number }
  | {
      readonly name: 'leaving';
      readonly since: number;
      readonly failures: number;
      /** Where the target asked before it was known who answers: the loss that is not over yet. */
      readonly outage?: Outage;
    }
  | { readonly name: 'lost'; readonly outage: Outage }
  | { readonly name: 'waiting'; readonly outage: Outage; readonly until: number }
  | { readonly name: 'connecting'; readonly outage: Outage }
  | { readonly name: 'checking'; readonly outage: Outage }
  | { readonly name: 'closed' }
  | { readonly name: 'givenUp'; readonly error: IscsiError };

/** The names of the states. */
export type RecoveryStateName = RecoveryState['name'];

/** What happens to a session. `at` is the monotonic clock's time in milliseconds, `random` 0 up to 1. */
export type RecoveryEvent =
  /** The target wants to be left, in good order. */
  | { readonly kind: 'logoutRequested' }
  /** The session is over, not by its owner. `time2Wait` in milliseconds. */
  | { readonly kind: 'lost'; readonly at: number; readonly error: IscsiError; readonly time2Wait: number }
  /** Its socket is closed. */
  | { readonly kind: 'socketClosed'; readonly at: number; readonly random: number }
  | { readonly kind: 'tick'; readonly at: number }
  /** The owner wants an attempt at once. */
  | { readonly kind: 'reconnectNow' }
  /** An attempt has logged in. */
  | { readonly kind: 'loggedIn' }
  /** An attempt has failed; `final`: a further one cannot help. */
  | {
      readonly kind: 'failed';
      readonly at: number;
      readonly random: number;
      readonly error: IscsiError;
      readonly final: boolean;
    }
  /** It is known which logical units answer. */
  | { readonly kind: 'checked'; readonly at: number }
  | { readonly kind: 'close' };

/** The state that a session begins in. */
export function connectedState(at: number): RecoveryState {
  return { name: 'connected', since: at, failures: 0 };
}

/** A session that is lost again within this time, in milliseconds, counts as an attempt that failed. */
const STEADY = 5000;

/**
 * The one state machine: the state after `event`. The same object comes back where the event means nothing. It does
 * nothing itself: whoever drives it acts on the state that is entered.
 */
export function afterEvent(state: RecoveryState, event: RecoveryEvent, limits: RecoveryLimits): RecoveryState {
  if (state.name === 'closed' || state.name === 'givenUp') return state;
  switch (event.kind) {
    case 'close':
      return { name: 'closed' };
    case 'logoutRequested':
      return afterRequest(state);
    case 'lost':
      return afterLoss(state, event);
    case 'socketClosed':
      return state.name === 'lost' ? nextAttempt(state.outage, event, limits) : state;
    case 'tick':
      return state.name === 'waiting' && event.at >= state.until ? connecting(state.outage) : state;
    case 'reconnectNow':
      return atOnce(state);
    case 'loggedIn':
      return state.name === 'connecting' ? { name: 'checking', outage: state.outage } : state;
    case 'failed':
      return afterFailure(state, event, limits);
    case 'checked':
      return state.name === 'checking'
        ? { name: 'connected', since: event.at, failures: state.outage.failures + 1 }
        : state;
  }
}

function afterRequest(state: RecoveryState): RecoveryState {
  if (state.name === 'connected') return { ...state, name: 'leaving' };
  if (state.name !== 'checking') return state;
  const { outage } = state;
  return { name: 'leaving', since: outage.since, failures: outage.failures + 1, outage };
}

function afterLoss(state: RecoveryState, event: RecoveryEvent & { readonly kind: 'lost' }): RecoveryState {
  const { at, error } = event;
  const earliest = at + event.time2Wait;
  const before = state.name === 'checking' || state.name === 'leaving' ? state.outage : undefined;
  if (before !== undefined) {
    return { name: 'lost', outage: { ...before, error, earliest, failures: before.failures + 1 } };
  }
  if (state.name !== 'connected' && state.name !== 'leaving') return state;
  const failures = at - state.since < STEADY ? state.failures : 0;
  return { name: 'lost', outage: { since: at, error, earliest, failures, attempts: 0 } };
}

/** The owner's wish goes before the pause and before what the target asked for. */
function atOnce(state: RecoveryState): RecoveryState {
  if (state.name === 'waiting') return connecting(state.outage);
  if (state.name !== 'lost') return state;
  const { outage } = state;
  return { name: 'lost', outage: { ...outage, earliest: outage.since, failures: 0 } };
}

function connecting(outage: Outage): RecoveryState {
  return { name: 'connecting', outage: { ...outage, attempts: outage.attempts + 1 } };
}

function afterFailure(
  state: RecoveryState,
  event: RecoveryEvent & { readonly kind: 'failed' },
  limits: RecoveryLimits,
): RecoveryState {
  if (state.name !== 'connecting') return state;
  const { error, final } = event;
  const outage = { ...state.outage, error, failures: state.outage.failures + 1 };
  return final ? givenUp(outage, 'trying again cannot help') : nextAttempt(outage, event, limits);
}

function nextAttempt(
  outage: Outage,
  { at, random }: { readonly at: number; readonly random: number },
  limits: RecoveryLimits,
): RecoveryState {
  if (outage.attempts >= limits.maxAttempts) return givenUp(outage, `after attempt ${outage.attempts}`);
  const until = Math.max(outage.earliest, at + backOff(outage.failures, limits, random));
  if (until - outage.since > limits.maxTime) return givenUp(outage, `${limits.maxTime} ms were given to it`);
  return { name: 'waiting', outage, until };
}

function givenUp({ error, attempts }: Outage, why: string): RecoveryState {
  const what = attempts === 0 ? 'The session was lost' : 'Cannot get the lost session back';
  return {
    name: 'givenUp',
    error: new IscsiError('ISCSI_CONNECTION_LOST', `${what}: ${error.message} (${why})`, {
      cause: error,
      hint: error.hint ?? 'whether commands that were under way took effect is not known',
    }),
  };
}
