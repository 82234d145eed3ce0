import type { Eventually } from '../device/eventually.ts';
import type { Pace } from '../device/pace.ts';

/** Bytes that may be worked through in one turn of the event loop: some 200 µs. */
const ALLOWANCE = 1024 * 1024;

/** One who waits for its turn. */
interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/**
 * Shares each turn of the event loop: work of so many bytes is let go in it, first come, first served, and what is left
 * waits for the next turn, in which everything else of the process has had its own. However many want to work, nobody
 * else waits longer for them than one turn takes.
 */
export class LoopPace implements Pace {
  #left = ALLOWANCE;
  #waiting: Waiter[] = [];
  #first = 0;
  #scheduled = false;

  turn(bytes: number): Eventually {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#nextTurn);
    }
    if (this.#left > 0 && this.#first === this.#waiting.length) {
      this.#left -= bytes;
      return;
    }
    return new Promise((go) => this.#waiting.push({ bytes, go }));
  }

  readonly #nextTurn = (): void => {
    this.#scheduled = false;
    this.#left = ALLOWANCE;
    for (
      let next = this.#waiting[this.#first];
      next !== undefined && this.#left > 0;
      next = this.#waiting[this.#first]
    ) {
      this.#first++;
      this.#left -= next.bytes;
      next.go();
    }
    if (this.#first > this.#waiting.length / 2) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    if (this.#waiting.length === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#nextTurn);
  };
}

/** The pace of this process: all logical units share it. */
export const LOOP_PACE = new LoopPace();
