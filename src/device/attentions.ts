/**
 * What a logical unit has to tell an I_T nexus with the next command: unit attentions and deferred errors (SAM, "Unit
 * attention condition"; SPC, "Deferred errors"). INQUIRY, REPORT LUNS and REQUEST SENSE are not stopped by them.
 */

import type { SenseFields } from '../scsi/sense-write.ts';
import { ASC_ASCQ } from '../spec/asc-ascq.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import type { Nexus } from './task.ts';

/** The session is new to the logical unit. Initiators look for this code rather than for the narrower 29/01. */
export const POWER_ON = attention(ASC_ASCQ.POWER_ON_RESET_OR_BUS_DEVICE_RESET_OCCURRED);
/** LOGICAL UNIT RESET, or TARGET RESET. */
export const RESET_BY_FUNCTION = attention(ASC_ASCQ.BUS_DEVICE_RESET_FUNCTION_OCCURRED);
/** MODE SELECT by another nexus. */
export const MODE_PARAMETERS_CHANGED = attention(ASC_ASCQ.MODE_PARAMETERS_CHANGED);
/** The number of blocks is another one now. */
export const CAPACITY_CHANGED = attention(ASC_ASCQ.CAPACITY_DATA_HAS_CHANGED);
/** A logical unit was added or taken away. */
export const INVENTORY_CHANGED = attention(ASC_ASCQ.REPORTED_LUNS_DATA_HAS_CHANGED);

const RESET_CODES = 0x29;

/** The waiting messages of one logical unit, by nexus. Each is kept once, so the queues stay short. */
export class Attentions {
  readonly #queues = new Map<Nexus, SenseFields[]>();
  #count = 0;

  /** True when some nexus has something waiting. Hot. */
  get any(): boolean {
    return this.#count > 0;
  }

  /** The nexuses that the logical unit has a queue for: all that reach it, over whichever target. */
  nexuses(): readonly Nexus[] {
    return [...this.#queues.keys()];
  }

  /** A nexus to keep a queue for, with what it is told first. */
  start(nexus: Nexus, first: SenseFields): void {
    if (!this.#queues.has(nexus)) this.#queues.set(nexus, []);
    this.add(nexus, first);
  }

  /** Forgets a nexus. */
  end(nexus: Nexus): void {
    this.#count -= this.#queues.get(nexus)?.length ?? 0;
    this.#queues.delete(nexus);
  }

  /**
   * Queues `message` for one nexus. A reset says all that waiting unit attentions would say, so it takes their place.
   */
  add(nexus: Nexus, message: SenseFields): void {
    const queue = this.#queues.get(nexus);
    if (!queue || queue.includes(message)) return;
    if (message.asc === RESET_CODES) {
      const kept = queue.filter((waiting) => waiting.senseKey !== SENSE_KEY.UNIT_ATTENTION);
      this.#count -= queue.length - kept.length;
      queue.splice(0, queue.length, message, ...kept);
    } else queue.push(message);
    this.#count++;
  }

  /** Queues `message` for all nexuses but `except`. */
  addToAll(message: SenseFields, except?: Nexus): void {
    for (const nexus of this.#queues.keys()) if (nexus !== except) this.add(nexus, message);
  }

  /** The next message for the nexus, which is then told. */
  take(nexus: Nexus): SenseFields | undefined {
    const message = this.#queues.get(nexus)?.shift();
    if (message) this.#count--;
    return message;
  }

  /** Takes `message` back: the nexus got to know otherwise. */
  withdraw(nexus: Nexus, message: SenseFields): void {
    const queue = this.#queues.get(nexus);
    const at = queue?.indexOf(message) ?? -1;
    if (at < 0) return;
    queue?.splice(at, 1);
    this.#count--;
  }
}

function attention(code: { readonly asc: number; readonly ascq: number }): SenseFields {
  return { senseKey: SENSE_KEY.UNIT_ATTENTION, asc: code.asc, ascq: code.ascq };
}
