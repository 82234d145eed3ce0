import { copyBytes } from '../bytes/copy.ts';
import { ProtocolError } from '../errors.ts';
import type { MemoryShare } from './memory-budget.ts';

const NOTHING = new Uint8Array(0);
const FIRST_LENGTH = 1024;

/**
 * Keeps a data segment that is needed whole: text, ping data. Grows with what has come, not with what was announced,
 * and counts in the share of its connection until it is released.
 */
export class Gather {
  readonly #share: MemoryShare;
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  constructor(share: MemoryShare) {
    this.#share = share;
  }

  /**
   * A piece of it: `bytes[from, to)`, copied.
   * @throws {ProtocolError} When there is no room for it.
   */
  take(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#length + (to - from);
    if (length > this.#bytes.length) this.#grow(Math.max(length, 2 * this.#bytes.length, FIRST_LENGTH));
    copyBytes(bytes, from, to, this.#bytes, this.#length);
    this.#length = length;
  }

  /** What has come; it belongs to the caller, and is not counted any more. The next segment begins empty. */
  release(): Uint8Array {
    const whole = this.#bytes.subarray(0, this.#length);
    this.close();
    return whole;
  }

  /** Forgets what has come. */
  close(): void {
    const { length } = this.#bytes;
    this.#bytes = NOTHING;
    this.#length = 0;
    if (length > 0) this.#share.add(-length);
  }

  #grow(length: number): void {
    const more = length - this.#bytes.length;
    if (!this.#share.hasRoom(more)) {
      throw new ProtocolError(`Cannot take a data segment of ${length} bytes: there is no room for it`);
    }
    this.#share.add(more);
    const grown = new Uint8Array(length);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
