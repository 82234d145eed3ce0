import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { VpdPage, VpdPageName } from '../scsi/data/vpd-pages.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import { command } from './attempts.ts';
import type { BlockDevice, BytesRead, BytesWritten, RangeOptions } from './block-device.ts';
import { moveBlocks, moveManyBlocks } from './block-transfer.ts';
import { type Capacity, readCapacity } from './capacity.ts';
import { execute } from './execute.ts';
import { synchronizeCache } from './flush.ts';
import { type Identity, readIdentity, requireSame } from './identity.ts';
import { anyVpdPage, type RawPage, standardInquiry, vpdPage } from './inquiry.ts';
import { type CommandOptions, type PositionOptions, timeProblem } from './options.ts';
import { type Probe, type ProbeOptions, probe } from './probe.ts';
import { trimBlocks } from './trim.ts';
import { readUnaligned, writeUnaligned } from './unaligned.ts';
import { gateOf, type WriteGate } from './write-gate.ts';

/** Blocks that one command moves where the device names no limit: 4 MiB of 512-byte blocks. */
const DEFAULT_TRANSFER_BYTES = 4 * 1024 * 1024;

/**
 * One logical unit, as a block device: bytes at any position, in any length, over any port. Opened by
 * `LogicalUnit.open()`; over iSCSI by `connect()` or `session.logicalUnit()`.
 *
 * Buffers given to it belong to it until the promise settles. Nothing is cached here: when `write` has settled, the
 * target has the data; when `flush` has settled, it is on stable storage.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * await lun.write(Buffer.from('hello'), { position: 1000 });
 * const { buffer } = await lun.read(new Uint8Array(5), { position: 1000 });
 * buffer; // hex 68 65 6c 6c 6f
 */
export class LogicalUnit implements BlockDevice, AsyncDisposable {
  /** What carries its commands. */
  readonly port: ScsiPort;
  /** @internal What was learned when it was opened. */
  readonly probed: Probe;
  /** Bytes of one logical block; 0 for a device without blocks. */
  readonly blockSize: number;
  /** Number of logical blocks. */
  readonly blocks: number;
  /** Size in bytes. */
  readonly size: number;
  /** Blocks that one command moves at the most. */
  readonly maxTransferBlocks: number;
  /** @internal */
  readonly gate: WriteGate;

  #replaced: IscsiError | undefined;
  #doubtful = false;
  #verifying: Promise<void> | undefined;

  /**
   * Looks at the logical unit behind a port and opens it. The port stays the caller's to close.
   *
   * @param options `signal` and `timeout` are for each question on the way.
   * @throws {IscsiError} `ISCSI_LUN_NOT_FOUND`, with the LUNs that there are where `inventory` can tell.
   * @example
   * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
   * const again = await LogicalUnit.open(lun.port);
   * again.size; // 67108864
   */
  static async open(port: ScsiPort, options: ProbeOptions = {}): Promise<LogicalUnit> {
    return new LogicalUnit(port, await probe(port, options));
  }

  /** For classes that add to it what their port can do besides. Use `open()`. */
  protected constructor(port: ScsiPort, probed: Probe) {
    this.port = port;
    this.probed = probed;
    this.gate = gateOf(port);
    this.blockSize = probed.capacity?.blockSize ?? 0;
    this.blocks = probed.capacity?.blocks ?? 0;
    this.size = this.blocks * this.blockSize;
    const limit = probed.blockLimits?.maximumTransferLength ?? 0;
    const usual = Math.max(1, Math.floor(DEFAULT_TRANSFER_BYTES / Math.max(1, this.blockSize)));
    this.maxTransferBlocks = limit === 0 ? usual : Math.min(limit, usual);
  }

  /** What messages call it, such as `LUN 0`. */
  get name(): string {
    return this.port.unitName;
  }

  /** Standard INQUIRY data, as of opening. */
  get inquiryData(): Inquiry {
    return this.probed.inquiryData;
  }

