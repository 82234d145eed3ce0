import type { IscsiError } from '../errors.ts';
import type { SessionCounters } from './counters.ts';
import type { Exchange, ExchangeAnswer } from './exchange.ts';
import type { InitiatorTask } from './initiator-task.ts';
import type { SendWindow } from './send-window.ts';
import type { SessionEvent } from './session-host.ts';
import type { TagTable } from './tag-table.ts';

/** What the handlers of PDUs use of their session. Which connection a PDU came on they are told with each call. */
export interface SessionState {
  readonly window: SendWindow;
  readonly counters: SessionCounters;
  /** Everything that has a tag. */
  readonly tasks: TagTable<InitiatorTask | Exchange>;
  /** Whether a text request waits for its answer. */
  readonly textUnderWay: boolean;
  /** Whether the Logout Request is out: no request may follow it (RFC 7143 §11.14). */
  readonly loggingOut: boolean;
  /** Seconds that the target wants to be left alone after this session, as far as it has said so. */
  time2Wait: number | undefined;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Ends a task with its outcome, or with `error`. */
  settle(task: InitiatorTask, error: IscsiError | undefined): void;
  /** Gives up a task: it settles with `reason` when the target has confirmed that it does nothing more. */
  abort(task: InitiatorTask, tag: number, reason: IscsiError): void;
  /** Ends an exchange with its answer, or with `error`. */
  settleExchange(exchange: Exchange, error: IscsiError | undefined, answer?: ExchangeAnswer): void;
  /** Passes on what the target said unasked. */
  announce(event: SessionEvent): void;
  /** Lets the commands under way end, and logs out, all until `deadline`. `reason`: why, if not for the caller. */
  logout(deadline: number, reason?: IscsiError): void;
  /** Sends a text whose answer nobody waits for. */
  inviteProposals(deadline: number): void;
}
