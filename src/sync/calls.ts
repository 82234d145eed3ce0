import { ValueError } from '../bytes/value-error.ts';
import { connect, openSession } from '../client/connect.ts';
import { type DiscoveredTarget, discover } from '../client/discover.ts';
import type { ConnectOptions, OpenOptions, UrlLike } from '../client/options.ts';
import type { IscsiLogicalUnit, OperationalParameters, Session } from '../client/session.ts';
import type { RequestOptions, TaskManagementFunction } from '../client/session-requests.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { VpdPageName } from '../scsi/data/vpd-pages.ts';
import type { Lun } from '../scsi/lun.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import type { RangeOptions } from '../unit/block-device.ts';
import type { Capacity } from '../unit/capacity.ts';
import type { Extent, ExtentOptions } from '../unit/extents.ts';
import type { CommandOptions, PositionOptions } from '../unit/options.ts';
import type { ReportedLun } from '../unit/report-luns.ts';
import type { MemoryPlace, ThreadMemory } from './memory.ts';
import { unpack } from './packing.ts';
import { type WrittenValue, writeThrown } from './thrown.ts';

/** How many extents are brought by one call: few calls, and not much that is told in vain when the caller stops. */
const EXTENTS_AT_ONCE = 64;

/** Bytes of a request that lie in shared memory. */
export interface PlacedBytes extends MemoryPlace {
  readonly length: number;
}

/** A command whose data lies in shared memory. */
export interface PlacedRequest extends Omit<ScsiRequest, 'dataIn' | 'dataOut'> {
  readonly dataIn?: PlacedBytes | undefined;
  readonly dataOut?: PlacedBytes | undefined;
}

/** What is known of a session when it is open. */
export interface OpenedSession {
  readonly id: number;
  readonly targetName: string;
  readonly targetPortal: string;
  readonly timeout: number;
}

/** What is known of a logical unit when it is open. */
export interface OpenedUnit {
  readonly id: number;
  readonly lun: Lun;
  readonly lunText: string;
  readonly name: string;
  readonly blockSize: number;
  readonly blocks: number;
  readonly maxTransferBlocks: number;
  readonly inquiryData: Inquiry;
  readonly capacity: Capacity | undefined;
}

/** A target as `discover` gives it, its `problem` written as plain values. */
export type FoundTarget = Omit<DiscoveredTarget, 'problem'> & { readonly problem: WrittenValue | undefined };

/**
 * What the thread has open, and what it can be asked for: each method is a call of the asynchronous interface. Its
 * arguments and results are plain values.
 */
export class Calls {
  readonly #memory: ThreadMemory;
  readonly #sessions = new Map<number, Session>();
  readonly #units = new Map<number, IscsiLogicalUnit>();
  readonly #iterations = new Map<number, AsyncGenerator<Extent, void, undefined>>();
  #nextId = 1;

  constructor(memory: ThreadMemory) {
    this.#memory = memory;
  }

