import { INSPECT } from '../bytes/inspect.ts';
import type { OperationalParameters } from '../client/session.ts';
import type { TaskManagementFunction } from '../client/session-requests.ts';
import { IscsiError } from '../errors.ts';
import type { Inquiry } from '../scsi/data/inquiry.ts';
import type { VpdPage, VpdPageName } from '../scsi/data/vpd-pages.ts';
import type { Lun } from '../scsi/lun.ts';
import type { ScsiResult } from '../scsi/request.ts';
import type { BytesRead, BytesWritten } from '../unit/block-device.ts';
import { bytesOf, noBuffer } from '../unit/buffers.ts';
import type { Capacity } from '../unit/capacity.ts';
import type { Extent } from '../unit/extents.ts';
import type { RawPage } from '../unit/inquiry.ts';
import type { ReportedLun } from '../unit/report-luns.ts';
import type { Bridge } from './bridge.ts';
import { type Above, from } from './caller.ts';
import type { OpenedSession, OpenedUnit } from './calls.ts';
import { REQUEST } from './channel.ts';
import { executeThrough } from './execute.ts';
import type {
  CommandSyncOptions,
  ExtentSyncOptions,
  OpenSyncOptions,
  PositionSyncOptions,
  RangeSyncOptions,
  RequestSyncOptions,
  ScsiSyncRequest,
} from './options.ts';
import { packOptions } from './packing.ts';
import { leaveBridge } from './shared-bridge.ts';

/**
 * One iSCSI session with one target, each call of which blocks the calling thread until it is done: `Session` without
 * promises. Opened by `openSessionSync()`.
 *
 * @example
 * const session = openSessionSync('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * session.reportLunsSync().map(({ text }) => text); // ['0']
 * session.closeSync();
 */
export class SyncSession implements Disposable {
  /** The iSCSI name of the target. */
  readonly targetName: string;
  /** Where the session was connected to, as `host:port`. */
  readonly targetPortal: string;
  /** Milliseconds that a command may take unless it is told otherwise. */
  readonly timeout: number;
  /** @internal */
  readonly bridge: Bridge;
  readonly #id: number;
  #closed = false;

  /** @internal Use `openSessionSync()`. */
  static of(bridge: Bridge, facts: OpenedSession): SyncSession {
    return new SyncSession(bridge, facts);
  }

  private constructor(bridge: Bridge, { id, targetName, targetPortal, timeout }: OpenedSession) {
    this.bridge = bridge;
    this.#id = id;
    this.targetName = targetName;
    this.targetPortal = targetPortal;
    this.timeout = timeout;
  }

