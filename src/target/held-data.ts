import { ProtocolError } from '../errors.ts';
import type { MemoryShare } from './memory-budget.ts';

/** The data of requests that came before their turn, as it counts in the share of their connection. */
export class HeldData {
  readonly #share: MemoryShare;
  #length = 0;

  constructor(share: MemoryShare) {
    this.#share = share;
  }

  /** @throws {ProtocolError} When there is no room for so many bytes more. */
  take(length: number): void {
    if (!this.#share.hasRoom(length)) {
      throw new ProtocolError(`Cannot keep ${length} bytes of a request that came before its turn: there is no room`);
    }
    this.#add(length);
  }

  give(length: number): void {
    this.#add(-length);
  }

  /** Nothing of it is needed any more. */
  close(): void {
    this.#add(-this.#length);
  }

  #add(length: number): void {
    if (length === 0) return;
    this.#length += length;
    this.#share.add(length);
  }
}
