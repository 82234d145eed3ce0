import type { IscsiError } from '../errors.ts';
import type { ScsiPort } from '../scsi/port.ts';

/** A logical unit that was opened, with what tells it from others: nothing may be sent to another one in its name. */
export interface PinnedUnit {
  /** Once another logical unit has answered: that error, which is final. */
  readonly replaced: IscsiError | undefined;
  /**
   * Makes sure that it is the same one that answers at `port`.
   * @throws {IscsiError} `ISCSI_IDENTITY` when it is another one; other errors when it could not be told.
   */
  checkIdentity(port: ScsiPort): Promise<void>;
}

const pinned = new WeakMap<ScsiPort, Set<WeakRef<PinnedUnit>>>();

/** A logical unit was opened over a port. It is known for as long as somebody holds it. */
export function pin(port: ScsiPort, unit: PinnedUnit): void {
  const units = pinned.get(port) ?? new Set();
  for (const known of units) if (known.deref() === undefined) units.delete(known);
  units.add(new WeakRef(unit));
  pinned.set(port, units);
}

/** The logical units that are open over a port, but for those that were replaced by others. */
export function pinnedAt(port: ScsiPort): PinnedUnit[] {
  const units = [...(pinned.get(port) ?? [])].map((unit) => unit.deref());
  return units.filter((unit) => unit !== undefined && unit.replaced === undefined) as PinnedUnit[];
}
