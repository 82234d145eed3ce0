import type { Channel } from './channel.ts';

/** Milliseconds for which the next request is looked for after an answer. */
const LOOKING = 0.2;
/** Turns of the event loop between two looks at the clock. */
const TURNS = 8;

/**
 * Finds out that a request came. For some time after an answer the event loop is kept turning, and looks at each turn:
 * a loop of calls sends its next one within microseconds, and to be woken takes longer than the call itself. After that
 * the thread sleeps, and is woken by a message. Everything else that the loop serves goes on meanwhile.
 */
export class Doorbell {
  readonly #channel: Channel;
  readonly #onRequest: () => void;
  #state: 'asleep' | 'looking' | 'busy' = 'asleep';
  #until = 0;
  #turns = 0;

  constructor(channel: Channel, onRequest: () => void) {
    this.#channel = channel;
    this.#onRequest = onRequest;
  }

  /** A message has come that says that there is a request. There may be none: it was found without it. */
  readonly rung = (): void => {
    if (this.#state === 'asleep' && this.#channel.asked) this.#take();
  };

  /** The last request is answered. */
  expectNext(): void {
    this.#state = 'looking';
    this.#channel.awake = true;
    this.#until = performance.now() + LOOKING;
    this.#turns = 0;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    if (this.#channel.asked) this.#take();
    else if (++this.#turns % TURNS !== 0 || performance.now() < this.#until) setImmediate(this.#look);
    else this.#sleep();
  };

  #sleep(): void {
    this.#state = 'asleep';
    this.#channel.awake = false;
    if (this.#channel.asked) this.#take(); // one that came just before rang no bell
  }

  #take(): void {
    this.#state = 'busy';
    this.#onRequest();
  }
}
