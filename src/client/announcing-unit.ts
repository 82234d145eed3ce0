import { EventEmitter } from 'node:events';
import type { IscsiError } from '../errors.ts';
import type { Lun } from '../scsi/lun.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { LogicalUnit } from '../unit/logical-unit.ts';
import type { Probe } from '../unit/probe.ts';
import type { Announcer } from './announcer.ts';
import type { SessionEventName, SessionEvents } from './session-events.ts';

/**
 * A logical unit that tells what its session goes through, and what becomes of itself. Every `IscsiLogicalUnit` is one.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0', { reconnect: 'retry' });
 * const told: string[] = [];
 * lun.on('lost', (error) => void told.push(`lost: ${error.message}`));
 * lun.on('reconnecting', ({ attempt, delay }) => void told.push(`attempt ${attempt} in ${delay} ms`));
 * lun.on('reconnected', ({ away }) => void told.push(`back after ${away} ms`));
 * lun.on('identityChanged', ({ error }) => void told.push(error.message));
 * told; // []
 */
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
   * Calls `listener` whenever the session announces something, or this logical unit was replaced by another one, as an
   * `EventEmitter` does.
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
