import type { SessionPort } from '../initiator/session-port.ts';
import type { Lun } from '../scsi/lun.ts';

/**
 * The ports of a session to its logical units, one for each LUN: those who have the same logical unit open share what
 * belongs to the port, such as its write gate.
 *
 * A port is kept for as long as somebody holds it, a logical unit that is open above all, and no longer: whoever sends
 * commands to each LUN that there can be leaves nothing behind. The one used last stays, so that raw commands to one
 * LUN do not make it anew each time.
 */
export class SessionPorts {
  readonly #make: (lun: Lun) => SessionPort;
  readonly #ports = new Map<string, WeakRef<SessionPort>>();
  readonly #forget = new FinalizationRegistry<string>((key) => {
    if (this.#ports.get(key)?.deref() === undefined) this.#ports.delete(key);
  });
  #last: { readonly lun: Lun; readonly port: SessionPort } | undefined;

  constructor(make: (lun: Lun) => SessionPort) {
    this.#make = make;
  }

  /** The port to this LUN. */
  of(lun: Lun): SessionPort {
    const last = this.#last;
    if (last !== undefined && last.lun.high === lun.high && last.lun.low === lun.low) return last.port;
    const key = `${lun.high} ${lun.low}`;
    const port = this.#ports.get(key)?.deref() ?? this.#add(key, lun);
    this.#last = { lun: { high: lun.high, low: lun.low }, port };
    return port;
  }

  /** Calls `visit` with each port that somebody holds. */
  forEach(visit: (port: SessionPort) => void): void {
    for (const reference of [...this.#ports.values()]) {
      const port = reference.deref();
      if (port !== undefined) visit(port);
    }
  }

  #add(key: string, lun: Lun): SessionPort {
    const port = this.#make(lun);
    this.#ports.set(key, new WeakRef(port));
    this.#forget.register(port, key);
    return port;
  }
}
