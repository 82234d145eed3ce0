import type { ScsiPort } from '../scsi/port.ts';

/**
 * Keeps read-modify-write apart from other writes of the same logical unit. A write that does not cover whole blocks
 * reads the blocks, changes bytes of them and writes them back; any other write to these blocks in between would be
 * undone. So it waits until no write is under way and holds up those that come meanwhile. Whole-block writes pass at no
 * cost while nobody needs the gate.
 *
 * One gate serves all who have opened the logical unit over one port, such as all of one session. Writers elsewhere are
 * out of its reach: where several write to one block, they must agree among themselves, as on any shared disk.
 */
export class WriteGate {
  #passing = 0;
  #exclusive = 0;
  #lastExclusive: Promise<void> = Promise.resolve();
  #onEmpty: (() => void) | undefined;

  /** True when a write may begin at once. It must then `enter()` and, when it has ended, `leave()`. */
  get open(): boolean {
    return this.#exclusive === 0;
  }

  enter(): void {
    this.#passing++;
  }

  leave(): void {
    this.#passing--;
    if (this.#passing === 0) this.#onEmpty?.();
  }

  /** Waits until the gate is open. */
  async opened(): Promise<void> {
    while (!this.open) await this.#lastExclusive;
  }

  /** Runs `work` while no other write is under way. One after the other, in the order of the calls. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    this.#exclusive++;
    const before = this.#lastExclusive;
    let done: () => void = nothing;
    this.#lastExclusive = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      if (this.#passing > 0) await this.#empty();
      return await work();
    } finally {
      this.#exclusive--;
      done();
    }
  }

  #empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = () => {
        this.#onEmpty = undefined;
        resolve();
      };
    });
  }
}

const gates = new WeakMap<ScsiPort, WriteGate>();

/** The gate of the logical unit behind a port: all who have it open over this port go through the same. */
export function gateOf(port: ScsiPort): WriteGate {
  const gate = gates.get(port) ?? new WriteGate();
  gates.set(port, gate);
  return gate;
}

function nothing(): void {
  // Replaced before it can be called.
}
