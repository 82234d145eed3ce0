/** A logical unit: a block store, its names, and what initiators changed about it since power on. */

import type { DataSource } from '../bytes/data-source.ts';
import { ValueError } from '../bytes/value-error.ts';
import { IscsiError } from '../errors.ts';
import type { Clock } from '../scsi/port.ts';
import type { SenseFields } from '../scsi/sense-write.ts';
import { descriptorSense, fixedSense } from '../scsi/sense-write.ts';
import { Attentions, RESET_BY_FUNCTION } from './attentions.ts';
import type { Eventually } from './eventually.ts';
import { type Pace, UNHURRIED } from './pace.ts';
import type { BlockStore } from './store.ts';
import type { Nexus } from './task.ts';
import { TaskOrder } from './task-order.ts';
import { TaskSet } from './task-set.ts';
import type { UnitNames } from './unit-names.ts';
import { unitNamesOf } from './unit-names.ts';

/** What a logical unit is made of, besides its store. */
export interface LogicalUnitOptions {
  /**
   * Unit serial number, 1 to 244 printable ASCII characters. The NAA designator follows from it: keep it the same
   * across restarts.
   */
  readonly serial: string;
  /** T10 vendor identification, at most 8 characters. Default `TSISCSI`. */
  readonly vendor?: string;
  /** Product identification, at most 16 characters. Default `VIRTUAL DISK`. */
  readonly product?: string;
  /** Product revision level, at most 4 characters. Default `0001`. */
  readonly revision?: string;
  /** Physical block length in bytes: the logical one times a power of two up to 2^15. Default: the logical one. */
  readonly physicalBlockLength?: number;
  /** Gives long work its turns. Default: all is done at once, and whoever else is there waits. */
  readonly pace?: Pace;
  /** What `close()` waits by. Default: none, and it waits as long as the store takes. */
  readonly clock?: Clock;
  /** Milliseconds that `close()` waits for commands and for the store. Default 60,000, since a flush may take long. */
  readonly closePatience?: number;
}

/** The most that one command may ask for; reported in the Block Limits page. */
export interface Limits {
  /** MAXIMUM TRANSFER LENGTH, in blocks. */
  readonly transfer: number;
  /** MAXIMUM WRITE SAME LENGTH, in blocks. */
  readonly writeSame: number;
  /** MAXIMUM UNMAP LBA COUNT, in blocks. */
  readonly unmapBlocks: number;
  /** MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT. */
  readonly unmapDescriptors: number;
}

const DEFAULT_CLOSE_PATIENCE = 60_000;
const MAXIMUM_TRANSFER = 8 * 1024 * 1024;
const MAXIMUM_WRITE_SAME = 16 * 1024 * 1024;
const MAXIMUM_UNMAP = 512 * 1024 * 1024;
const MAXIMUM_UNMAP_DESCRIPTORS = 256;

/** One logical unit. It may be in the inventory of several devices, that is, be reached through several targets. */
export class DeviceLogicalUnit {
  readonly store: BlockStore;
  readonly names: UnitNames;
  readonly limits: Limits;
  /** LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT. */
  readonly physicalExponent: number;
  /** Logical block length in bytes. */
  readonly blockSize: number;
  /** As the store has it; kept here because stores are of many classes, which would make each look at it slow. */
  readonly synchronous: boolean;
  /** As the store has it. */
  readonly volatileWriteCache: boolean;
  /** Which tasks of all nexuses may run, by their attributes. */
  readonly taskSet = new TaskSet();
  /** Which commands that run may touch the store together. */
  readonly order = new TaskOrder();
  /** Gives long work its turns. */
  readonly pace: Pace;
  /** What the nexuses are told with their next command. */
  readonly attentions = new Attentions();
  /** The store as the transport pulls from it. */
  readonly source: DataSource;
  /** Number of logical blocks. */
  blocks: number;
  /** STOP was sent: the medium cannot be used before START. */
  stopped = false;
  /** The nexus that has reserved the unit. */
  reservedBy: Nexus | undefined = undefined;
  /** The store fails for good: the medium cannot be used any more. */
  failed = false;
  /** SWP of the Control mode page. */
  softwareWriteProtect = false;
  /** D_SENSE of the Control mode page. */
  descriptorSense = false;
  /** WCE of the Caching mode page: writes may be answered before they are on stable storage. */
  writeCacheEnabled: boolean;
  readonly #clock: Clock | undefined;
  readonly #closePatience: number;
  /** Something was written since the last flush began. */
  #unflushed = false;

