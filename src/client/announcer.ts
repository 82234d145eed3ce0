import { EventEmitter } from 'node:events';
import type { SessionEventName, SessionEvents } from './session-events.ts';

/** What tells of the events of a session: an `EventEmitter` whose events have types. */
export class Announcer extends EventEmitter<SessionEvents> {
  readonly #others = new Set<EventEmitter<SessionEvents>>();

  /**
   * @internal Tells whoever listens, here and at the logical units. Listeners have a turn of their own, so that what
   * they throw ends no session.
   */
  announce<N extends SessionEventName>(name: N, ...details: SessionEvents[N]): void {
    process.nextTick(() => {
      tell(this, name, details);
      if (name === 'identityChanged') return; // it is about one of them, which tells it itself
      for (const other of [...this.#others]) tell(other, name, details);
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
