/** Stores that misbehave on purpose. */
import { MemoryStore } from '../../src/device/memory-store.ts';
import type { BlockStore } from '../../src/device/store.ts';

/** An operation of a {@link HeldStore} that waits to be let go. */
export interface Held {
  readonly name: 'read' | 'write' | 'flush' | 'discard';
  readonly position: number;
  readonly length: number;
  /** Does it now; the caller may await that everything that follows from it has run. */
  release(): Promise<void>;
  /** Fails it now. */
  reject(error: unknown): Promise<void>;
}

/**
 * An asynchronous store whose operations do nothing before the test lets them go. A write is done half when it starts
 * and half when it ends, as by a disk: whoever looks in between sees it torn.
 */
export class HeldStore implements BlockStore {
  readonly blockSize: number;
  readonly blocks: number;
  readonly readOnly = false;
  readonly volatileWriteCache = true;
  readonly thin: boolean;
  readonly synchronous = false;
  /** What waits, oldest first. */
  readonly held: Held[] = [];
  /** Names of all operations, in the order in which they were started. */
  readonly log: string[] = [];
  /** Everything is let go at once. */
  open = false;
  closed = false;
  readonly #memory: MemoryStore;

  constructor(size = 1024 * 1024, blockSize = 512, thin = false) {
    this.#memory = new MemoryStore({ size, blockSize });
    this.blockSize = blockSize;
    this.blocks = this.#memory.blocks;
    this.thin = thin;
  }

  read(position: number, into: Uint8Array, at: number, length: number): Promise<void> {
    return this.#hold('read', position, length, () => this.#memory.read(position, into, at, length));
  }

  write(position: number, data: Uint8Array, from: number, to: number): Promise<void> {
    const middle = from + ((to - from) >>> 1);
    this.#memory.write(position, data, from, middle);
    return this.#hold('write', position, to - from, () =>
      this.#memory.write(position + middle - from, data, middle, to),
    );
  }

  flush(): Promise<void> {
    return this.#hold('flush', 0, 0, () => {});
  }

  discard(position: number, length: number): Promise<void> {
    return this.#hold('discard', position, length, () => this.#memory.discard(position, length));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Lets the oldest operation go. */
  async releaseNext(): Promise<void> {
    await this.held[0]?.release();
  }

  #hold(name: Held['name'], position: number, length: number, work: () => void): Promise<void> {
    this.log.push(name);
    if (this.open) {
      work();
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const entry: Held = {
        name,
        position,
        length,
        release: () => {
          this.held.splice(this.held.indexOf(entry), 1);
          work();
          resolve();
          return settle();
        },
        reject: (error) => {
          this.held.splice(this.held.indexOf(entry), 1);
          reject(error);
          return settle();
        },
      };
      this.held.push(entry);
    });
  }
}

/** How a {@link FaultStore} fails. */
export type Fault = 'throw' | 'reject';

/** A store whose operations of the names in `broken` fail. */
export class FaultStore implements BlockStore {
  readonly blockSize = 512;
  readonly blocks = 2048;
  readonly readOnly = false;
  readonly volatileWriteCache = true;
  readonly thin = true;
  readonly synchronous: boolean;
  readonly broken = new Set<'read' | 'write' | 'flush' | 'discard'>();
  error: unknown = Object.assign(new Error('broken on purpose'), { code: 'EIO' });
  readonly #fault: Fault;
  readonly #memory = new MemoryStore({ size: 2048 * 512 });

  constructor(fault: Fault, synchronous = false) {
    this.#fault = fault;
    this.synchronous = synchronous;
  }

  read(position: number, into: Uint8Array, at: number, length: number): void | Promise<void> {
    return this.#do('read', () => this.#memory.read(position, into, at, length));
  }

  write(position: number, data: Uint8Array, from: number, to: number): void | Promise<void> {
    return this.#do('write', () => this.#memory.write(position, data, from, to));
  }

  flush(): void | Promise<void> {
    return this.#do('flush', () => {});
  }

  discard(position: number, length: number): void | Promise<void> {
    return this.#do('discard', () => this.#memory.discard(position, length));
  }

  close(): void {}

  #do(name: 'read' | 'write' | 'flush' | 'discard', work: () => void): void | Promise<void> {
    if (this.broken.has(name)) {
      if (this.#fault === 'throw') throw this.error;
      return Promise.reject(this.error);
    }
    work();
    return this.synchronous ? undefined : Promise.resolve();
  }
}

/** Ends when everything that promises set going has run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
