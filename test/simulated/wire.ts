import { concat } from '../../src/bytes/hex.ts';
import type { Random } from './random.ts';

/** What both session cores have in common, as far as a wire needs it. */
export interface Endpoint {
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void;
  drain(): readonly Uint8Array[];
  flushed(): void;
  ended(error?: Error): void;
  readonly wantsData: boolean;
  readonly finished: boolean;
  directRoom?(): Uint8Array | undefined;
  placed?(room: Uint8Array, length: number): void;
}

/**
 * A byte pipe from one core to the other. Like TCP it keeps order and loses nothing until it is cut, but hands bytes
 * over in pieces of random length, in a buffer that is overwritten afterwards.
 */
export class Wire {
  readonly #from: Endpoint;
  readonly #to: Endpoint;
  readonly #random: Random;
  #waiting: Uint8Array = new Uint8Array(0);
  #unflushed = 0;
  /** Changes what goes over the wire, where a test wants that. */
  tamper: ((piece: Uint8Array) => Uint8Array) | undefined;
  /** Bytes that went through so far. */
  carried = 0;

  constructor(from: Endpoint, to: Endpoint, random: Random) {
    this.#from = from;
    this.#to = to;
    this.#random = random;
  }

  /** Bytes on their way. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes what the sender has. Copied at once: the sender's buffers are its own again only after `flushed()`. */
  collect(): void {
    const chunks = this.#from.drain();
    if (chunks.length === 0) return;
    this.#unflushed++;
    this.#waiting = concat(this.#waiting, ...chunks);
    if (this.#random.onceIn(2)) this.flush();
  }

  /** Tells the sender that what it handed over was written. */
  flush(): void {
    for (; this.#unflushed > 0; this.#unflushed--) this.#from.flushed();
  }

  /** Hands over one piece. */
  carry(): void {
    if (this.#waiting.length === 0 || !this.#to.wantsData) return;
    const room = this.tamper === undefined ? this.#to.directRoom?.() : undefined;
    if (room !== undefined) {
      this.#place(room);
      return;
    }
    const taken = this.#piece();
    const piece = this.#waiting.slice(0, taken);
    this.#waiting = this.#waiting.slice(taken);
    this.carried += taken;
    const bytes = this.tamper === undefined ? piece : this.tamper(piece);
    const before = this.#random.below(8); // the piece need not begin where its buffer does
    const buffer = new Uint8Array(before + bytes.length);
    buffer.set(bytes, before);
    this.#to.receive(buffer, new DataView(buffer.buffer), before, buffer.length);
    buffer.fill(0xee); // whoever kept a view sees rubbish
  }

  /** Bytes that the receiver wants read straight to their place, as the driver does it. */
  #place(room: Uint8Array): void {
    const length = Math.min(room.length, this.#piece());
    room.set(this.#waiting.subarray(0, length));
    this.#waiting = this.#waiting.slice(length);
    this.carried += length;
    this.#to.placed?.(room, length);
  }

  #piece(): number {
    const most = this.#waiting.length;
    switch (this.#random.below(4)) {
      case 0:
        return 1 + this.#random.below(Math.min(most, 3));
      case 1:
        return 1 + this.#random.below(Math.min(most, 60));
      case 2:
        return 1 + this.#random.below(most);
      default:
        return most;
    }
  }
}