  /** What the login has settled. */
  parametersSync(): OperationalParameters {
    const above = this.parametersSync;
    return this.requireOpen(above).call(above, 'parameters', this.#id);
  }

  /** False once the session is closed or lost. */
  isOpenSync(): boolean {
    if (this.#closed || !this.bridge.usable) return false;
    return this.bridge.call(this.isOpenSync, 'isOpen', this.#id);
  }

  /** As `Session.execute`. A status other than GOOD is a result, not an error. */
  executeSync(lun: Lun | number, request: ScsiSyncRequest): ScsiResult {
    const above = this.executeSync;
    const bridge = this.requireOpen(above);
    return executeThrough(bridge, above, request, (placed) =>
      bridge.call(above, 'executeInSession', this.#id, lun, placed),
    );
  }

  /** As `Session.taskManagement`. There is never a command under way that it could name. */
  taskManagementSync(request: TaskManagementFunction, options: RequestSyncOptions = {}): number {
    const above = this.taskManagementSync;
    const packed = packOptions(above, options);
    return this.requireOpen(above).call(above, 'taskManagement', this.#id, request, packed);
  }

  /** As `Session.nop`: sends a ping and gives what the target echoed. */
  nopSync(data: Uint8Array = NOTHING, options: RequestSyncOptions = {}): Uint8Array {
    const above = this.nopSync;
    return this.requireOpen(above).call(above, 'nop', this.#id, data, packOptions(above, options));
  }

  /** As `Session.text`: sends a Text Request and gives the whole answer. */
  textSync(text: string, options: RequestSyncOptions = {}): Uint8Array {
    const above = this.textSync;
    return this.requireOpen(above).call(above, 'text', this.#id, text, packOptions(above, options));
  }

  /** The logical units that the target shows to this initiator (REPORT LUNS), in its order. */
  reportLunsSync(options: CommandSyncOptions = {}): ReportedLun[] {
    const above = this.reportLunsSync;
    return this.requireOpen(above).call(above, 'reportLuns', this.#id, packOptions(above, options));
  }

  /** Opens a logical unit of this session. Closing it leaves the session open. */
  logicalUnitSync(lun: Lun | number, options: OpenSyncOptions = {}): SyncLogicalUnit {
    const above = this.logicalUnitSync;
    const packed = packOptions(above, options);
    const facts = this.requireOpen(above).call(above, 'logicalUnit', this.#id, lun, packed);
    return SyncLogicalUnit.of(this, facts, false);
  }

  /** Logs out and closes the connection; when nothing else is open, its thread ends. A second call does nothing. */
  closeSync(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.bridge.usable) this.bridge.call(this.closeSync, 'closeSession', this.#id);
    } finally {
      leaveBridge(this.bridge);
    }
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  /** @internal What carries its calls. */
  requireOpen(above: Above): Bridge {
    if (!this.#closed) return this.bridge;
    throw from(above, new IscsiError('ISCSI_CLOSED', 'Cannot go on: the session is closed', { commandSent: false }));
  }

  /** @internal One line, for `console.log` and the like. */
  [INSPECT](): string {
    return `SyncSession { ${this.targetName} at ${this.targetPortal}${this.#closed ? ', closed' : ''} }`;
  }
}

const NOTHING = new Uint8Array(0);

/**
 * A logical unit behind an iSCSI session, each call of which blocks the calling thread until it is done: `LogicalUnit`
 * without promises. Opened by `connectSync()` or `session.logicalUnitSync()`. In one file with the session, because
 * each gives the other.
 *
 * @example
 * const lun = connectSync('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * lun.writeSync(Buffer.from('hello'), { position: 1000 });
 * lun.flushSync();
 * lun.readSync(Buffer.alloc(5), { position: 1000 }).buffer.toString(); // 'hello'
 * lun.closeSync();
 */
export class SyncLogicalUnit implements Disposable {
  /** The session that it belongs to. */
  readonly session: SyncSession;
  /** The LUN field as it goes on the wire. */
  readonly lun: Lun;
  /** The LUN as text: its number, or 0x and 16 hex digits. */
  readonly lunText: string;
  /** What messages call it, such as `LUN 0`. */
  readonly name: string;
  /** Bytes of one logical block; 0 for a device without blocks. */
  readonly blockSize: number;
  /** Number of logical blocks. */
  readonly blocks: number;
  /** Size in bytes. */
  readonly size: number;
  /** Blocks that one command moves at the most. */
  readonly maxTransferBlocks: number;
  /** Standard INQUIRY data, as of opening. */
  readonly inquiryData: Inquiry;
  /** What READ CAPACITY told when it was opened; undefined for a device without blocks, or without a medium. */
  readonly capacity: Capacity | undefined;
  readonly #id: number;
  readonly #ownsSession: boolean;
  #closed = false;

  /** @internal Use `connectSync()` or `session.logicalUnitSync()`. */
  static of(session: SyncSession, facts: OpenedUnit, ownsSession: boolean): SyncLogicalUnit {
    return new SyncLogicalUnit(session, facts, ownsSession);
  }

  private constructor(session: SyncSession, facts: OpenedUnit, ownsSession: boolean) {
    this.session = session;
    this.#id = facts.id;
    this.#ownsSession = ownsSession;
    this.lun = facts.lun;
    this.lunText = facts.lunText;
    this.name = facts.name;
    this.blockSize = facts.blockSize;
    this.blocks = facts.blocks;
    this.size = facts.blocks * facts.blockSize;
    this.maxTransferBlocks = facts.maxTransferBlocks;
    this.inquiryData = facts.inquiryData;
    this.capacity = facts.capacity;
  }

  /** Peripheral device type: 0 for a disk. */
  get deviceType(): number {
    return this.inquiryData.peripheralDeviceType;
  }

  /** Whether it can be read and written by `readSync` and `writeSync`. */
  get isBlockDevice(): boolean {
    return this.blockSize > 0;
  }

  /** Whether the medium can be taken out. */
  get removable(): boolean {
    return this.inquiryData.rmb;
  }

  /**
   * As `LogicalUnit.read`. A buffer over a SharedArrayBuffer is read into directly; any other costs a copy.
   * @throws What `read` rejects with: the same class, `code`, `hint`, `sense` and `cause`; its stack leads here.
   */
  readSync<B extends ArrayBufferView>(buffer: B, options: PositionSyncOptions): BytesRead<B> {
    const above = this.readSync;
    const bytes = bytesOf(buffer);
    if (bytes === undefined) throw from(above, noBuffer(buffer, 'read into'));
    const bridge = this.#requireOpen(above);
    const bytesRead = isPlain(options)
      ? bridge.transfer(above, REQUEST.read, this.#id, bytes, options.position)
      : this.#transferWith(above, 'read', bytes, options);
    bridge.memory.fetch(bytes, bytesRead);
    return { bytesRead, buffer };
  }

  /** As `LogicalUnit.write`. A buffer over a SharedArrayBuffer is written from directly; any other costs a copy. */
  writeSync<B extends ArrayBufferView>(buffer: B, options: PositionSyncOptions): BytesWritten<B> {
    const above = this.writeSync;
    const bytes = bytesOf(buffer);
    if (bytes === undefined) throw from(above, noBuffer(buffer, 'write'));
    const bridge = this.#requireOpen(above);
    const bytesWritten = isPlain(options)
      ? bridge.transfer(above, REQUEST.write, this.#id, bytes, options.position)
      : this.#transferWith(above, 'write', bytes, options);
    return { bytesWritten, buffer };
  }

  /** As `LogicalUnit.flush`: makes sure that everything written before is on stable storage. */
  flushSync(options: CommandSyncOptions = {}): void {
    const above = this.flushSync;
    this.#requireOpen(above).call(above, 'flush', this.#id, packOptions(above, options));
  }

  /** As `LogicalUnit.trim`: gives room back. */
  trimSync(options: RangeSyncOptions): void {
    const above = this.trimSync;
    this.#requireOpen(above).call(above, 'trim', this.#id, packOptions(above, options));
  }

  /**
   * As `LogicalUnit.extents`: what takes room and what does not.
   * @example
   * const lun = connectSync('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
   * lun.writeSync(new Uint8Array(8192).fill(1), { position: 0 });
   * [...lun.extentsSync({ end: 8191 })]; // [{ offset: 0, length: 8192, type: 'data' }]
   * lun.closeSync();
   */
  *extentsSync(options: ExtentSyncOptions = {}): Generator<Extent, void, undefined> {
    const above = this.extentsSync;
    const packed = packOptions(above, options);
    const iteration = this.#requireOpen(above).call(above, 'extents', this.#id, packed);
    try {
      for (;;) {
        const extents = this.#requireOpen(above).call(above, 'nextExtents', iteration);
        if (extents.length === 0) return;
        yield* extents;
      }
    } finally {
      if (!this.#closed && this.session.bridge.usable) this.session.bridge.call(above, 'endExtents', iteration);
    }
  }

  /** As `LogicalUnit.inquiry`: standard INQUIRY data, or a VPD page by name or number. */
  inquirySync(page?: 'standard', options?: CommandSyncOptions): Inquiry;
  inquirySync<N extends VpdPageName>(page: N, options?: CommandSyncOptions): VpdPage<N>;
  inquirySync(page: number, options?: CommandSyncOptions): VpdPage<VpdPageName> | RawPage;
  inquirySync(page: 'standard' | VpdPageName | number = 'standard', options: CommandSyncOptions = {}): unknown {
    const above = this.inquirySync;
    return this.#requireOpen(above).call(above, 'inquiry', this.#id, page, packOptions(above, options));
  }

  /** As `LogicalUnit.readCapacity`: asks for the capacity anew. */
  readCapacitySync(options: CommandSyncOptions = {}): Capacity {
    const above = this.readCapacitySync;
    return this.#requireOpen(above).call(above, 'readCapacity', this.#id, packOptions(above, options));
  }

  /** As `LogicalUnit.testUnitReady`. @throws {ScsiStatusError} When it is not ready. */
  testUnitReadySync(options: CommandSyncOptions = {}): ScsiResult {
    const above = this.testUnitReadySync;
    return this.#requireOpen(above).call(above, 'testUnitReady', this.#id, packOptions(above, options));
  }

  /** As `LogicalUnit.execute`: takes a whole request, or a CDB and the rest. */
  executeSync(request: ScsiSyncRequest): ScsiResult;
  executeSync(bytes: Uint8Array, options?: Omit<ScsiSyncRequest, 'cdb'>): ScsiResult;
  executeSync(request: ScsiSyncRequest | Uint8Array, options: Omit<ScsiSyncRequest, 'cdb'> = {}): ScsiResult {
    const above: Above = this.executeSync;
    const bridge = this.#requireOpen(above);
    const whole = ArrayBuffer.isView(request) ? { ...options, cdb: request } : request;
    return executeThrough(bridge, above, whole, (placed) => bridge.call(above, 'executeInUnit', this.#id, placed));
  }

  /** Closes it, and the session too when `connectSync()` opened both. A second call does nothing. */
  closeSync(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ownsSession) this.session.closeSync();
    else if (this.session.isOpenSync()) this.session.bridge.call(this.closeSync, 'closeUnit', this.#id);
  }

  [Symbol.dispose](): void {
    this.closeSync();
  }

  /** @internal One line, for `console.log` and the like. */
  [INSPECT](): string {
    const size = this.isBlockDevice ? `${this.blocks} blocks of ${this.blockSize} bytes` : 'no blocks';
    return `SyncLogicalUnit { ${this.name} of ${this.session.targetName}, ${size} }`;
  }

  #requireOpen(above: Above): Bridge {
    if (!this.#closed) return this.session.requireOpen(above);
    const message = `Cannot use ${this.name}: it is closed`;
    throw from(above, new IscsiError('ISCSI_CLOSED', message, { commandSent: false }));
  }

  /** With options: what they may be is looked at where the transfer is. */
  #transferWith(above: Above, call: 'read' | 'write', bytes: Uint8Array, options: PositionSyncOptions): number {
    const packed = packOptions(above, options);
    const { bridge } = this.session;
    const place = { ...bridge.memory.placeOf(bytes, call === 'write'), length: bytes.length };
    return bridge.call(above, call, this.#id, place, packed);
  }
}

/** A position that can be, and no other options. Hot. */
function isPlain(options: PositionSyncOptions): boolean {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'position') return false;
  return Number.isSafeInteger(options.position) && options.position >= 0;
}
