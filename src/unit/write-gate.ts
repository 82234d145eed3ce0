import type { ScsiPort } from '../scsi/port.ts';

/** One who waits at the gate, or has passed it. */
interface Turn {
  readonly alone: boolean;
  admitted: boolean;
  admit: () => void;
}

/** Waits for a turn, no longer than whoever waits can: rejects when it gives up. */
export type Wait = (turn: Promise<void>) => Promise<void>;

/**
 * Keeps read-modify-write apart from other writes of the same logical unit. A write that does not cover whole blocks
 * reads the blocks, changes bytes of them and writes them back; any other write to these blocks in between would be
 * undone. So it waits until no write is under way and holds up those that come meanwhile. Whole-block writes pass at no
 * cost while nobody needs the gate. Turns are had in the order of the calls; who waits can give up.
 *
 * One gate serves all who have opened the logical unit over one port, such as all of one session. Writers elsewhere are
 * out of its reach: where several write to one block, they must agree among themselves, as on any shared disk.
 */
export class WriteGate {
  #passing = 0;
  #alone = false;
  readonly #waiting = new Set<Turn>();
  /** Those who are alone or wait. One number, since each write looks at it. */
  #held = 0;

  /** True when a write may begin at once. It must then `enter()` and, when it has ended, `leave()`. */
  get open(): boolean {
    return this.#held === 0;
  }

  enter(): void {
    this.#passing++;
  }

  leave(): void {
    this.#passing--;
    if (this.#passing === 0) this.#admit();
  }

  /** Enters when it is its turn; `leave()` is the caller's. */
  async pass(wait: Wait): Promise<void> {
    await this.#turn(false, wait);
  }

  /** Runs `work` while no other write is under way. One after the other, in the order of the calls. */
  async alone<T>(wait: Wait, work: () => Promise<T>): Promise<T> {
    await this.#turn(true, wait);
    try {
      return await work();
    } finally {
      this.#endAlone();
    }
  }

  async #turn(alone: boolean, wait: Wait): Promise<void> {
    const turn: Turn = { alone, admitted: false, admit: nothing };
    const admission = new Promise<void>((resolve) => {
      turn.admit = resolve;
    });
    this.#waiting.add(turn);
    this.#held++;
    this.#admit();
    try {
      if (!turn.admitted) await wait(admission);
    } catch (error) {
      this.#giveUp(turn);
      throw error;
    }
  }

  /** Lets in those whose turn it is. */
  #admit(): void {
    for (const turn of this.#waiting) {
      if (this.#alone || (turn.alone && this.#passing > 0)) return;
      this.#waiting.delete(turn);
      if (turn.alone) this.#alone = true;
      else {
        this.#passing++;
        this.#held--;
      }
      turn.admitted = true;
      turn.admit();
    }
  }

  /** Its turn may have come in the same moment. */
  #giveUp(turn: Turn): void {
    if (turn.admitted && turn.alone) this.#endAlone();
    else if (turn.admitted) this.leave();
    else {
      this.#waiting.delete(turn);
      this.#held--;
      this.#admit();
    }
  }

  #endAlone(): void {
    this.#alone = false;
    this.#held--;
    this.#admit();
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
