import { IndexedRange, RangeIndex } from './range-index.ts';

/** What a command does to its range. A flush waits for earlier writes and is not waited for. */
export type Access = 'read' | 'write' | 'flush';

/** The place of a command in an order: its range there, and how late it came. */
export class Claim<Owner> extends IndexedRange {
  readonly access: Access;
  readonly owner: Owner;

  constructor(owner: Owner, access: Access, from: number, to: number, number: number) {
    super(from, to, number);
    this.owner = owner;
    this.access = access;
  }
}

/** The ranges of bytes that commands use, in the order in which they came here, and who keeps whom waiting. */
export class Claims<Owner> {
  readonly #reads = new RangeIndex<Claim<Owner>>();
  readonly #writes = new RangeIndex<Claim<Owner>>();
  #number = 0;

  /** Gives a command the last place. */
  add(owner: Owner, access: Access, from: number, to: number): Claim<Owner> {
    const claim = new Claim(owner, access, from, to, this.#number++);
    if (access === 'read') this.#reads.add(claim);
    else if (access === 'write') this.#writes.add(claim);
    return claim;
  }

  /** Takes back a place that `add` gave. */
  remove(claim: Claim<Owner>): void {
    if (claim.access === 'read') this.#reads.remove(claim);
    else if (claim.access === 'write') this.#writes.remove(claim);
  }

  /** One of those before a claim that overlap it, where one of the two writes: whichever is found first. */
  blockerOf({ access, from, to, number }: Claim<Owner>): Owner | undefined {
    const read = access === 'write' ? this.#reads.find(from, to, number) : undefined;
    return (read ?? this.#writes.find(from, to, number))?.owner;
  }
}
