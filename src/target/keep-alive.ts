import { ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { Countdown } from './countdown.ts';
import { sendNopIn } from './nop-in.ts';
import type { Sender } from './sender.ts';

/** Pings an initiator that has been silent; whatever it says counts as a sign of life. */
export class KeepAlive {
  readonly #sender: Sender;
  readonly #interval: number;
  readonly #now: () => number;
  readonly #pings: boolean;
  readonly #silence = new Countdown();
  /** The tag of our ping that is not answered yet. */
  #pingTag = RESERVED_TAG;
  #heard = true; // it has just logged in

  /**
   * @param interval Milliseconds of silence before a ping, and between the ping and the end; Infinity for never.
   * @param pings False where no NOP-In may be sent (RFC 7143 §4.3): then the time is over without one.
   */
  constructor(sender: Sender, interval: number, now: () => number, pings = true) {
    this.#sender = sender;
    this.#interval = interval;
    this.#now = now;
    this.#pings = pings;
  }

  start(): void {
    this.#silence.start(this.#now() + this.#interval);
  }

  stop(): void {
    this.#silence.stop();
  }

  /** When `tick` has something to do, in milliseconds, or Infinity. */
  get deadline(): number {
    return this.#silence.deadline;
  }

  /** The initiator has said something. */
  heard(): void {
    this.#heard = true;
  }

  /** The initiator has answered a ping. False when there was none with this tag. */
  answered(tag: number): boolean {
    if (tag !== this.#pingTag) return false;
    this.#pingTag = RESERVED_TAG;
    return true;
  }

  /** @throws {ProtocolError} When the initiator has not said anything since it was pinged. */
  tick(now: number): void {
    if (!this.#silence.due(now)) return;
    if (this.#heard) {
      this.#heard = false;
      this.#pingTag = RESERVED_TAG;
    } else if (!this.#pings) {
      throw new ProtocolError(`Cannot keep a session that is of no use: silent for ${this.#interval} ms and more`);
    } else if (this.#pingTag !== RESERVED_TAG) {
      throw new ProtocolError(`Cannot reach the initiator: no answer to a NOP-In within ${this.#interval} ms`);
    } else {
      this.#pingTag = this.#sender.nextTransferTag();
      sendNopIn(this.#sender, this.#pingTag);
    }
    this.#silence.start(now + this.#interval);
  }
}
