import { IscsiError, ProtocolError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';

const SLOT_BITS = 16;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;
const GENERATION_MASK = 0xffff;

/** Something that waits for an answer under an Initiator Task Tag. */
export interface TagHolder {
  initiatorTaskTag: number;
}

/**
 * Initiator Task Tags and what they stand for. A tag is a slot (low half) and a generation (high half): look-up is an
 * array access, and an answer that comes after its task was given up is recognised and dropped instead of being taken
 * for another task's.
 */
export class TagTable<T extends TagHolder> {
  readonly #slots: (T | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #count = 0;

  /** How many tasks wait for an answer. */
  get size(): number {
    return this.#count;
  }

  /** Whether no tag is left. */
  get full(): boolean {
    return this.#count === SLOTS;
  }

  /**
   * Gives `entry` a tag that no live task has.
   * @throws {IscsiError} `ISCSI_USAGE` when 65536 tasks are waiting.
   */
  add(entry: T): void {
    let slot = this.#free.pop();
    if (slot === undefined) {
      slot = this.#slots.length;
      if (slot === SLOTS)
        throw new IscsiError('ISCSI_USAGE', `Cannot queue another command: ${SLOTS} are waiting already`);
      this.#generations.push(0);
      this.#slots.push(undefined);
    }
    let generation = ((this.#generations[slot] ?? 0) + 1) & GENERATION_MASK;
    if (generation === GENERATION_MASK && slot === SLOT_MASK) generation = 0; // would be the reserved tag
    this.#generations[slot] = generation;
    this.#slots[slot] = entry;
    entry.initiatorTaskTag = ((generation << SLOT_BITS) | slot) >>> 0;
    this.#count++;
  }

  /** Takes `entry` out; answers that still come for its tag are stale from now on. */
  remove(entry: T): void {
    const slot = entry.initiatorTaskTag & SLOT_MASK;
    if (this.#slots[slot] !== entry) return;
    this.#slots[slot] = undefined;
    this.#free.push(slot);
    this.#count--;
  }

  /**
   * The task of a tag that the target sent, or undefined when it was given up earlier.
   * @throws {ProtocolError} When the tag was never given out.
   */
  find(tag: number): T | undefined {
    const entry = this.#slots[tag & SLOT_MASK];
    if (entry !== undefined && entry.initiatorTaskTag === tag) return entry;
    const generation = this.#generations[tag & SLOT_MASK];
    const age = generation === undefined ? -1 : ((generation - (tag >>> SLOT_BITS)) << 16) >> 16; // generations wrap
    if (tag === RESERVED_TAG || age < 0) {
      throw new ProtocolError(`Cannot match Initiator Task Tag 0x${tag.toString(16)}: no task ever had it`, {
        clause: '11.2.1.8',
      });
    }
    return undefined;
  }

  /** Calls `visit` with each waiting task. Tasks may be removed meanwhile. */
  forEach(visit: (entry: T) => void): void {
    for (const entry of this.#slots) if (entry !== undefined) visit(entry);
  }
}
