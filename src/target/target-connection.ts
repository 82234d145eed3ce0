import type { Crc32c } from '../bytes/crc32c.ts';
import { concat, viewOf } from '../bytes/hex.ts';
import type { TargetLoginConfig } from '../login/target-types.ts';
import { opcode } from '../pdu/bhs.ts';
import { type PduHandler, Receiver } from '../pdu/receiver.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { sendSessionDrop } from './async-message.ts';
import type { CommandWindow } from './command-window.ts';
import type { ConnectionPhase, ReplaceHandlers } from './connection-phase.ts';
import { FullFeaturePhase } from './full-feature-phase.ts';
import type { TargetLimits } from './limits.ts';
import { type LoginFinish, LoginPhase } from './login-phase.ts';
import type { MemoryBudget, MemoryShare } from './memory-budget.ts';
import { sendNopIn } from './nop-in.ts';
import type { PortalAddress } from './portal-address.ts';
import type { HandlerTable, RequestHandler } from './request-handler.ts';
import type { Schedule, Slice } from './schedule.ts';
import { LOGIN_DATA_SEGMENT_LENGTH, Sender } from './sender.ts';
import type { SessionConnection, TargetSession } from './target-session.ts';
import type { TargetDirectory } from './text-answers.ts';
import { weightOfBytes, weightOfPdu } from './weights.ts';

/** What a connection needs from outside. */
export interface ConnectionOptions {
  /** Where it came in. */
  readonly portal: PortalAddress;
  /**
   * Called whenever there may be something to send, a nearer deadline, or another value of `wantsData` or `finished`.
   */
  readonly wake: () => void;
  /** Ends the transport at once, whatever waits to be sent. Left out: it ends as any other does. */
  readonly destroy?: () => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly payloadCrc32c?: Crc32c;
}

/** What a connection needs of the node that it belongs to. */
export interface ConnectionHost extends TargetDirectory {
  readonly limits: TargetLimits;
  /** Bounds the memory that all connections take. */
  readonly budget: MemoryBudget;
  /** Shares the time of the process between the connections. */
  readonly schedule: Schedule;
  readonly loginConfig: TargetLoginConfig;
  /** See {@link ReplaceHandlers}. */
  readonly replaceHandlers: ReplaceHandlers | undefined;
  /** A TSIH that no session has. Never 0. */
  allocateTsih(): number;
  /** Whether there is room for the session of a login that is about to end well. */
  hasRoomFor(login: LoginFinish, portal: PortalAddress): boolean;
  /** A login has ended well: opens its session. */
  openSession(login: LoginFinish, tsih: number, window: CommandWindow, portal: PortalAddress): TargetSession;
  /** A connection is not logging in any more: it has succeeded, or failed. */
  loginEnded(connection: TargetConnection): void;
  /** The transport is gone. */
  connectionEnded(connection: TargetConnection): void;
}

/**
 * The target's side of one connection, without I/O: whoever owns the socket feeds `receive`, sends what `drain` gives,
 * and tells the time. None of its methods throw because of what the initiator sent: a broken rule ends the session.
 *
 * It finds the PDUs in the stream and gives each to the handler of its opcode; what the PDUs mean, the handlers know.
 */
export class TargetConnection implements PduHandler, SessionConnection {
  /** True once the core wants the socket closed: send what is left, then close. */
  finished = false;
  /** Whether a whole PDU has come. */
  heard = false;
  /** Why the connection was given up, for logs. */
  error: Error | undefined = undefined;

  readonly #host: ConnectionHost;
  readonly #options: ConnectionOptions;
  readonly #sender: Sender;
  readonly #share: MemoryShare;
  readonly #slice: Slice;
  readonly #receiver: Receiver;
  #phase: ConnectionPhase;
  #handlers: HandlerTable;
  /** Takes the PDU under way. */
  #handler: RequestHandler | undefined = undefined;
  /** Set when the login has ended. */
  #session: TargetSession | undefined = undefined;
  #gone = false;
  /** What was received and could not be taken yet. */
  #unread: Uint8Array | undefined = undefined;

