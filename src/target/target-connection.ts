import type { Crc32c } from '../bytes/crc32c.ts';
import { serialAdd } from '../bytes/serial.ts';
import { ProtocolError } from '../errors.ts';
import { opcode } from '../pdu/bhs.ts';
import { Outbox } from '../pdu/outbox.ts';
import { type PduHandler, Receiver } from '../pdu/receiver.ts';
import { OPCODES, opcodeName, RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { sendSessionDrop } from './async-message.ts';
import { Countdown } from './countdown.ts';
import { collect, DataOutSink, type DataOutUnderWay } from './data-out.ts';
import { HANDLERS, type RequestHandler } from './full-feature.ts';
import { Gather, type Sink } from './gather.ts';
import type { TargetLimits } from './limits.ts';
import { LOGIN_DATA_SEGMENT_LENGTH, LoginPhase } from './login-phase.ts';
import { sendNopIn } from './nop.ts';
import { sendReject } from './reject.ts';
import type { TargetNode } from './target-node.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask } from './target-task.ts';
import type { TaskAbort } from './task-abort.ts';
import type { TextExchange } from './text.ts';
import { WriteBudget } from './write-budget.ts';

/** Where a connection came in. */
export interface PortalAddress {
  /** The local address of the connection, without brackets: what SendTargets tells. */
  readonly host: string;
  readonly port: number;
}

/** What a connection needs from outside. */
export interface ConnectionOptions {
  readonly portal: PortalAddress;
  /** Called whenever there may be something to send, a nearer deadline, or another value of `wantsData` or `finished`. */
  readonly wake: () => void;
  readonly payloadCrc32c?: Crc32c;
}

/** How many tags of aborted tasks a connection remembers, to drop what still comes for them. */
const REMEMBERED_TAGS = 256;

/**
 * The target's side of one connection, without I/O: whoever owns the socket feeds `receive`, sends what `drain` gives, and tells the time.
 * None of its methods throw because of what the initiator sent: a broken rule ends the session.
 */
export class TargetConnection implements PduHandler {
  readonly node: TargetNode;
  readonly limits: TargetLimits;
  readonly portal: PortalAddress;
  readonly outbox: Outbox;
  readonly wake: () => void;
  /** True once the core wants the socket closed: send what is left, then close. */
  finished = false;
  /** Why the connection was given up, for logs. */
  error: Error | undefined = undefined;
  /** Set when the login has ended. */
  session: TargetSession | undefined = undefined;
  /** Connection ID, chosen by the initiator. */
  cid = 0;
  /** StatSN of the next status. */
  statSN = 0;
  /** The initiator's MaxRecvDataSegmentLength: no data segment that we send is longer. */
  maxSendDataSegmentLength = LOGIN_DATA_SEGMENT_LENGTH;

  // The PDU under way.
  /** Takes its data; undefined to drop it. */
  sink: Sink | undefined = undefined;
  readonly gather = new Gather();
  readonly dataOutSink = new DataOutSink();
  readonly dataOut: DataOutUnderWay = { task: undefined, sequence: undefined, reason: 0 };
  command: TargetTask | undefined = undefined;
  /** Why the command under way is rejected; 0 when it is not. */
  commandReason = 0;

  readonly budget: WriteBudget;
  readonly aborts = new Set<TaskAbort>();
  readonly recentlyAborted = new Set<number>();
  text: TextExchange | undefined = undefined;
  /** The tag of our ping that is not answered yet. */
  pingTag = RESERVED_TAG;
  /** True when the command window has moved and no answer says so. */
  windowMoved = false;

  readonly #receiver: Receiver;
  readonly #loginTime = new Countdown();
  readonly #silence = new Countdown();
  #login: LoginPhase | undefined;
  #heard = false;
  #stalled = false;
  #transferTag = 0;
  #gone = false;

  constructor(node: TargetNode, options: ConnectionOptions) {
    this.node = node;
    this.limits = node.limits;
    this.portal = options.portal;
    this.wake = options.wake;
    this.outbox = new Outbox(options.payloadCrc32c);
    this.#receiver = new Receiver(this, LOGIN_DATA_SEGMENT_LENGTH, options.payloadCrc32c);
    this.#login = new LoginPhase(this);
    this.#loginTime.start(node.limits.loginTime);
    this.budget = new WriteBudget(node.limits.writeBufferBytes, collect);
  }

  /** Whether the login has not ended. */
  get loggingIn(): boolean {
    return this.#login !== undefined;
  }

  /** Feeds what arrived: `bytes[from, to)`, of which `view` sees the same memory. The caller may overwrite it once this returns. */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    this.#heard = true;
    try {
      this.#receiver.receive(bytes, view, from, to);
    } catch (error) {
      this.fail(error);
    }
    this.wake();
  }

  /** See {@link Outbox.drain}. */
  drain(): readonly Uint8Array[] {
    if (this.windowMoved) this.#tellWindow();
    return this.outbox.drain();
  }

  /** See {@link Outbox.flushed}. What had to wait for room goes on. */
  flushed(): void {
    this.outbox.flushed();
    if (!this.#stalled || this.#unsent > this.limits.unsentBytes / 2) return;
    this.#stalled = false;
    this.session?.runReady();
    this.wake();
  }

  /** Tells the time, in milliseconds of a monotonic clock. */
  tick(now: number): void {
    if (this.#loginTime.due(now)) {
      this.fail(
        new ProtocolError(`Cannot wait for the login any longer: it took more than ${this.limits.loginTime} ms`),
      );
    }
    for (const abort of [...this.aborts]) if (abort.patience.due(now)) abort.giveUpOnData();
    if (this.#silence.due(now)) this.#keepAlive();
    this.wake();
  }

  /** Milliseconds at which `tick` has something to do, or Infinity. */
  nextDeadline(): number {
    let deadline = Math.min(this.#loginTime.deadline, this.#silence.deadline);
    for (const { patience } of this.aborts) deadline = Math.min(deadline, patience.deadline);
    return deadline;
  }

  /** The transport is gone: the session, which had this connection only, ends with it (ErrorRecoveryLevel 0). */
  ended(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    this.error ??= error;
    this.finish();
    this.outbox.abandon();
    this.node.connectionEnded(this);
  }

  /** False while so much waits to be sent that nothing more should be read. */
  get wantsData(): boolean {
    return !this.congested;
  }

  /** Whether so much waits to be sent that no command should be started. */
  get congested(): boolean {
    if (this.#unsent < this.limits.unsentBytes) return false;
    this.#stalled = true;
    return true;
  }

  /** Gives the connection up, and with it the session. What was to be sent already is sent. */
  fail(error: unknown): void {
    this.error ??= error instanceof Error ? error : new Error(String(error));
    this.finish();
  }

  /** Takes nothing more; the socket closes when what is left was sent. Ends the session. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.#receiver.stop();
    this.#loginTime.stop();
    this.#silence.stop();
    this.#login = undefined;
    if (this.command !== undefined && this.session !== undefined) this.session.releaseTask(this.command);
    this.command = undefined;
    this.session?.close();
    this.aborts.clear();
    this.wake();
  }

  /** Tells the initiator that the session will be dropped (RFC 7143 §11.9.1). Nothing of it can be taken up again. */
  announceEnd(): void {
    if (this.session !== undefined && !this.finished) sendSessionDrop(this, this.session);
  }

  /** The login has ended: its results hold from the next PDU on. */
  enterFullFeature(session: TargetSession): void {
    const { parameters } = session;
    this.#login = undefined;
    this.#loginTime.stop();
    this.session = session;
    session.connections.push(this);
    this.maxSendDataSegmentLength = parameters.initiatorMaxRecvDataSegmentLength;
    this.#receiver.maxDataSegmentLength = parameters.targetMaxRecvDataSegmentLength;
    this.#receiver.headerDigest = parameters.headerDigest;
    this.#receiver.dataDigest = parameters.dataDigest;
    this.outbox.headerDigest = parameters.headerDigest;
    this.outbox.dataDigest = parameters.dataDigest;
    if (!session.identity.discovery) this.#silence.start(this.limits.keepAlive); // no NOP-In there (RFC 7143 §4.3)
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

  /** Rejects the PDU whose header is at `at`. */
  reject(reason: number, view: DataView, at: number): void {
    if (this.session !== undefined) sendReject(this, this.session, reason, view, at);
  }

  /** Notes a task whose data may still be on its way. */
  rememberAborted(initiatorTaskTag: number): void {
    const tags = this.recentlyAborted;
    tags.delete(initiatorTaskTag);
    tags.add(initiatorTaskTag);
    if (tags.size <= REMEMBERED_TAGS) return;
    for (const oldest of tags) {
      tags.delete(oldest);
      return;
    }
  }

  /** @internal {@link PduHandler} */
  onHeader(view: DataView, at: number): void {
    this.sink = undefined;
    const { session } = this;
    if (session === undefined) this.#login?.begin(view, at);
    else this.#handler(view, at)?.begin(this, session, view, at);
  }

  /** @internal {@link PduHandler} */
  onData(bytes: Uint8Array, from: number, to: number): void {
    this.sink?.take(bytes, from, to);
  }

  /** @internal {@link PduHandler} */
  onEnd(view: DataView, at: number, dataDigestOk: boolean): void {
    const { session } = this;
    if (session === undefined) {
      this.#login?.end(view, at);
      return;
    }
    const handler = this.#handler(view, at);
    if (handler === undefined) {
      this.reject(REJECT_REASONS.COMMAND_NOT_SUPPORTED, view, at);
    } else if (dataDigestOk) {
      handler.end(this, session, view, at);
    } else {
      this.reject(REJECT_REASONS.DATA_DIGEST_ERROR, view, at);
      handler.discard?.(this, session, view, at);
    }
  }

  get #unsent(): number {
    return this.outbox.pendingBytes + this.outbox.inFlightBytes;
  }

  /** The handler of a request; undefined when it is to be rejected. */
  #handler(view: DataView, at: number): RequestHandler | undefined {
    const code = opcode(view, at);
    const handler = HANDLERS[code];
    if (handler === undefined && code === OPCODES.LOGIN_REQUEST) {
      throw new ProtocolError(`Cannot take a ${opcodeName(code)} after the login`, { clause: '4.2.4' });
    }
    return this.session?.identity.discovery === true && handler?.discovery === false ? undefined : handler;
  }

  /** If the window opens and nothing is about to be sent, the initiator must be told (RFC 7143 §11.4.11). */
  #tellWindow(): void {
    this.windowMoved = false;
    if (this.session !== undefined && !this.finished && this.outbox.pendingBytes === 0) {
      sendNopIn(this, this.session, RESERVED_TAG);
    }
  }

  /** Pings an initiator that has been silent; whatever it says counts as a sign of life. */
  #keepAlive(): void {
    if (this.session === undefined) return;
    if (this.#heard) {
      this.#heard = false;
      this.pingTag = RESERVED_TAG;
    } else if (this.pingTag !== RESERVED_TAG) {
      this.fail(
        new ProtocolError(`Cannot reach the initiator: no answer to a NOP-In within ${this.limits.keepAlive} ms`),
      );
      return;
    } else {
      this.pingTag = this.nextTransferTag();
      sendNopIn(this, this.session, this.pingTag);
    }
    this.#silence.start(this.limits.keepAlive);
  }
}
