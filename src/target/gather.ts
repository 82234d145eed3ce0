import { copyBytes } from '../bytes/copy.ts';

const NOTHING = new Uint8Array(0);
const FIRST_LENGTH = 1024;

/**
 * Keeps a data segment that is needed whole: text, ping data. Grows with what has come, not with what was announced.
 */
export class Gather {
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** A piece of it: `bytes[from, to)`, copied. */
  take(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#length + (to - from);
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length, FIRST_LENGTH));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    copyBytes(bytes, from, to, this.#bytes, this.#length);
    this.#length = length;
  }

  /** What has come; it belongs to the caller. The next segment begins empty. */
  release(): Uint8Array {
    const whole = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return whole;
  }
}
