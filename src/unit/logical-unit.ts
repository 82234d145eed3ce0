import { INSPECT } from '../bytes/inspect.ts';
import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { VpdPage, VpdPageName } from '../scsi/data/vpd-pages.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import { command } from './attempts.ts';
import type { BlockDevice, BytesRead, BytesWritten, RangeOptions } from './block-device.ts';
import { moveBlocks, moveManyBlocks } from './block-transfer.ts';
import { bytesOf, noBuffer } from './buffers.ts';
import { callTime, inTime } from './call-time.ts';
import { atCaller } from './caller-stack.ts';
import { type Capacity, readCapacity } from './capacity.ts';
import type { Certainty } from './doubt.ts';
import { executeChecked } from './execute.ts';
import { EXTENT_OPTIONS, type Extent, type ExtentOptions, ExtentReader } from './extents.ts';
import { synchronizeCache } from './flush.ts';
import { ReplacedError, verifyIdentity } from './identity.ts';
import { anyVpdPage, type RawPage, standardInquiry, vpdPage } from './inquiry.ts';
import { checkOptions, optionProblem, shown } from './option-rules.ts';
import {
  COMMAND_OPTIONS,
  type CommandOptions,
  POSITION_OPTIONS,
  type PositionOptions,
  RANGE_OPTIONS,
} from './options.ts';
import { pin } from './pinned.ts';
import { PROBE_OPTIONS, type Probe, type ProbeOptions, probe } from './probe.ts';
import { trimBlocks } from './trim.ts';
import { readUnaligned, writeUnaligned } from './unaligned.ts';
import { gateOf, type Wait, type WriteGate } from './write-gate.ts';

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
  /** @internal */
  lossesTold: number;

  /** Once another logical unit has answered, nothing is sent any more. */
  #replaced: IscsiError | undefined;
  readonly #certainty: Certainty;
  #verifying: Promise<void> | undefined;
  #checking: Promise<void> | undefined; // that of the owner of the port, which lets nothing through meanwhile
  readonly #extents = new ExtentReader(this);

  /**
   * Looks at the logical unit behind a port and opens it. The port stays the caller's to close.
   *
   * @param options `signal` and `timeout` are for all questions on the way together.
   * @throws {IscsiError} `ISCSI_LUN_NOT_FOUND`, with the LUNs that there are where `inventory` can tell.
   * @example
   * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
   * const again = await LogicalUnit.open(lun.port);
   * again.size; // 67108864
   */
  static async open(port: ScsiPort, options: ProbeOptions = {}): Promise<LogicalUnit> {
    checkOptions(options, PROBE_OPTIONS, 'LogicalUnit.open');
    return new LogicalUnit(port, await probe(port, options));
  }

  /** For classes that add to it what their port can do besides. Use `open()`. */
  protected constructor(port: ScsiPort, probed: Probe) {
    this.port = port;
    this.probed = probed;
    this.gate = gateOf(port);
    this.#certainty = probed.certainty;
    this.blockSize = probed.capacity?.blockSize ?? 0;
    this.blocks = probed.capacity?.blocks ?? 0;
    this.size = this.blocks * this.blockSize;
    const limit = probed.blockLimits?.maximumTransferLength ?? 0;
    const usual = Math.max(1, Math.floor(DEFAULT_TRANSFER_BYTES / Math.max(1, this.blockSize)));
    this.maxTransferBlocks = limit === 0 ? usual : Math.min(limit, usual);
    this.lossesTold = port.writes?.losses ?? 0;
    if (probed.identity !== undefined) pin(port, this);
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
  read<B extends ArrayBufferView>(buffer: B, options: PositionOptions): Promise<BytesRead<B>> {
    const bytes = bytesOf(buffer);
    const problem = bytes === undefined ? noBuffer(buffer, 'read into') : this.#problem(options, 'read');
    if (bytes === undefined || problem !== undefined) return Promise.reject(problem);
    const { position } = options;
    const bytesRead = Math.max(0, Math.min(bytes.length, this.size - position));
    const result = { bytesRead, buffer };
    if (bytesRead === 0) return Promise.resolve(result);
    const { blockSize } = this;
    const target = bytesRead === bytes.length ? bytes : bytes.subarray(0, bytesRead);
    if (position % blockSize !== 0 || bytesRead % blockSize !== 0)
      return settled(readUnaligned(this, target, this.#callTime(options, bytesRead)), result);
    if (bytesRead <= this.maxTransferBlocks * blockSize) return moveBlocks(this, 'read', target, options, result);
    return settled(moveManyBlocks(this, 'read', target, position, this.#callTime(options, bytesRead)), result);
  }

  /**
   * Writes all of `buffer` at `position`. What does not cover whole blocks is read, changed and written back; other
   * writes of this logical unit wait meanwhile.
   *
   * @throws {IscsiError} `ISCSI_USAGE` when it would reach beyond the end: nothing is written then. Errors as for
   *   `read`; after an error any part of the range may have been written.
   */
  write<B extends ArrayBufferView>(buffer: B, options: PositionOptions): Promise<BytesWritten<B>> {
    const bytes = bytesOf(buffer);
    if (bytes === undefined) return Promise.reject(noBuffer(buffer, 'write'));
    const problem = this.#problem(options, 'write') ?? this.#beyondEnd(options.position, bytes.length);
    if (problem !== undefined) return Promise.reject(problem);
    const result = { bytesWritten: bytes.length, buffer };
    if (bytes.length === 0) return Promise.resolve(result);
    const { blockSize } = this;
    if (options.position % blockSize !== 0 || bytes.length % blockSize !== 0) {
      const call = this.#callTime(options, bytes.length);
      return settled(
        this.gate.alone(this.#waiting(call), () => writeUnaligned(this, bytes, call)),
        result,
      );
    }
    const many = bytes.length > this.maxTransferBlocks * blockSize;
    if (many || !this.gate.open)
      return settled(this.#writeInTurn(bytes, this.#callTime(options, bytes.length)), result);
    this.gate.enter();
    return moveBlocks(this, 'gatedWrite', bytes, options, result);
  }

  /** Makes sure that everything written before is on stable storage (SYNCHRONIZE CACHE). */
  async flush(options: CommandOptions = {}): Promise<void> {
    checkOptions(options, COMMAND_OPTIONS, 'flush');
    await synchronizeCache(this, options);
  }

  /**
   * Gives room back: the whole blocks inside `position` and `length`. What they read as afterwards is up to the target
   * (zeros, for most).
   * @throws {IscsiError} `ISCSI_USAGE` when the logical unit is not thinly provisioned.
   */
  async trim(options: RangeOptions): Promise<void> {
    checkOptions(options, RANGE_OPTIONS, 'trim');
    const { position, length, ...rest } = options;
    const problem = this.#problem({ position }, 'trim') ?? this.#beyondEnd(position, length);
    if (problem !== undefined) throw problem;
    const first = Math.ceil(position / this.blockSize);
    const end = Math.floor((position + length) / this.blockSize);
    const call = rest.timeout === undefined ? rest : callTime(this.port, rest);
    if (end > first) await this.gate.alone(this.#waiting(call), () => trimBlocks(this, first, end - first, call));
  }

  /**
   * What takes room and what does not, in order and without gaps (GET LBA STATUS). A device that does not know the
   * command is asked once: from then on all is one extent `data`, and `knowsExtents` is false.
   *
   * It is what the device says while it is asked; who writes meanwhile changes it. `signal` ends the iteration,
   * `timeout` is for each command of it.
   *
   * @throws {ProtocolError} When an answer makes no sense, such as ranges that overlap, or lead back or beyond the end.
   * @example
   * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
   * await lun.write(new Uint8Array(8192).fill(1), { position: 0 });
   * const extents: Extent[] = [];
   * for await (const extent of lun.extents({ end: 8191 })) extents.push(extent);
   * extents; // [{ offset: 0, length: 8192, type: 'data' }]
   */
  extents(options: ExtentOptions = {}): AsyncGenerator<Extent, void, undefined> {
    checkOptions(options, EXTENT_OPTIONS, 'extents');
    const problem = this.#problem({ position: 0 }, 'tell the extents of');
    if (problem !== undefined) throw problem;
    return this.#extents.read(options);
  }

  /** Whether `extents` is told by the device; undefined as long as nobody has asked. */
  get knowsExtents(): boolean | undefined {
    return this.#extents.known;
  }

  /** Standard INQUIRY data, or a VPD page: decoded by name; by number raw where it is not known here. */
  inquiry(page?: 'standard', options?: CommandOptions): Promise<Inquiry>;
  inquiry<N extends VpdPageName>(page: N, options?: CommandOptions): Promise<VpdPage<N>>;
  inquiry(page: number, options?: CommandOptions): Promise<VpdPage<VpdPageName> | RawPage>;
  async inquiry(page: 'standard' | VpdPageName | number = 'standard', options: CommandOptions = {}): Promise<unknown> {
    checkOptions(options, COMMAND_OPTIONS, 'inquiry');
    if (page === 'standard') return standardInquiry(this.port, options);
    if (typeof page === 'number') return anyVpdPage(this.port, page, options);
    return vpdPage(this.port, page, options);
  }

  /** Asks for the capacity anew. `size` stays what it was when the logical unit was opened. */
  async readCapacity(options: CommandOptions = {}): Promise<Capacity> {
    checkOptions(options, COMMAND_OPTIONS, 'readCapacity');
    return readCapacity(this.port, options);
  }

  /** TEST UNIT READY; unit attentions are swallowed. @throws {ScsiStatusError} When it is not ready. */
  async testUnitReady(options: CommandOptions = {}): Promise<ScsiResult> {
    checkOptions(options, COMMAND_OPTIONS, 'testUnitReady');
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
    if (this.#replaced !== undefined) return Promise.reject(this.#replaced);
    return executeChecked(this.port, ArrayBuffer.isView(request) ? { ...options, cdb: request } : request);
  }

  /** @internal Nothing is read or written before it resolves. Undefined without doubt, and where the port waits. */
  get inDoubt(): Promise<void> | undefined {
    const asks = this.#certainty.doubtful && this.probed.identity !== undefined && this.#checking === undefined;
    return asks ? this.#verifyIdentity() : undefined;
  }

  /** @internal Once another logical unit has answered: that error. */
  get replaced(): IscsiError | undefined {
    return this.#replaced;
  }

  /** @internal Looks who answers at `port`, where its own port will lead: that one keeps what is begun meanwhile. */
  checkIdentity(port: ScsiPort): Promise<void> {
    this.#certainty.doubt();
    this.#checking = this.#begin(port, { onLoss: 'fail' });
    this.#verifying = this.#checking;
    return this.#checking;
  }

  /** Looks whether the same logical unit still answers: once for all who wait for that. */
  #verifyIdentity(): Promise<void> {
    this.#verifying ??= this.#begin(this.port);
    return this.#verifying;
  }

  /** For classes that tell somebody: another logical unit answers. Whoever calls it next is told in any case. */
  protected noticeReplaced(_error: IscsiError): void {}

  #begin(port: ScsiPort, options: CommandOptions = {}): Promise<void> {
    const work = this.#verify(port, options).finally(() => {
      if (this.#verifying === work) this.#verifying = undefined;
      if (this.#checking === work) this.#checking = undefined;
    });
    return work;
  }

  async #verify(port: ScsiPort, options: CommandOptions): Promise<void> {
    if (this.#replaced !== undefined) throw this.#replaced;
    try {
      await verifyIdentity(port, this.#certainty, this.probed.identity, options);
    } catch (error) {
      if (error instanceof ReplacedError) {
        this.#replaced = error;
        this.noticeReplaced(error);
      }
      throw error;
    }
  }

  /** @internal One line, for `console.log` and the like. */
  [INSPECT](): string {
    const size = this.isBlockDevice ? `${this.blocks} blocks of ${this.blockSize} bytes` : 'no blocks';
    return `${this.constructor.name} { ${this.name} of ${this.port.deviceName}, ${size} }`;
  }

  /** Closes it. The port stays open: it is its owner's. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is wrong with a transfer. On the hot path: `position` alone costs no look at the rules. */
  #problem(options: PositionOptions, call: string): IscsiError | undefined {
    if (this.#replaced !== undefined) return this.#replaced;
    if (this.blockSize === 0) return new IscsiError('ISCSI_USAGE', `Cannot ${call} ${this.name}: it has no blocks`);
    if (hasMoreThanPosition(options)) {
      const problem = optionProblem(options, POSITION_OPTIONS, call);
      if (problem !== undefined) return problem;
    }
    const { position } = options;
    if (Number.isSafeInteger(position) && position >= 0) return undefined;
    return new IscsiError(
      'ISCSI_USAGE',
      `Cannot use position ${shown(position)}: a whole number of bytes from 0 to 2^53 - 1 allowed`,
    );
  }

  /** The time of a call that may take several commands: how long a long transfer takes by itself nobody can know. */
  #callTime<O extends CommandOptions>(options: O, length: number): O {
    const long = length > this.maxTransferBlocks * this.blockSize;
    return long && options.timeout === undefined ? options : callTime(this.port, options);
  }

  #waiting(call: CommandOptions): Wait {
    return (turn) => inTime(turn, call, this.port);
  }

  async #writeInTurn(bytes: Uint8Array, call: PositionOptions): Promise<void> {
    if (this.gate.open) this.gate.enter();
    else await this.gate.pass(this.#waiting(call));
    try {
      await moveManyBlocks(this, 'write', bytes, call.position, call);
    } finally {
      this.gate.leave();
    }
  }

  #beyondEnd(position: number, length: number): IscsiError | undefined {
    if (position + length <= this.size && length >= 0) return undefined;
    return new IscsiError(
      'ISCSI_USAGE',
      `Cannot use ${length} bytes at ${position}: ${this.name} ends at ${this.size}`,
    );
  }
}

/** The end of a call of many steps: its stack leads to the caller, and not through all of them. */
async function settled<T>(work: Promise<void>, value: T): Promise<T> {
  try {
    await work;
    return value;
  } catch (error) {
    throw atCaller(error);
  }
}

function hasMoreThanPosition(options: PositionOptions): boolean {
  if (typeof options !== 'object') return true;
  for (const name in options) if (name !== 'position') return true;
  return options === null;
}
