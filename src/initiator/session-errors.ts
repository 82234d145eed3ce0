import { EndedByFunctionError, IscsiError, withCommandSent } from '../errors.ts';
import { taskManagementFunctionText } from '../spec/iscsi-task-management.ts';
import type { SessionPhase } from './session-host.ts';

/** Time is up: for a command that was sent, or for the whole target. */
export function timedOut(message: string): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', message, {
    hint: 'is the target overloaded, or gone? A longer timeout can be set',
  });
}

/** A request waited for its turn until its time was up. */
export function unsentInTime(): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', 'Cannot send a request: those before it were not answered in time', {
    hint: 'it was not sent; a longer timeout can be set',
    commandSent: false,
  });
}

/** No tag is left for a request. */
export function tooManyRequests(): IscsiError {
  return new IscsiError('ISCSI_USAGE', 'Cannot send a request: too many are waiting already', { commandSent: false });
}

/** The target asked for a logout (RFC 7143 §11.9.1): why the session takes nothing more. */
export function logoutAsked(): IscsiError {
  return new IscsiError('ISCSI_CLOSED', 'The target asked for a logout', {
    hint: 'it goes out of service, or is being changed: connect again later',
  });
}

/** Why a session takes no request, such as a ping or a text. `endedBy` as for {@link commandRefused}. */
export function requestRefused(phase: SessionPhase, endedBy: IscsiError | undefined): IscsiError {
  if (phase !== 'login' && endedBy !== undefined) return sessionOver('a request', endedBy);
  const why = phase === 'login' ? 'the login has not ended' : 'the session is closed';
  return new IscsiError('ISCSI_CLOSED', `Cannot send a request: ${why}`, { commandSent: false });
}

/** Why a session takes no command. `endedBy` is what ends it, if that is not a plain `close()`. */
export function commandRefused(phase: SessionPhase, endedBy: IscsiError | undefined, mostCommands: number): IscsiError {
  const unsent = { commandSent: false };
  if (phase === 'login')
    return new IscsiError('ISCSI_USAGE', 'Cannot send a command before the login has ended', unsent);
  if (phase === 'fullFeature') {
    return new IscsiError('ISCSI_USAGE', `Cannot queue another command: ${mostCommands} are waiting already`, unsent);
  }
  if (endedBy === undefined)
    return new IscsiError('ISCSI_CLOSED', 'Cannot send a command: the session is closed', unsent);
  return sessionOver('a command', endedBy);
}

/** Whoever comes late learns what happened; the code still says that this was not sent. */
function sessionOver(what: string, endedBy: IscsiError): IscsiError {
  const hint = endedBy.hint === undefined ? {} : { hint: endedBy.hint };
  return new IscsiError('ISCSI_CLOSED', `Cannot send ${what}: the session is over (${endedBy.message})`, {
    cause: endedBy,
    commandSent: false,
    ...hint,
  });
}

/** A task management function has ended the command at the target, so no answer to it comes any more. */
export function endedByFunction(functionCode: number): IscsiError {
  return new EndedByFunctionError(functionCode, taskManagementFunctionText(functionCode).name);
}

/** What the commands of a session that ends settle with. */
export interface EndOfCommands {
  /** They were sent: whether they took effect is not known. */
  readonly sent: IscsiError;
  /** They still waited in the queue: they were never at the target, and can be sent again without harm. */
  readonly unsent: IscsiError;
}

/** The errors of the commands of a session that ends because of `error`, or by a plain `close()`. */
export function endOfCommands(error: IscsiError | undefined): EndOfCommands {
  const why = error ?? new IscsiError('ISCSI_CLOSED', 'Cannot finish the command: the session was closed');
  return {
    sent: sentInto(why),
    unsent: new IscsiError(why.code, `${why.message}; the command was not sent`, {
      cause: why,
      hint: 'the command never was at the target: it can be sent again',
      commandSent: false,
    }),
  };
}

/** What a command that was sent settles with, and what that means for its caller, unless `why` says it already. */
function sentInto(why: IscsiError): IscsiError {
  if (why.code !== 'ISCSI_CONNECTION_LOST' || why.hint !== undefined) return withCommandSent(why, true);
  const hint = 'whether the command took effect is not known';
  return new IscsiError(why.code, why.message, { cause: why, hint, commandSent: true });
}
