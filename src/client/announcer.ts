import { EventEmitter } from 'node:events';
import type { SessionEventName, SessionEvents } from './session-events.ts';

/**
 * What tells of the events of a session: an `EventEmitter` of Node.js whose events have types. Every `Session` is one.
 *
 * @example
 * await using session = await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const over = new Promise((resolve) => session.once('closed', resolve));
 * await session.close();
 * await over; // undefined
 */
export class Announcer extends EventEmitter<SessionEvents> {
  readonly #others = new Set<EventEmitter<SessionEvents>>();

  /**
   * @internal Tells whoever listens, here and at the logical units. Listeners have a turn of their own, so that what
   * they throw ends no session.
   */
  announce<N extends SessionEventName>(name: N, ...details: SessionEvents[N]): void {
    process.nextTick(tell, this, name, details);
    if (name === 'identityChanged') return; // it is about one of them, which tells it itself
    process.nextTick(() => {
      for (const other of this.#others) process.nextTick(tell, other, name, details);
    });
  }

  /** @internal What is announced here is told there, too. */
  share(other: EventEmitter<SessionEvents>): void {
    this.#others.add(other);
  }
}

/** The types of `emit` know only one event at a time. */
function tell(emitter: EventEmitter, name: SessionEventName, details: readonly unknown[]): void {
  emitter.emit(name, ...details);
}
