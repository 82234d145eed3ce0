import { availableParallelism } from 'node:os';
import { now } from './clock.ts';

/** Attempts after which the experience is judged: the first few are always slow, until both ends are awake. */
const TRIAL = 32;
/** Of a trial so many must succeed for polling to go on. */
const ENOUGH = 8;
/** Occasions that are let pass without polling after a trial in vain, doubled each time: at first, and at the most. */
const FIRST_BACK_OFF = 64;
const LONGEST_BACK_OFF = 8192;

/** Microseconds that are polled by default. With one processor nobody else could do what is being waited for. */
export const DEFAULT_BUSY_POLL = availableParallelism() > 1 ? 100 : 0;

/**
 * Keeps the event loop from falling asleep for some microseconds while an answer is expected, as long as experience
 * says that answers come within them. Going to sleep and being woken costs more than that, in a virtual machine many
 * times more, and a peer on the same machine pays for waking us, too. The loop goes on turning meanwhile, so nothing
 * else has to wait. Where answers take longer, each trial in vain doubles the number of occasions that are let pass.
 */
export class BusyPoll {
  readonly #limit: number;
  #until = 0;
  #heard = false;
  #immediate: NodeJS.Immediate | undefined;
  #skip = 0;
  #backOff = FIRST_BACK_OFF;
  #attempts = 0;
  #successes = 0;

  /** @param microseconds How long to poll; 0 for never. */
  constructor(microseconds: number) {
    this.#limit = microseconds / 1000;
  }

  /** The peer has reason to say something soon: something was sent to it, or it is in the middle of long data. */
  expect(): void {
    if (this.#limit === 0) return;
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    this.#heard = false;
    this.#until = now() + this.#limit;
    this.#immediate ??= setImmediate(this.#poll);
  }

  /** Something was received. */
  heard(): void {
    if (this.#immediate === undefined || this.#heard) return;
    this.#heard = true;
    this.#judge(true);
  }

  /** Polls no more. */
  stop(): void {
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  readonly #poll = (): void => {
    this.#immediate = undefined;
    if (this.#heard) return;
    if (now() < this.#until) this.#immediate = setImmediate(this.#poll);
    else this.#judge(false);
  };

  #judge(success: boolean): void {
    this.#attempts++;
    if (success) this.#successes++;
    if (this.#attempts < TRIAL) return;
    const goodEnough = this.#successes >= ENOUGH;
    this.#skip = goodEnough ? 0 : this.#backOff;
    this.#backOff = goodEnough ? FIRST_BACK_OFF : Math.min(LONGEST_BACK_OFF, this.#backOff * 2);
    this.#attempts = 0;
    this.#successes = 0;
  }
}