  /** What READ CAPACITY told when it was opened; undefined for a device without blocks, or without a medium. */
  get capacity(): Capacity | undefined {
    return this.probed.capacity;
  }

  /** Peripheral device type: 0 for a disk. */
  get deviceType(): number {
    return this.probed.inquiryData.peripheralDeviceType;
  }

  /** Whether it can be read and written by `read` and `write`. */
  get isBlockDevice(): boolean {
    return this.blockSize > 0;
  }

  /** Whether the medium can be taken out. */
  get removable(): boolean {
    return this.probed.inquiryData.rmb;
  }

  /**
   * Fills `buffer` from `position` on. At the end of the logical unit fewer bytes are read, behind it none.
   * Bytes of `buffer` behind `bytesRead` are left alone.
   *
   * @throws {ScsiStatusError} When the target could not read. `IscsiError` with `ISCSI_TIMEOUT`, `ISCSI_ABORTED`,
   *   `ISCSI_CONNECTION_LOST`, `ISCSI_IDENTITY` (another logical unit answers) otherwise.
   */
  read<B extends Uint8Array>(buffer: B, options: PositionOptions): Promise<BytesRead<B>> {
    const { position } = options;
    const problem = this.#problem(options);
    if (problem !== undefined) return Promise.reject(problem);
    const bytesRead = Math.max(0, Math.min(buffer.length, this.size - position));
    const result = { bytesRead, buffer };
    if (bytesRead === 0) return Promise.resolve(result);
    const { blockSize } = this;
    if (position % blockSize !== 0 || bytesRead % blockSize !== 0)
      return readUnaligned(this, buffer.subarray(0, bytesRead), options).then(() => result);
    const target = bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
    if (bytesRead <= this.maxTransferBlocks * blockSize) return moveBlocks(this, 'read', target, options, result);
    return moveManyBlocks(this, 'read', target, options).then(() => result);
  }

  /**
   * Writes all of `buffer` at `position`. What does not cover whole blocks is read, changed and written back; other
   * writes of this logical unit wait meanwhile.
   *
   * @throws {IscsiError} `ISCSI_USAGE` when it would reach beyond the end: nothing is written then. Errors as for
   *   `read`; after an error any part of the range may have been written.
   */
  write<B extends Uint8Array>(buffer: B, options: PositionOptions): Promise<BytesWritten<B>> {
    const { position } = options;
    const problem = this.#problem(options) ?? this.#beyondEnd(position, buffer.length);
    if (problem !== undefined) return Promise.reject(problem);
    const result = { bytesWritten: buffer.length, buffer };
    if (buffer.length === 0) return Promise.resolve(result);
    const { blockSize } = this;
    if (position % blockSize !== 0 || buffer.length % blockSize !== 0) {
      return this.gate.alone(() => writeUnaligned(this, buffer, options)).then(() => result);
    }
    if (!this.gate.open) return this.gate.opened().then(() => this.write(buffer, options));
    this.gate.enter();
    if (buffer.length <= this.maxTransferBlocks * blockSize)
      return moveBlocks(this, 'gatedWrite', buffer, options, result);
    return moveManyBlocks(this, 'write', buffer, options)
      .finally(() => this.gate.leave())
      .then(() => result);
  }

  /** Makes sure that everything written before is on stable storage (SYNCHRONIZE CACHE). */
  flush(options: CommandOptions = {}): Promise<void> {
    return synchronizeCache(this, options);
  }

  /**
   * Gives room back: the whole blocks inside `position` and `length`. What they read as afterwards is up to the target
   * (zeros, for most).
   * @throws {IscsiError} `ISCSI_USAGE` when the logical unit is not thinly provisioned.
   */
  async trim(options: RangeOptions): Promise<void> {
    const { position, length, ...rest } = options;
    const problem = this.#problem(options) ?? this.#beyondEnd(position, length);
    if (problem !== undefined) throw problem;
    const first = Math.ceil(position / this.blockSize);
    const end = Math.floor((position + length) / this.blockSize);
    if (end > first) await this.gate.alone(() => trimBlocks(this, first, end - first, rest));
  }

