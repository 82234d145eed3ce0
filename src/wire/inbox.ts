import type { WirePdu } from './wire-pdu.ts';

/** How much an {@link Inbox} keeps. */
export interface InboxLimits {
  /** PDUs. */
  readonly pdus: number;
  /** Bytes of all their data segments together. */
  readonly bytes: number;
}

/** What is kept unless the caller says otherwise. */
export const DEFAULT_INBOX_LIMITS: InboxLimits = { pdus: 1024, bytes: 64 * 1024 * 1024 };

/**
 * PDUs that nobody has asked for yet, oldest first. It keeps a bounded number of them: the oldest go when more come,
 * and are counted.
 *
 * @example
 * const inbox = new Inbox({ pdus: 1, bytes: 1024 });
 * const deframer = new Deframer((pdu) => inbox.put(pdu), () => 0);
 * for (let sent = 0; sent < 3; sent++) deframer.push(frame({ header: new Uint8Array(48) }));
 * inbox.all.length; // 1
 * inbox.dropped; // 2
 * inbox.take((pdu) => pdu.is('NOP_IN')); // undefined
 */
export class Inbox {
  /** PDUs that came and were dropped because nobody asked for them. */
  dropped = 0;
  readonly #limits: InboxLimits;
  readonly #pdus: WirePdu[] = [];
  #bytes = 0;

  constructor(limits: InboxLimits = DEFAULT_INBOX_LIMITS) {
    this.#limits = limits;
  }

  /** The PDUs that wait, oldest first. */
  get all(): readonly WirePdu[] {
    return this.#pdus;
  }

  /** Adds one. The newest always stays, however long it is. */
  put(pdu: WirePdu): void {
    this.#pdus.push(pdu);
    this.#bytes += pdu.data.length;
    while (this.#pdus.length > 1 && (this.#pdus.length > this.#limits.pdus || this.#bytes > this.#limits.bytes)) {
      this.#bytes -= this.#pdus.shift()?.data.length ?? 0;
      this.dropped++;
    }
  }

  /** Removes the oldest that `wanted` says yes to. */
  take(wanted: (pdu: WirePdu) => boolean): WirePdu | undefined {
    const index = this.#pdus.findIndex(wanted);
    if (index < 0) return undefined;
    const [pdu] = this.#pdus.splice(index, 1);
    this.#bytes -= pdu?.data.length ?? 0;
    return pdu;
  }
}
