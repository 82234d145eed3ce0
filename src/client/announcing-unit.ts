import { EventEmitter } from 'node:events';
import type { IscsiError } from '../errors.ts';
import type { Lun } from '../scsi/lun.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { LogicalUnit } from '../unit/logical-unit.ts';
import type { Probe } from '../unit/probe.ts';
import type { Announcer } from './announcer.ts';
import type { SessionEventName, SessionEvents } from './session-events.ts';

/** A logical unit that tells what its session goes through, and what becomes of itself. */
export class AnnouncingUnit extends LogicalUnit {
  /** The LUN field as it goes on the wire. */
  readonly lun: Lun;
  readonly #announcer: Announcer;
  readonly #events = new EventEmitter<SessionEvents>();

  protected constructor(port: ScsiPort, probed: Probe, where: { readonly announcer: Announcer; readonly lun: Lun }) {
    super(port, probed);
    this.lun = where.lun;
    this.#announcer = where.announcer;
  }

  /**
   * Calls `listener` whenever the session announces something, or this logical unit was replaced by another one. Listen
   * as to an `EventEmitter`; `events.once()` and `events.on()` of Node.js take it, too.
   */
  on<N extends SessionEventName>(name: N, listener: (...details: SessionEvents[N]) => void): this {
    this.#announcer.share(this.#events);
    listen(this.#events).on(name, listener);
    return this;
  }

  /** As `on`, for the next time only. */
  once<N extends SessionEventName>(name: N, listener: (...details: SessionEvents[N]) => void): this {
    this.#announcer.share(this.#events);
    listen(this.#events).once(name, listener);
    return this;
  }

  /** Takes a listener back. */
  off<N extends SessionEventName>(name: N, listener: (...details: SessionEvents[N]) => void): this {
    listen(this.#events).off(name, listener);
    return this;
  }

  /** The same as `off`: what Node's own functions call. */
  removeListener<N extends SessionEventName>(name: N, listener: (...details: SessionEvents[N]) => void): this {
    return this.off(name, listener);
  }

  /** Nobody is sent anything any more: tells here and at the session. */
  protected override noticeReplaced(error: IscsiError): void {
    const change = { lun: this.lun, error };
    this.#announcer.announce('identityChanged', change);
    process.nextTick(() => listen(this.#events).emit('identityChanged', change));
  }
}

/** Node's types check one event name at a time; those of the methods above do it for all. */
function listen(events: EventEmitter<SessionEvents>): EventEmitter {
  return events;
}
