/**
 * Which commands of a logical unit are admitted to its store, when those who send them want more than it does at once.
 *
 * The nexuses take turns by bytes (deficit round robin): in each round one may have so many bytes touched, and what it
 * does not use up while it has more to do is added to its next turn. So a short command of one is admitted within a
 * round, whatever the others have sent.
 */
import { WaitingList } from './waiting-list.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** How many bytes may be on their way to and from the store: some milliseconds of a file in the page cache. */
const STORE_BYTES = 8 * MiB;
/** How many bytes of one nexus may be admitted. */
const NEXUS_BYTES = 4 * MiB;
/** No command counts for more, or for less: one has to be admitted, and is never free. */
const MOST_COUNTED = MiB;
const LEAST_COUNTED = 4 * KiB;
/** What a nexus gets in each round. */
const QUANTUM = 256 * KiB;

/** A command that wants to be admitted. */
export interface Applicant<Item> {
  /** Whose it is. */
  readonly line: Line<Item>;
  /** What it counts for, in bytes: see {@link countedBytes}. */
  readonly bytes: number;
  /** Whether it works in slices whose time is shared out otherwise, so that it takes none of the store's for long. */
  readonly paced: boolean;
}

/** The commands of one nexus that want to be admitted. */
export class Line<Item> {
  readonly waiting = new WaitingList<Item>();
  /** Bytes that its admitted commands count for. */
  admitted = 0;
  /** Bytes that are left of its turn. */
  credit = 0;
}

/** What a command counts for that touches so many bytes. */
export function countedBytes(bytes: number): number {
  return Math.min(MOST_COUNTED, Math.max(LEAST_COUNTED, bytes));
}

/** The commands of all nexuses that want to be admitted, or are. */
export class Turns<Item extends Applicant<Item>> {
  readonly #lines = new WaitingList<Line<Item>>();
  #storeBytes = 0;

  /** Admits a command at once if nobody waits and there is room. Hot for a store that takes its time. */
  admit(item: Item): boolean {
    if (this.#lines.size > 0 || !this.#hasRoom(item.line)) return false;
    this.#count(item, 1);
    return true;
  }

  /** Lets a command wait until {@link next} returns it. */
  wait(item: Item): void {
    const { line } = item;
    if (line.waiting.size === 0) line.credit = QUANTUM; // a short command goes in the round that it comes in
    line.waiting.add(item);
    this.#lines.add(line);
  }

  /** The one whose turn it is, which is admitted by that; undefined when nobody is to be admitted now. */
  next(): Item | undefined {
    for (let line = this.#lines.first; line !== undefined; line = this.#lines.first) {
      const { first } = line.waiting;
      if (this.#storeBytes >= STORE_BYTES) return undefined;
      if (first === undefined || line.admitted >= NEXUS_BYTES) {
        this.#lines.delete(line); // until one of its commands has ended
        continue;
      }
      if (line.credit >= first.bytes || this.#lines.size === 1) return this.#take(line, first);
      line.credit += QUANTUM;
      this.#lines.delete(line);
      this.#lines.add(line);
    }
    return undefined;
  }

  /** A command that was admitted has ended. */
  leave(item: Item): void {
    this.#count(item, -1);
    if (item.line.waiting.size > 0) this.#lines.add(item.line);
  }

  #take(line: Line<Item>, item: Item): Item {
    line.waiting.delete(item);
    line.credit = Math.max(0, line.credit - item.bytes);
    if (line.waiting.size === 0) this.#lines.delete(line);
    this.#count(item, 1);
    return item;
  }

  #hasRoom(line: Line<Item>): boolean {
    return this.#storeBytes < STORE_BYTES && line.admitted < NEXUS_BYTES;
  }

  #count({ line, bytes, paced }: Item, sign: 1 | -1): void {
    line.admitted += sign * bytes;
    if (!paced) this.#storeBytes += sign * bytes;
  }
}
