/** A store in RAM that outlives its target and says what was written to it that must not have been. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStore } from '../../src/device/memory-store.ts';
import type { BlockStore } from '../../src/device/store.ts';

export const BLOCK = 512;

/** What a block of the load says about itself. */
export interface Stamp {
  /** 0 for a block that was never written. */
  readonly version: number;
  /** Whether it may be written once and no more. */
  readonly once: boolean;
  /** Written at the same time as the version before: which of both comes last nobody says. */
  readonly paired: boolean;
}

const ONCE = 1;
const PAIRED = 2;

/** Makes all of `bytes` say the same. */
export function stamp(bytes: Uint8Array, { version, once, paired }: Stamp): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = (once ? ONCE : 0) | (paired ? PAIRED : 0);
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    view.setUint32(at, version);
    view.setUint32(at + 4, flags);
  }
}

/** What a block says. @throws {Error} When it is made of two. */
export function readStamp(bytes: Uint8Array): Stamp {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, flags] = [view.getUint32(0), view.getUint32(4)];
  for (let at = 8; at + 8 <= bytes.length; at += 8) {
    if (view.getUint32(at) !== version || view.getUint32(at + 4) !== flags) {
      throw new Error(`a block is torn: version ${version} at 0, ${view.getUint32(at)} at ${at}`);
    }
  }
  return { version, once: (flags & ONCE) !== 0, paired: (flags & PAIRED) !== 0 };
}

/** Looks at each write. */
export class WatchedStore implements BlockStore {
  readonly blockSize = BLOCK;
  readonly readOnly = false;
  readonly volatileWriteCache = false;
  readonly thin = false;
  readonly synchronous: boolean;
  readonly blocks: number;
  /** What was done that must not be, in words. */
  readonly wrong: string[] = [];
  /** Blocks that were written more than once with the same content. */
  repeated = 0;
  readonly #store: MemoryStore;
  readonly #latency: (() => number) | undefined;
  /** By block: its versions, oldest first. */
  readonly #history = new Map<number, number[]>();

  /** @param latency Milliseconds that a write takes: one may then be under way when its session ends. */
  constructor(blocks: number, latency?: () => number) {
    this.blocks = blocks;
    this.synchronous = latency === undefined;
    this.#latency = latency;
    this.#store = new MemoryStore({ size: blocks * BLOCK, blockSize: BLOCK });
  }

  read(position: number, into: Uint8Array, at: number, length: number): void {
    this.#store.read(position, into, at, length);
  }

  write(position: number, data: Uint8Array, from: number, to: number): void | Promise<void> {
    if (this.#latency === undefined) return this.#write(position, data, from, to);
    return sleep(this.#latency()).then(() => this.#write(position, data, from, to));
  }

  #write(position: number, data: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at += BLOCK) {
      this.#look((position + at - from) / BLOCK, readStamp(data.subarray(at, at + BLOCK)));
    }
    this.#store.write(position, data, from, to);
  }

  flush(): void {
    // Nothing is volatile here.
  }

  discard(position: number, length: number): void {
    this.#store.discard(position, length);
  }

  close(): void {
    // The disk stays when its target goes.
  }

  #look(block: number, { version, once, paired }: Stamp): void {
    const versions = this.#history.get(block) ?? [];
    const last = versions.at(-1) ?? 0;
    if (version === last) {
      this.repeated++;
      if (once) this.wrong.push(`block ${block}: version ${version} was written twice, and must not be`);
      return;
    }
    const beside = paired && version === last - 1 && !versions.includes(version);
    if (version < last && !beside) this.wrong.push(`block ${block}: version ${version} came after ${last}`);
    versions.push(version);
    this.#history.set(block, versions);
  }
}
