import type { IscsiError } from '../errors.ts';
import { endOfHeld } from './byte-account.ts';
import type { Exchange, ExchangeAnswer } from './exchange.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { Queue } from './queue.ts';
import { endOfCommands } from './session-errors.ts';
import type { SessionHost } from './session-host.ts';
import type { SessionObserver } from './session-observer.ts';
import type { TagTable } from './tag-table.ts';

/** What ending needs of its session. */
export interface UnfinishedOwner {
  readonly host: SessionHost;
  readonly watcher: SessionObserver | undefined;
  readonly tasks: TagTable<InitiatorTask | Exchange>;
  /** Ends a task with its outcome, or with `error`. */
  settle(task: InitiatorTask, error: IscsiError | undefined): void;
  /** Ends an exchange with `error`. */
  settleExchange(exchange: Exchange, error: IscsiError | undefined, answer?: ExchangeAnswer): void;
}

/** Ends everything that waits in a session that is over because of `endedBy`; the host may take commands over. */
export function endUnfinished(s: UnfinishedOwner, endedBy: IscsiError | undefined): void {
  const why = endOfCommands(endedBy);
  s.tasks.forEach((entry) => {
    const { kind, phase } = entry;
    if (kind !== 'scsi') {
      s.settleExchange(entry, phase === 'queued' ? why.unsent : why.sent);
      return;
    }
    const reason = entry.maybeSeen ? why.sent : why.unsent;
    if (phase === 'flushing') endOrHandOver(s, entry, endOfHeld(entry, reason), entry.outcome === undefined);
    else endOrHandOver(s, entry, entry.abortReason ?? reason, true);
  });
}

/** Gives the commands that were not sent to the host, as far as it takes them: nothing new follows them. */
export function handOverUnsent(s: UnfinishedOwner, queue: Queue<InitiatorTask>, reason: IscsiError): void {
  const why = endOfCommands(reason);
  s.tasks.forEach((entry) => {
    if (entry.kind !== 'scsi' || entry.phase !== 'queued') return;
    if (handOver(s, entry, entry.maybeSeen ? why.sent : why.unsent)) queue.remove(entry);
  });
}

/** `open`: nothing has come of the command yet. One that its caller has given up is over. */
function endOrHandOver(s: UnfinishedOwner, task: InitiatorTask, error: IscsiError | undefined, open: boolean): void {
  const offered = open && error !== undefined && task.abortReason === undefined;
  if (!offered || !handOver(s, task, error)) s.settle(task, error);
}

/** Here it ends, and whoever watches is told so; counted it is where it settles. */
function handOver(s: UnfinishedOwner, task: InitiatorTask, error: IscsiError): boolean {
  if (s.host.takeOver?.(task, error) !== true) return false;
  s.tasks.remove(task);
  if (s.watcher?.watchesCommands === true) s.watcher.commandEnded(task, error);
  return true;
}
