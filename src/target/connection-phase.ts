import type { HandlerTable } from './request-handler.ts';
import type { Sender } from './sender.ts';

/** A phase of a connection: before the end of the login, and after it. */
export interface ConnectionPhase {
  readonly name: 'login' | 'fullFeature';
  /** Who takes which PDU. */
  readonly handlers: HandlerTable;
  /** When `tick` has something to do, in milliseconds, or Infinity. */
  readonly deadline: number;
  /** Tells the time. What it throws ends the connection. */
  tick(now: number): void;
  /** Something was received. */
  heard(): void;
  /** There is more room for what is on its way than before: what had to wait may go on. */
  resume(): void;
  /** The connection takes nothing more. */
  close(): void;
}

/**
 * Puts handlers of one's own in front of those of a connection, or in their place: for trials with faults, such as a
 * target that drops some PDUs or answers them wrongly. Called once for each phase of each connection; `sender` is what
 * the handlers send with.
 */
export type ReplaceHandlers = (handlers: HandlerTable, phase: ConnectionPhase['name'], sender: Sender) => HandlerTable;