  async connect(url: unknown, options: unknown): Promise<{ session: OpenedSession; unit: OpenedUnit }> {
    const unit = await connect(unpack(url) as UrlLike, unpack(options) as ConnectOptions);
    return { session: this.#addSession(unit.session), unit: this.#addUnit(unit) };
  }

  async openSession(url: unknown, options: unknown): Promise<OpenedSession> {
    return this.#addSession(await openSession(unpack(url) as UrlLike, unpack(options) as ConnectOptions));
  }

  async discover(url: unknown, options: unknown): Promise<FoundTarget[]> {
    const found: FoundTarget[] = [];
    for await (const target of discover(unpack(url) as UrlLike, unpack(options) as ConnectOptions)) {
      found.push({ ...target, problem: target.problem && writeThrown(target.problem) });
    }
    return found;
  }

  async logicalUnit(session: number, lun: Lun | number, options: OpenOptions): Promise<OpenedUnit> {
    return this.#addUnit(await this.#session(session).logicalUnit(lun, options));
  }

  /** Hot, when it has no options but the position. */
  async read(unit: number, { id, offset, length }: PlacedBytes, options: PositionOptions): Promise<number> {
    const { bytesRead } = await this.unit(unit).read(this.#memory.bytesAt(id, offset, length), options);
    return bytesRead;
  }

  /** As `read`. */
  async write(unit: number, { id, offset, length }: PlacedBytes, options: PositionOptions): Promise<number> {
    const { bytesWritten } = await this.unit(unit).write(this.#memory.bytesAt(id, offset, length), options);
    return bytesWritten;
  }

  flush(unit: number, options: CommandOptions): Promise<void> {
    return this.unit(unit).flush(options);
  }

  trim(unit: number, options: RangeOptions): Promise<void> {
    return this.unit(unit).trim(options);
  }

  /** Begins to tell the extents. @returns What `nextExtents` and `endExtents` take. */
  async extents(unit: number, options: ExtentOptions): Promise<number> {
    const id = this.#nextId++;
    this.#iterations.set(id, this.unit(unit).extents(options));
    return id;
  }

  /** The next extents, several at once; none when there are no more. */
  async nextExtents(iteration: number): Promise<Extent[]> {
    const extents: Extent[] = [];
    while (extents.length < EXTENTS_AT_ONCE) {
      const next = await this.#iterations.get(iteration)?.next();
      if (next === undefined || next.done) break;
      extents.push(next.value);
    }
    return extents;
  }

  async endExtents(iteration: number): Promise<void> {
    await this.#iterations.get(iteration)?.return();
    this.#iterations.delete(iteration);
  }

  inquiry(unit: number, page: VpdPageName | number | 'standard', options: CommandOptions): Promise<unknown> {
    const there = this.unit(unit);
    if (page === 'standard') return there.inquiry(page, options);
    return typeof page === 'number' ? there.inquiry(page, options) : there.inquiry(page, options);
  }

  readCapacity(unit: number, options: CommandOptions): Promise<Capacity> {
    return this.unit(unit).readCapacity(options);
  }

  testUnitReady(unit: number, options: CommandOptions): Promise<ScsiResult> {
    return this.unit(unit).testUnitReady(options);
  }

  executeInUnit(unit: number, request: PlacedRequest): Promise<ScsiResult> {
    return this.unit(unit).execute(this.#withBytes(request));
  }

  executeInSession(session: number, lun: Lun | number, request: PlacedRequest): Promise<ScsiResult> {
    return this.#session(session).execute(lun, this.#withBytes(request));
  }

  reportLuns(session: number, options: CommandOptions): Promise<ReportedLun[]> {
    return this.#session(session).reportLuns(options);
  }

  taskManagement(session: number, request: TaskManagementFunction, options: RequestOptions): Promise<number> {
    return this.#session(session).taskManagement(request, options);
  }

  nop(session: number, data: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    return this.#session(session).nop(data, options);
  }

  text(session: number, text: string, options: RequestOptions): Promise<Uint8Array> {
    return this.#session(session).text(text, options);
  }

  async parameters(session: number): Promise<OperationalParameters> {
    return this.#session(session).parameters;
  }

  async isOpen(session: number): Promise<boolean> {
    return this.#session(session).open;
  }

  async closeUnit(unit: number): Promise<void> {
    await this.unit(unit).close();
    this.#units.delete(unit);
  }

  async closeSession(session: number): Promise<void> {
    const closed = this.#session(session);
    this.#sessions.delete(session);
    for (const [id, unit] of this.#units) if (unit.session === closed) this.#units.delete(id);
    await closed.close();
  }

  /** A logical unit that is open. */
  unit(id: number): IscsiLogicalUnit {
    const unit = this.#units.get(id);
    if (unit === undefined) throw new ValueError(`Cannot find logical unit ${id}`);
    return unit;
  }

  #session(id: number): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new ValueError(`Cannot find session ${id}`);
    return session;
  }

  #addSession(session: Session): OpenedSession {
    const id = this.#nextId++;
    this.#sessions.set(id, session);
    const { targetName, targetPortal, timeout } = session;
    return { id, targetName, targetPortal, timeout };
  }

  #addUnit(unit: IscsiLogicalUnit): OpenedUnit {
    const id = this.#nextId++;
    this.#units.set(id, unit);
    const { lun, lunText, name, blockSize, blocks, maxTransferBlocks, inquiryData, capacity } = unit;
    return { id, lun, lunText, name, blockSize, blocks, maxTransferBlocks, inquiryData, capacity };
  }

  #withBytes({ dataIn, dataOut, ...rest }: PlacedRequest): ScsiRequest {
    const bytesOf = ({ id, offset, length }: PlacedBytes): Uint8Array => this.#memory.bytesAt(id, offset, length);
    return {
      ...rest,
      ...(dataIn === undefined ? {} : { dataIn: bytesOf(dataIn) }),
      ...(dataOut === undefined ? {} : { dataOut: bytesOf(dataOut) }),
    };
  }
}

/** The name of a call. */
export type CallName = Exclude<keyof Calls, 'unit'>;
