import type { Crc32c } from '../bytes/crc32c.ts';
import { serialAdd } from '../bytes/serial.ts';
import { Outbox } from '../pdu/outbox.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { CommandWindow } from './command-window.ts';
import type { MemoryShare } from './memory-budget.ts';
import type { Slice } from './schedule.ts';

/** The longest data segment of a login, in both directions: the default of MaxRecvDataSegmentLength (RFC 7143 §6.3). */
export const LOGIN_DATA_SEGMENT_LENGTH = 8192;

/** What a sender needs from outside. */
export interface SenderOptions {
  /** Called when there is something to send. */
  readonly wake: () => void;
  /** Bytes that may be on their way to the initiator before the connection counts as congested. */
  readonly unsentBytes: number;
  /** What the connection takes of the memory of all. */
  readonly share: MemoryShare;
  /** What the connection takes of the time of all. */
  readonly slice: Slice;
  readonly payloadCrc32c?: Crc32c;
}

/** What is on its way to an initiator is counted in steps of so many bytes at least. */
const COUNTED_STEP = 16 * 1024;

/** What goes out on one connection: the outbox, the numbers that the PDUs carry, and how much of it waits. */
export class Sender {
  readonly outbox: Outbox;
  readonly wake: () => void;
  /** The window of the session, which each PDU shows; undefined before the first Login Request. */
  window: CommandWindow | undefined = undefined;
  /** StatSN of the next status. */
  statSN = 0;
  /** The initiator's MaxRecvDataSegmentLength: no data segment that we send is longer. */
  maxDataSegmentLength = LOGIN_DATA_SEGMENT_LENGTH;
  /** True when the command window has moved and no answer says so. */
  windowMoved = false;

  readonly share: MemoryShare;
  readonly slice: Slice;
  readonly #unsentLimit: number;
  #stalled = false;
  /** Bytes that the device server takes for tasks of this connection. */
  #working = 0;
  /** Of all that is on its way, what the share knows of. */
  #counted = 0;
  #transferTag = 0;

  constructor(options: SenderOptions) {
    this.wake = options.wake;
    this.outbox = new Outbox(options.payloadCrc32c);
    this.#unsentLimit = options.unsentBytes;
    this.share = options.share;
    this.slice = options.slice;
  }

  /** ExpCmdSN as of now. */
  get expCmdSN(): number {
    return this.window === undefined ? 0 : this.window.expCmdSN;
  }

  /** MaxCmdSN as of now. */
  get maxCmdSN(): number {
    return this.window === undefined ? 0 : this.window.maxCmdSN;
  }

  /** Uses up a StatSN. */
  nextStatSN(): number {
    const used = this.statSN;
    this.statSN = serialAdd(used, 1);
    return used;
  }

  /** A Target Transfer Tag that no live sequence has: they count upwards, and the reserved one is left out. */
  nextTransferTag(): number {
    this.#transferTag = serialAdd(this.#transferTag, 1);
    if (this.#transferTag === RESERVED_TAG) this.#transferTag = 1;
    return this.#transferTag;
  }

  /** Whether so much waits to be sent that nothing more should be read. */
  get full(): boolean {
    return this.#exceeds(this.#unsentLimit);
  }

  /**
   * Whether so much waits to be sent that not even what was read should be looked at: commands wait for room by
   * themselves, but other requests are answered at once. Hot path.
   */
  get overfull(): boolean {
    return this.#exceeds(2 * this.#unsentLimit);
  }

  /** Whether so much is being read or waits to be sent that no command should be started. Hot path. */
  get congested(): boolean {
    if (this.#unsent + this.#working < this.#unsentLimit) return false;
    this.#stalled = true;
    return true;
  }

  /** Whether there is so much room that no command has to be looked at. Hot path. */
  get hasAmpleRoom(): boolean {
    return !this.share.scarce;
  }

  /** Whether a task may take so many bytes. If not, the share is told when there is room. */
  hasRoom(bytes: number): boolean {
    this.count();
    if (bytes === 0 || this.share.hasRoom(bytes)) return true;
    this.share.wait();
    return false;
  }

  /** The device server takes so many bytes for a task; fewer than 0: it has given them back. */
  work(bytes: number): void {
    this.#working += bytes;
    this.count();
  }

  /** Tells the share how much is on its way, in steps that are worth it, and when it is nothing. Hot path. */
  count(): void {
    const bytes = this.#unsent + this.#working;
    const more = bytes - this.#counted;
    if (more === 0 || (bytes > 0 && more < COUNTED_STEP && more > -COUNTED_STEP)) return;
    this.#counted = bytes;
    this.share.add(more);
  }

  /**
   * See {@link Outbox.flushed}. True when somebody was told of congestion and half of it is gone: what had to wait may
   * go on.
   */
  flushed(): boolean {
    this.outbox.flushed();
    this.count();
    if (!this.#stalled || this.#unsent + this.#working > this.#unsentLimit / 2) return false;
    this.#stalled = false;
    return true;
  }

  /** Nothing more will be sent. What the device server works on stays counted. */
  abandon(): void {
    this.outbox.abandon();
    this.count();
  }

  #exceeds(limit: number): boolean {
    const unsent = this.#unsent;
    const isWithin = !this.share.scarce || unsent <= this.#counted || this.share.hasRoom(unsent - this.#counted);
    if (isWithin && unsent < limit) return false;
    this.#stalled = true;
    return true;
  }

  get #unsent(): number {
    return this.outbox.pendingBytes + this.outbox.inFlightBytes;
  }
}