  constructor(host: ConnectionHost, options: ConnectionOptions) {
    const { wake, now, payloadCrc32c } = options;
    const { limits } = host;
    this.#host = host;
    this.#options = options;
    this.#share = host.budget.share(() => this.#resume());
    this.#slice = host.schedule.slice(() => this.#resume());
    this.#sender = new Sender({
      slice: this.#slice,
      wake,
      share: this.#share,
      unsentBytes: limits.unsentBytes,
      ...(payloadCrc32c === undefined ? {} : { payloadCrc32c }),
    });
    this.#receiver = new Receiver(this, LOGIN_DATA_SEGMENT_LENGTH, payloadCrc32c);
    this.#phase = new LoginPhase({
      config: host.loginConfig,
      sender: this.#sender,
      limits,
      now,
      allocateTsih: () => host.allocateTsih(),
      hasRoom: (login) => host.hasRoomFor(login, options.portal),
      finished: (login, tsih, window) => this.#enterFullFeature(login, tsih, window),
      failed: (error) => this.fail(error),
    });
    this.#handlers = this.#handlersOf(this.#phase);
  }

  /** Whether the login has not ended. */
  get loggingIn(): boolean {
    return this.#session === undefined && !this.finished;
  }

  /** False while so much waits to be sent that nothing more should be read. */
  get wantsData(): boolean {
    return this.#unread === undefined && !this.#sender.full;
  }

  /**
   * Feeds what arrived: `bytes[from, to)`, of which `view` sees the same memory. The caller may overwrite it once this
   * returns.
   */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    this.#phase.heard();
    if (this.#unread !== undefined) {
      this.#unread = concat(this.#unread, bytes.subarray(from, to)); // was on its way when reading stopped
    } else if (this.#slice.isOver) {
      this.#unread = copyOf(bytes, from, to);
    } else {
      this.#feed(bytes, view, from, to);
    }
    this.#options.wake();
  }

  /**
   * See `Outbox.drain`. Handing bytes to the operating system takes time as well: when the turn is over, many of them
   * wait for the next one.
   */
  drain(): readonly Uint8Array[] {
    const { outbox } = this.#sender;
    if (outbox.pendingBytes > SHORT && !this.finished && this.#slice.isOver) return NOTHING;
    if (this.#sender.windowMoved) this.#tellWindow();
    this.#sender.count();
    this.#slice.weigh(weightOfBytes(outbox.pendingBytes));
    return outbox.drain();
  }

  /** See `Outbox.flushed`. What had to wait for room goes on. */
  flushed(): void {
    if (this.#sender.flushed()) this.#resume();
  }

  /** Tells the time, in milliseconds of the clock of `now`. */
  tick(now: number): void {
    if (!this.wantsData) this.#phase.heard(); // what it may have said was not read
    try {
      this.#phase.tick(now);
    } catch (error) {
      this.fail(error);
    }
    this.#options.wake();
  }

  /** Milliseconds at which `tick` has something to do, or Infinity. */
  nextDeadline(): number {
    return this.#phase.deadline;
  }

  /** The transport is gone: the session, which had this connection only, ends with it (ErrorRecoveryLevel 0). */
  ended(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    this.error ??= error;
    this.finish();
    this.#sender.abandon();
    this.#share.close();
    this.#slice.close();
    this.#host.connectionEnded(this);
  }

  /** Gives the connection up, and with it the session. What was to be sent already is sent. */
  fail(error: unknown): void {
    this.error ??= error instanceof Error ? error : new Error(String(error));
    this.finish();
  }

  /** Gives the connection up for the sake of others: nothing more is sent, and nobody waits for the peer. */
  evict(error: Error): void {
    this.fail(error);
    this.#options.destroy?.();
  }

  /** Takes nothing more; the socket closes when what is left was sent. Ends the session. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.#host.loginEnded(this);
    this.#unread = undefined;
    this.#receiver.stop();
    for (const handler of this.#handlers) handler.close();
    this.#phase.close();
    this.#options.wake();
  }

  /** Tells the initiator that the session will be dropped (RFC 7143 §11.9.1). Nothing of it can be taken up again. */
  announceEnd(): void {
    const session = this.#session;
    if (session === undefined || session.identity.discovery || this.finished) return;
    sendSessionDrop(this.#sender, session.parameters);
  }

  /** {@link PduHandler} */
  onHeader(view: DataView, at: number): void {
    this.#handler = this.#handlers[opcode(view, at)];
    this.#handler?.begin(view, at);
  }

  /** {@link PduHandler} */
  onData(bytes: Uint8Array, from: number, to: number): void {
    this.#handler?.take(bytes, from, to);
  }

  /** {@link PduHandler} */
  onEnd(view: DataView, at: number, dataDigestOk: boolean): void {
    this.heard = true;
    this.#slice.weigh(weightOfPdu(view, at));
    if (dataDigestOk) this.#handler?.end(view, at);
    else this.#handler?.discard(view, at);
    if (this.#sender.overfull || this.#slice.isOver) this.#receiver.pause();
  }

  /**
   * Takes PDUs, as long as there is time for them, and room for their answers. What is left over is kept, and nothing
   * more read.
   */
  #feed(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    this.#slice.weigh(weightOfBytes(to - from));
    try {
      const at = this.#receiver.receive(bytes, view, from, to);
      if (at < to && !this.finished) this.#unread = copyOf(bytes, at, to);
    } catch (error) {
      this.fail(error);
    }
  }

  /** There is room, or time, again: goes on with what had to wait for it, oldest first. */
  #resume(): void {
    if (this.finished) return;
    this.#phase.resume();
    const unread = this.#unread;
    if (unread !== undefined && !this.#sender.overfull && !this.#slice.isOver) {
      this.#unread = undefined;
      this.#feed(unread, viewOf(unread), 0, unread.length);
    }
    this.#options.wake();
  }

  /** The login has ended: its results hold from the next PDU on. */
  #enterFullFeature(login: LoginFinish, tsih: number, window: CommandWindow): void {
    const { limits } = this.#host;
    const { portal, now } = this.#options;
    const session = this.#host.openSession(login, tsih, window, portal);
    session.join(this);
    this.#host.loginEnded(this);
    this.#useParameters(session);
    this.#phase.close();
    this.#session = session;
    this.#phase = new FullFeaturePhase({
      session,
      sender: this.#sender,
      limits,
      now,
      buffers: this.#host.budget.buffers,
      directory: this.#host,
      portal,
      cid: login.cid,
      fail: (error) => this.fail(error),
    });
    this.#handlers = this.#handlersOf(this.#phase);
  }

  #useParameters({ parameters }: TargetSession): void {
    const { outbox } = this.#sender;
    const receiver = this.#receiver;
    this.#sender.maxDataSegmentLength = parameters.initiatorMaxRecvDataSegmentLength;
    receiver.maxDataSegmentLength = parameters.targetMaxRecvDataSegmentLength;
    receiver.headerDigest = parameters.headerDigest;
    receiver.dataDigest = parameters.dataDigest;
    outbox.headerDigest = parameters.headerDigest;
    outbox.dataDigest = parameters.dataDigest;
  }

  #handlersOf({ handlers, name }: ConnectionPhase): HandlerTable {
    return this.#host.replaceHandlers?.(handlers, name, this.#sender) ?? handlers;
  }

  /** If the window opens and nothing is about to be sent, the initiator must be told (RFC 7143 §11.4.11). */
  #tellWindow(): void {
    this.#sender.windowMoved = false;
    if (this.#session === undefined || this.finished || this.#sender.outbox.pendingBytes > 0) return;
    sendNopIn(this.#sender, RESERVED_TAG);
  }
}

/** Bytes to be sent that are never held back. */
const SHORT = 64 * 1024;
const NOTHING: readonly Uint8Array[] = [];

/** A copy that is the connection's own: `slice` of what a socket gives, a Buffer, would be a view of it. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}
