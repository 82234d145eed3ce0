import { WaitingList } from '../device/waiting-list.ts';
import { IscsiError } from '../errors.ts';
import { WriteBuffers } from './write-buffers.ts';

/** Bytes of a budget unless told otherwise. */
export const DEFAULT_MEMORY_BUDGET = 256 * 1024 * 1024;
/** The smallest budget that lets the longest command (8 MiB) pass when nobody else needs anything. */
const LEAST_MEMORY_BUDGET = 32 * 1024 * 1024;
/** How many connections can have their own part of a budget at the same time. */
const OWN_PARTS = 1024;
/** As long as no more than this part of the shared half is in use, nobody has to ask for room for one command. */
const PLENTY = 1 / 4;
/** Of a budget this part may be kept as write buffers that nobody uses. */
const KEPT_PART = 16;

/**
 * Bounds the memory that the connections of a process take for data on its way: what waits to be sent, what is being
 * read, what was written and is not stored.
 *
 * Half of it is divided into equal parts, one for each connection: whatever others do, that much is there. The other
 * half is for those who need more, and nobody gets more of it than is then left. So one alone gets half of it, two a
 * third each, and whoever comes late finds room at once.
 *
 * Loans and parts are counted in bytes by whoever takes them; nothing is allocated here.
 */
export class MemoryBudget {
  readonly limit: number;
  /** Whether so much of the shared half is in use that whoever needs more has to ask. */
  scarce = false;
  /** What a connection can always have. */
  readonly ownPart: number;
  /** Write buffers that nobody uses at the moment. */
  readonly buffers: WriteBuffers;
  readonly #shared: number;
  #sharedUsed = 0;
  #used = 0;
  readonly #waiting = new WaitingList<MemoryShare>();
  #sweeping = false;

  constructor(limit = DEFAULT_MEMORY_BUDGET) {
    this.limit = limit;
    this.#shared = limit / 2;
    this.ownPart = Math.floor(this.#shared / OWN_PARTS);
    this.buffers = new WriteBuffers(limit / KEPT_PART);
  }

  /** Bytes that are in use by all. */
  get used(): number {
    return this.#used;
  }

  /** What is left of the shared half. */
  get sharedLeft(): number {
    return this.#shared - this.#sharedUsed;
  }

  /** The share of a connection. @param retry Called when there is room again for one that waits. */
  share(retry: () => void): MemoryShare {
    return new MemoryShare(this, retry);
  }

  /** Notes that a share has grown or shrunk. Hot path. */
  count(bytes: number, sharedBytes: number): void {
    this.#used += bytes;
    if (sharedBytes !== 0) {
      this.#sharedUsed += sharedBytes;
      this.scarce = this.#sharedUsed > this.#shared * PLENTY;
    }
    if (bytes < 0 && this.#waiting.size > 0) this.#sweep();
  }

  /** Notes that a share waits for room. */
  wait(share: MemoryShare): void {
    this.#waiting.add(share);
  }

  /** Takes a share off the list of those that wait. */
  stopWaiting(share: MemoryShare): void {
    this.#waiting.delete(share);
  }

  /** Everybody who waits tries once; who finds no room waits again, behind the others. */
  #sweep(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      for (let left = this.#waiting.size; left > 0; left--) {
        const { first } = this.#waiting;
        if (first === undefined) return;
        this.#waiting.delete(first);
        first.retry();
      }
    } finally {
      this.#sweeping = false;
    }
  }
}

/** What one connection takes of a budget. */
export class MemoryShare {
  /** Called when there is room again. */
  readonly retry: () => void;
  readonly #budget: MemoryBudget;
  #used = 0;

  constructor(budget: MemoryBudget, retry: () => void) {
    this.#budget = budget;
    this.retry = retry;
  }

  /** See {@link MemoryBudget.scarce}. */
  get scarce(): boolean {
    return this.#budget.scarce;
  }

  /** Bytes that it has taken. */
  get used(): number {
    return this.#used;
  }

  /** Takes bytes, or gives them back when there are fewer than 0. Whether there is room was asked before. Hot path. */
  add(bytes: number): void {
    const { ownPart } = this.#budget;
    const before = Math.max(0, this.#used - ownPart);
    this.#used += bytes;
    this.#budget.count(bytes, Math.max(0, this.#used - ownPart) - before);
  }

  /** Whether it may take so many bytes more. Hot path. */
  hasRoom(bytes: number): boolean {
    const { ownPart, sharedLeft } = this.#budget;
    const after = this.#used + bytes - ownPart;
    return after <= 0 || after <= sharedLeft - (after - Math.max(0, this.#used - ownPart));
  }

  /** `retry` will be called when somebody has given something back. */
  wait(): void {
    this.#budget.wait(this);
  }

  /** `retry` will not be called any more. What is still in use stays counted until it is given back. */
  close(): void {
    this.#budget.stopWaiting(this);
  }
}

/**
 * A budget of so many bytes.
 * @throws {IscsiError} `ISCSI_USAGE` when it would not let the longest command pass.
 */
export function memoryBudgetOf(bytes: number): MemoryBudget {
  if (Number.isSafeInteger(bytes) && bytes >= LEAST_MEMORY_BUDGET) return new MemoryBudget(bytes);
  throw new IscsiError(
    'ISCSI_USAGE',
    `Cannot use ${bytes} bytes as bufferMemory: at least ${LEAST_MEMORY_BUDGET} allowed`,
  );
}
