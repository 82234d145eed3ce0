import type { Crc32c } from '../bytes/crc32c.ts';
import { serialAdd } from '../bytes/serial.ts';
import { Outbox } from '../pdu/outbox.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { CommandWindow } from './command-window.ts';

/** The longest data segment of a login, in both directions: the default of MaxRecvDataSegmentLength (RFC 7143 §6.3). */
export const LOGIN_DATA_SEGMENT_LENGTH = 8192;

/** What a sender needs from outside. */
export interface SenderOptions {
  /** Called when there is something to send. */
  readonly wake: () => void;
  /** Bytes that may wait to be sent before the connection counts as congested. */
  readonly unsentBytes: number;
  readonly payloadCrc32c?: Crc32c;
}

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

  readonly #unsentLimit: number;
  #stalled = false;
  #transferTag = 0;

  constructor(options: SenderOptions) {
    this.wake = options.wake;
    this.outbox = new Outbox(options.payloadCrc32c);
    this.#unsentLimit = options.unsentBytes;
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

  /** Whether so much waits to be sent that no command should be started, and nothing more read. */
  get congested(): boolean {
    if (this.#unsent < this.#unsentLimit) return false;
    this.#stalled = true;
    return true;
  }

  /**
   * See {@link Outbox.flushed}. True when somebody was told of congestion and half of it is gone: what had to wait may
   * go on.
   */
  flushed(): boolean {
    this.outbox.flushed();
    if (!this.#stalled || this.#unsent > this.#unsentLimit / 2) return false;
    this.#stalled = false;
    return true;
  }

  get #unsent(): number {
    return this.outbox.pendingBytes + this.outbox.inFlightBytes;
  }
}
