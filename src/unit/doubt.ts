import { IscsiError } from '../errors.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { Sense } from '../scsi/sense.ts';

/** How often something was noted. Only grows. */
interface Count {
  value: number;
}

/**
 * What was noted about devices and about single logical units, by `port.device` and by port. Only of those of which
 * somebody wants to know it.
 */
const counts = new WeakMap<object, Count>();

const LOGICAL_UNIT_NOT_SUPPORTED = 0x25;
const MEDIUM_MAY_HAVE_CHANGED = 0x28;
const MEDIUM_NOT_PRESENT = 0x3a;
const CAPACITY_CHANGED = 0x2a09;
const OPERATING_CONDITIONS_CHANGED = 0x3f;
const REPORTED_LUNS_CHANGED = 0x3f0e;

/**
 * Whether it is still certain which logical unit answers at a port.
 *
 * Doubt is a matter of the whole device: a target may swap one logical unit and say so on another, since it tells each
 * initiator of a changed list once. So whoever meets such an answer notes it, and all that are open over ports of that
 * device look again before they send anything.
 */
export class Certainty {
  readonly #device: Count;
  readonly #unit: Count;
  #asOf: number;

  constructor(port: ScsiPort) {
    this.#device = countOf(port.device);
    this.#unit = countOf(port);
    this.#asOf = this.mark;
  }

  /** True when something was noted since the moment for which it is certain. On the hot path of each command. */
  get doubtful(): boolean {
    return this.#device.value + this.#unit.value !== this.#asOf;
  }

  /** This moment, for `confirm`. */
  get mark(): number {
    return this.#device.value + this.#unit.value;
  }

  /** Nobody knows any more who answers at the port: whoever is open over it looks again. */
  doubt(): void {
    this.#unit.value++;
  }

  /** It is certain which logical unit answered at a moment: whatever was noted later still counts. */
  confirm(mark: number): void {
    this.#asOf = mark;
  }
}

/**
 * A guarded command was taken back before it was sent: it may be sent once it is certain again which logical unit
 * answers. No caller ever sees it.
 */
export class Recalled extends IscsiError {
  constructor() {
    super('ISCSI_IDENTITY', 'A command was taken back: it is in doubt which logical unit answers');
  }
}

/**
 * What a command ends with that was taken back: undefined when it may be sent as a new one. Not so a write that was
 * sent in a session that was lost meanwhile: a new one would come after all that was written since.
 */
export function errorOfRecalled(error: Recalled, writes: boolean): IscsiError | undefined {
  if (!writes || error.commandSent !== true) return undefined;
  return new IscsiError(
    'ISCSI_CONNECTION_LOST',
    'Cannot tell whether the write took effect: it was sent in a session that was lost, and cannot be sent again while it is in doubt which logical unit answers',
    { commandSent: true, hint: 'read the blocks, or write them again' },
  );
}

/** Notes what the sense data of an outcome says about who answers. To be called with each; most have none. */
export function noteSense(port: ScsiPort, sense: Sense | undefined): void {
  if (sense === undefined) return;
  const subject = doubtfulAfter(sense);
  if (subject !== undefined) note(port, subject);
}

/** Notes sense data that came unasked (RFC 7143 §11.9): which logical unit it is about is not known here. */
export function noteEvent(port: ScsiPort, sense: Sense): void {
  if (doubtfulAfter(sense) !== undefined) note(port, 'device');
}

/**
 * The port leads to a new session from now on: whoever answers there need not be who answered before. For ports over
 * which nothing is open yet; a logical unit that is being opened there looks again before it sends anything else.
 */
export function noteNewSession(port: ScsiPort): void {
  const count = counts.get(port);
  if (count !== undefined) count.value++;
}

function note(port: ScsiPort, subject: 'device' | 'unit'): void {
  const count = counts.get(subject === 'device' ? port.device : port);
  if (count === undefined) return;
  count.value++;
  port.recallUnsent?.(new Recalled());
}

/**
 * What is in doubt after such an answer. A logical unit that does not exist, or has no medium, may be another one when
 * it answers again.
 */
function doubtfulAfter({ senseKey, asc, ascq }: Sense): 'device' | 'unit' | undefined {
  switch (senseKey) {
    case 0x02:
      return asc === MEDIUM_NOT_PRESENT ? 'unit' : undefined;
    case 0x05:
      return asc === LOGICAL_UNIT_NOT_SUPPORTED ? 'unit' : undefined;
    case 0x06: {
      const code = (asc << 8) | ascq;
      if (code === REPORTED_LUNS_CHANGED) return 'device';
      const changed = asc === MEDIUM_MAY_HAVE_CHANGED || asc === OPERATING_CONDITIONS_CHANGED;
      return changed || code === CAPACITY_CHANGED ? 'unit' : undefined;
    }
    default:
      return undefined;
  }
}

function countOf(subject: object): Count {
  const count = counts.get(subject) ?? { value: 0 };
  counts.set(subject, count);
  return count;
}