  /** @throws {ValueError} When an option cannot be. */
  constructor(store: BlockStore, options: LogicalUnitOptions) {
    const { blockSize } = store;
    this.store = store;
    this.names = unitNamesOf(options.serial, options);
    this.pace = options.pace ?? UNHURRIED;
    this.#clock = options.clock;
    this.#closePatience = options.closePatience ?? DEFAULT_CLOSE_PATIENCE;
    this.blockSize = blockSize;
    this.synchronous = store.synchronous;
    this.volatileWriteCache = store.volatileWriteCache;
    this.blocks = store.blocks;
    this.physicalExponent = exponentOf(options.physicalBlockLength ?? blockSize, blockSize);
    this.writeCacheEnabled = store.volatileWriteCache;
    this.source = {
      copyTo: (offset, into, at, length) => void store.read(offset, into, at, length),
      lender: store.lender,
    };
    this.limits = {
      transfer: MAXIMUM_TRANSFER / blockSize,
      writeSame: MAXIMUM_WRITE_SAME / blockSize,
      unmapBlocks: MAXIMUM_UNMAP / blockSize,
      unmapDescriptors: MAXIMUM_UNMAP_DESCRIPTORS,
    };
  }

  /** Whether writes are refused, by the store or by an initiator. */
  get writeProtected(): boolean {
    return this.store.readOnly || this.softwareWriteProtect;
  }

  /** Whether each write must be flushed before it is answered. */
  get writesThrough(): boolean {
    return this.volatileWriteCache && !this.writeCacheEnabled;
  }

  /** Whether the cache of the store may hold newer blocks than its medium. */
  get cacheIsNewer(): boolean {
    return this.volatileWriteCache && this.#unflushed;
  }

  /** Stores `data[from, to)` at the byte `position`. */
  write(position: number, data: Uint8Array, from: number, to: number): Eventually {
    this.#unflushed = true;
    return this.store.write(position, data, from, to);
  }

  /** Makes `length` bytes from `position` on read as zeros and gives their room back. */
  discard(position: number, length: number): Eventually {
    this.#unflushed = true;
    return this.store.discard(position, length);
  }

  /** Brings everything that was written onto stable storage. */
  flush(): Eventually {
    this.#unflushed = false; // before, not after: what is written meanwhile may not be covered
    try {
      return this.store.flush()?.catch((error: unknown) => {
        this.#unflushed = true;
        throw error;
      });
    } catch (error) {
      this.#unflushed = true;
      throw error;
    }
  }

  /** Sense data in the format that D_SENSE asks for. */
  sense(fields: SenseFields): Uint8Array {
    return this.descriptorSense ? descriptorSense(fields) : fixedSense(fields);
  }

  /**
   * LOGICAL UNIT RESET: what initiators set is as after power on, and each nexus is told. Its tasks have ended by then.
   */
  reset(): void {
    this.stopped = false;
    this.reservedBy = undefined;
    this.softwareWriteProtect = false;
    this.descriptorSense = false;
    this.writeCacheEnabled = this.volatileWriteCache;
    this.attentions.addToAll(RESET_BY_FUNCTION);
  }

  /** Forgets a nexus that has ended, or that does not reach the unit any more. */
  nexusEnded(nexus: Nexus): void {
    this.attentions.end(nexus);
    if (this.reservedBy === nexus) this.reservedBy = undefined;
  }

  /** Instead of {@link close}, where nobody was served: takes away again what opening the store has made. */
  async abandon(): Promise<void> {
    if (this.store.abandon === undefined) await this.close();
    else await this.store.abandon();
  }

  /**
   * Waits for commands in flight, and closes the store.
   *
   * @throws {IscsiError} `ISCSI_TIMEOUT` when that takes longer than the patience: it goes on, but nobody waits for it
   *   any more. The error of the store otherwise.
   */
  async close(): Promise<void> {
    const closing = this.order.whenIdle().then(() => this.store.close());
    const clock = this.#clock;
    if (clock === undefined) return closing;
    await new Promise<void>((resolve, reject) => {
      const stop = clock.after(this.#closePatience, () => reject(this.#stuck()));
      closing.finally(stop).then(resolve, reject);
    });
  }

  #stuck(): IscsiError {
    const { unfinished } = this.order;
    const what = unfinished > 0 ? `has not ended ${unfinished} of its commands` : 'does not close';
    return new IscsiError(
      'ISCSI_TIMEOUT',
      `Cannot close the logical unit with serial number ${this.names.serial}: within ${this.#closePatience} ms its store ${what}`,
      { hint: 'what was written may not be on stable storage' },
    );
  }
}

function exponentOf(physical: number, logical: number): number {
  const exponent = Math.log2(physical / logical);
  if (!Number.isInteger(exponent) || exponent < 0 || exponent > 15) {
    throw new ValueError(
      `Cannot use physical blocks of ${physical} bytes: ${logical} times a power of two from 1 to 32768 allowed`,
    );
  }
  return exponent;
}