  /** Standard INQUIRY data, or a VPD page: decoded by name; by number raw where it is not known here. */
  inquiry(page?: 'standard', options?: CommandOptions): Promise<Inquiry>;
  inquiry<N extends VpdPageName>(page: N, options?: CommandOptions): Promise<VpdPage<N>>;
  inquiry(page: number, options?: CommandOptions): Promise<VpdPage<VpdPageName> | RawPage>;
  inquiry(page: 'standard' | VpdPageName | number = 'standard', options: CommandOptions = {}): Promise<unknown> {
    if (page === 'standard') return standardInquiry(this.port, options);
    if (typeof page === 'number') return anyVpdPage(this.port, page, options);
    return vpdPage(this.port, page, options);
  }

  /** Asks for the capacity anew. `size` stays what it was when the logical unit was opened. */
  readCapacity(options: CommandOptions = {}): Promise<Capacity> {
    return readCapacity(this.port, options);
  }

  /** TEST UNIT READY; unit attentions are swallowed. @throws {ScsiStatusError} When it is not ready. */
  testUnitReady(options: CommandOptions = {}): Promise<ScsiResult> {
    return command(this.port, { ...options, cdb: cdb('TEST_UNIT_READY', {}) });
  }

  /**
   * Sends any command. Takes a whole request, or a CDB and the rest. A status other than GOOD is a result, not an
   * error.
   *
   * @throws {IscsiError} `ISCSI_ABORTED`, `ISCSI_TIMEOUT`, `ISCSI_CONNECTION_LOST` and the like, when there is no
   * status.
   */
  execute(request: ScsiRequest): Promise<ScsiResult>;
  execute(bytes: Uint8Array, options?: Omit<ScsiRequest, 'cdb'>): Promise<ScsiResult>;
  execute(request: ScsiRequest | Uint8Array, options: Omit<ScsiRequest, 'cdb'> = {}): Promise<ScsiResult> {
    return execute(this.port, request instanceof Uint8Array ? { ...options, cdb: request } : request);
  }

  /** @internal Nothing is read or written before it resolves: see {@link verifyIdentity}. Undefined without doubt. */
  get inDoubt(): Promise<void> | undefined {
    return this.#doubtful ? this.verifyIdentity() : undefined;
  }

  /**
   * @internal Looks whether the same logical unit still answers. Until that is known nothing is read or written, and
   * once it is another one, never again.
   */
  verifyIdentity(): Promise<void> {
    if (this.probed.identity === undefined) return Promise.resolve();
    this.#doubtful = true;
    this.#verifying ??= this.#verify(this.probed.identity).finally(() => {
      this.#verifying = undefined;
    });
    return this.#verifying;
  }

  async #verify(identity: Identity): Promise<void> {
    if (this.#replaced !== undefined) throw this.#replaced;
    const capacity = await readCapacity(this.port, {});
    const found = await readIdentity(this.port, capacity, {});
    try {
      requireSame(identity, found);
      this.#doubtful = false;
    } catch (error) {
      if (error instanceof IscsiError) this.#replaced = error;
      throw error;
    }
  }

  /** Closes it. The port stays open: it is its owner's. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #problem({ position, timeout }: PositionOptions): IscsiError | undefined {
    if (this.#replaced !== undefined) return this.#replaced;
    if (this.blockSize === 0)
      return new IscsiError('ISCSI_USAGE', `Cannot read or write ${this.name}: it has no blocks`);
    if (Number.isSafeInteger(position) && position >= 0) return timeProblem(timeout, 'timeout');
    return new IscsiError(
      'ISCSI_USAGE',
      `Cannot use position ${position}: a whole number of bytes from 0 to 2^53 - 1 allowed`,
    );
  }

  #beyondEnd(position: number, length: number): IscsiError | undefined {
    if (position + length <= this.size && length >= 0) return undefined;
    return new IscsiError(
      'ISCSI_USAGE',
      `Cannot use ${length} bytes at ${position}: ${this.name} ends at ${this.size}`,
    );
  }
}
