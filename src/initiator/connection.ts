import { copyBytes } from '../bytes/copy.ts';
import { serialAdd, serialLess } from '../bytes/serial.ts';
import { IscsiError, ProtocolError } from '../errors.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { dataSegmentLength, opcode } from '../pdu/bhs.ts';
import { pduKind } from '../pdu/opcodes-table.ts';
import { Outbox } from '../pdu/outbox.ts';
import type { PduWatcher } from '../pdu/pdu-watcher.ts';
import { type PduHandler, Receiver } from '../pdu/receiver.ts';
import { OPCODES } from '../spec/iscsi-opcodes.ts';
import type { ConnectionConfig } from './connection-config.ts';
import type { CommandRules } from './connection-rules.ts';
import { type LoginConnection, type LoginOutcome, LoginRun } from './login-run.ts';

const LOGIN_DATA_SEGMENT_LENGTH = 8192; // the default holds until the login has ended (RFC 7143 §13.12)
const NOTHING = new Uint8Array(0);
/** From this length on the rest of a data segment is read straight to its place. */
const DIRECT_LENGTH = 32 * 1024;
/**
 * While long segments come: a read of this length finds the next header, and whatever is longer is read straight to its
 * place.
 */
const SHORT_READ = 1024;
const LOGIN_CUT_HINT =
  'the target refuses without saying why, or something between cuts the connection: its log may tell';
/** Answers to pings and parts of texts that may wait for the socket. One read holds about 5000 pings. */
const MOST_UNSENT_ANSWERS = 20_000;
/** What a target may say within a second that nobody waits for: far more than any says, and little work for us. */
const MOST_UNASKED = 100_000;
const UNASKED_WINDOW = 1000;

/**
 * Whom a connection reports to. It decides; the connection has no opinion on commands, numbering or what a lost
 * connection means.
 */
export interface ConnectionOwner {
  /** The CmdSN that a login request carries. */
  readonly nextCmdSN: number;
  /** When `tick` has something to do for the owner, or Infinity. */
  readonly nextDeadline: number;
  /** Is told of each PDU. */
  readonly watcher?: PduWatcher | undefined;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  tick(now: number): void;
  /** There may be something to send, an earlier deadline, or a changed state. Must be cheap. */
  wake(): void;
  /** The login has ended well. */
  loggedIn(connection: InitiatorConnection, outcome: LoginOutcome): void;
  /** The connection is over because of `error`: it sends and takes nothing more. */
  lost(connection: InitiatorConnection, error: IscsiError): void;
  /** A PDU has begun, after the login. Says where its data goes by `connection.sink` and `sinkAt`. */
  begin(connection: InitiatorConnection, view: DataView, at: number): void;
  /** A PDU is complete, after the login. */
  end(connection: InitiatorConnection, view: DataView, at: number, dataDigestOk: boolean): void;
  /** All PDUs of one read were handed over. */
  received(): void;
  /** The socket has taken what there was to send. */
  flushed(): void;
  /** The target has said nothing for the keepalive interval. */
  silent(connection: InitiatorConnection): void;
}

/**
 * The initiator's side of one connection, without I/O: whoever owns the socket feeds `receive`, sends what `drain`
 * gives, and tells the time. It frames PDUs, numbers status, logs in, and reports. None of its methods throw because of
 * what the peer sent: a broken rule ends it.
 */
export class InitiatorConnection implements PduHandler, CommandRules, LoginConnection {
  readonly outbox: Outbox;
  readonly cid: number;

  // Settled by this connection's login, or by the session's first; until then the defaults of RFC 7143 §13.
  maxSendDataSegmentLength = LOGIN_DATA_SEGMENT_LENGTH;
  maxBurstLength = 262_144;
  firstBurstLength = 65_536;
  immediateData = true;
  initialR2T = true;
  expStatSN = 0;
  /** Milliseconds that the answer to a ping may take. */
  readonly keepaliveTimeout: number;
  /** True once the socket is to be closed: send what is left, then close. */
  finished = false;

  // The PDU under way: where its data goes. Set when its header has come.
  sink: Uint8Array = NOTHING;
  sinkAt = 0;
  /** Whether the last Data-In was a long one. */
  longSegments = false;

  readonly #owner: ConnectionOwner;
  readonly #config: ConnectionConfig;
  readonly #receiver: Receiver;
  #login: LoginRun | undefined;
  #loginDeadline = Number.POSITIVE_INFINITY;
  #pingAt = Number.POSITIVE_INFINITY;
  #heardAt = 0;
  #unasked = 0;
  #unaskedSince = 0;
  #begun = false;
  #lost = false;
  #unsentAnswers = 0;

  constructor(owner: ConnectionOwner, config: ConnectionConfig) {
    this.#owner = owner;
    this.#config = config;
    this.cid = config.cid ?? 0;
    this.keepaliveTimeout = config.keepaliveTimeout;
    this.outbox = new Outbox(config.payloadCrc32c);
    this.outbox.watcher = owner.watcher;
    this.#receiver = new Receiver(this, LOGIN_DATA_SEGMENT_LENGTH, config.payloadCrc32c);
    this.#receiver.maxAhsLength = 0; // only a SCSI Command has AHS (RFC 7143 §11.2.2)
  }

  /** The transport is there: begins the login. */
  connected(): void {
    this.#loginDeadline = this.#owner.now() + this.#config.loginTimeout;
    this.#login = new LoginRun(this, this.#config.login, this.#owner.nextCmdSN);
    try {
      this.#login.start();
    } catch (error) {
      this.fail(asIscsiError(error));
    }
    this.#owner.wake();
  }

  /** Feeds what arrived. See {@link Receiver.receive}. */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    const first = !this.#begun;
    this.#begun = true;
    try {
      if (first && to > from) requireLoginResponse(view, from);
      this.#receiver.receive(bytes, view, from, to);
      this.#owner.received();
    } catch (error) {
      this.fail(asIscsiError(error));
    }
    this.#lookAtClock();
    this.#owner.wake();
  }

  /**
   * Where the socket may read to next: the rest of a long Data-In segment goes straight into its task's buffer, without
   * a copy on the way. Undefined when what comes next has to be looked at. The task cannot settle before the segment
   * has ended, but with the connection, and then the socket is destroyed in the same breath.
   */
  directRoom(): Uint8Array | undefined {
    const left = this.#receiver.dataLeft;
    if (left < (this.longSegments ? SHORT_READ : DIRECT_LENGTH) || this.sink.length === 0) return undefined;
    return this.sink.subarray(this.sinkAt, this.sinkAt + left);
  }

  /** `length` bytes were read to the beginning of `room`, which `directRoom` gave. */
  placed(room: Uint8Array, length: number): void {
    this.sinkAt += length;
    try {
      this.#receiver.placed(room, 0, length);
      this.#owner.received();
    } catch (error) {
      this.fail(asIscsiError(error));
    }
    this.#lookAtClock();
    if (this.outbox.pendingBytes > 0 || this.finished) this.#owner.wake(); // most often there is only more to come
  }

  /** How much to read at once, in bytes, so that `directRoom` gets its chance; 0 for as much as there is. */
  get shortRead(): number {
    return this.longSegments ? SHORT_READ : 0;
  }

  /**
   * See {@link Outbox.drain}. Once the connection is lost there is nothing: the buffers that payload refers to are
   * their owners' again.
   */
  drain(): readonly Uint8Array[] {
    return this.#lost ? [] : this.outbox.drain();
  }

  /** See {@link Outbox.flushed}. */
  flushed(): void {
    this.#unsentAnswers = 0;
    this.outbox.flushed();
    this.#owner.flushed();
  }

  /** Whether data up to this position of the outbox waits to be written. */
  stillSends(position: number): boolean {
    return position > this.outbox.flushedPosition;
  }

  /** An initiator reads whatever comes: it asked for it. */
  get wantsData(): boolean {
    return true;
  }

  /** The transport is gone. */
  ended(cause?: Error): void {
    if (this.finished) return;
    const why = cause === undefined ? 'the target closed it' : cause.message;
    const text =
      this.#login === undefined ? `The connection ended: ${why}` : `The connection ended during the login: ${why}`;
    const hint = this.#login === undefined ? undefined : LOGIN_CUT_HINT;
    this.fail(new IscsiError('ISCSI_CONNECTION_LOST', text, { cause, ...(hint === undefined ? {} : { hint }) }));
  }

  /** Gives the connection up because of `error`: nothing more is sent or taken. */
  fail(error: IscsiError): void {
    if (this.#lost) return;
    this.drop();
    this.#owner.lost(this, error);
  }

  /** Ends the connection at once and without a word: nothing more is sent or taken. */
  drop(): void {
    this.#lost = true;
    this.close();
  }

  /** Takes nothing more; the socket is to be closed when it has taken what is left. */
  close(): void {
    this.finished = true;
    this.#receiver.stop();
    this.#loginDeadline = Number.POSITIVE_INFINITY;
    this.#pingAt = Number.POSITIVE_INFINITY;
  }

  /** Milliseconds at which `tick` has something to do, or Infinity. */
  nextDeadline(): number {
    return Math.min(this.#owner.nextDeadline, this.#loginDeadline, this.#pingAt);
  }

  /** Tells the time, in milliseconds of a monotonic clock. */
  tick(now: number): void {
    if (now >= this.#loginDeadline) {
      this.fail(
        new IscsiError('ISCSI_TIMEOUT', `Cannot log in: no answer within ${this.#config.loginTimeout} ms`, {
          hint: 'the port is open but nothing speaks iSCSI behind it, or the target hangs',
        }),
      );
      return;
    }
    if (now >= this.#pingAt) this.#keepAlive(now);
    this.#owner.tick(now);
  }

  /** Notes the StatSN of a PDU that used one up (RFC 7143 §4.2.2.2). */
  acknowledge(statSN: number): void {
    const next = serialAdd(statSN, 1);
    if (serialLess(this.expStatSN, next)) this.expStatSN = next;
  }

  /**
   * Counts what is sent only because the target said something.
   * @throws {ProtocolError} When it keeps asking and does not take the answers: they must not pile up.
   */
  countAnswer(): void {
    if (++this.#unsentAnswers <= MOST_UNSENT_ANSWERS) return;
    throw new ProtocolError(`Cannot answer the target: it does not take the ${MOST_UNSENT_ANSWERS} answers that wait`);
  }

  /**
   * Counts what the target says that nobody waits for.
   * @throws {ProtocolError} When it says nothing else, as fast as it can: nobody could do anything beside it.
   */
  countUnasked(): void {
    if (++this.#unasked <= MOST_UNASKED) return;
    throw new ProtocolError(
      `Cannot listen to the target any longer: it sent more than ${MOST_UNASKED} PDUs within a second that nobody waits for`,
    );
  }

  /** Takes over what the first login of the session has settled for all its connections (RFC 7143 §13). */
  follow(parameters: OperationalParameters): void {
    this.maxBurstLength = parameters.maxBurstLength;
    this.firstBurstLength = parameters.firstBurstLength;
    this.immediateData = parameters.immediateData;
    this.initialR2T = parameters.initialR2T;
  }

  /**
   * Collects the data of the PDU under way in a buffer of its own. Its length is bounded by our
   * MaxRecvDataSegmentLength.
   */
  collect(view: DataView, at: number): void {
    const length = dataSegmentLength(view, at);
    this.sink = length === 0 ? NOTHING : new Uint8Array(length);
  }

  /** {@link PduHandler} */
  onHeader(view: DataView, at: number): void {
    this.sinkAt = 0;
    if (this.#login === undefined) this.#owner.begin(this, view, at);
    else {
      requireDuringLogin(view, at);
      this.collect(view, at);
    }
  }

  /** {@link PduHandler} */
  onData(bytes: Uint8Array, from: number, to: number): void {
    const { sink } = this;
    if (sink.length === 0) return; // data of a task that was given up
    copyBytes(bytes, from, to, sink, this.sinkAt);
    this.sinkAt += to - from;
  }

  /** {@link PduHandler} */
  onEnd(view: DataView, at: number, dataDigestOk: boolean): void {
    const { watcher } = this.outbox;
    if (watcher?.watchesPdus === true) watcher.pduReceived(view, at);
    if (this.#login === undefined) {
      this.#owner.end(this, view, at, dataDigestOk);
      return;
    }
    const outcome = this.#login.onResponse(view, at, this.sink);
    if (outcome !== undefined) this.#enterFullFeature(outcome);
  }

  /** What the login settled comes into force, at this PDU border. */
  #enterFullFeature(outcome: LoginOutcome): void {
    this.#login = undefined;
    this.#loginDeadline = Number.POSITIVE_INFINITY;
    this.#apply(outcome.parameters);
    const { keepaliveInterval } = this.#config;
    if (keepaliveInterval > 0) this.#pingAt = this.#owner.now() + keepaliveInterval;
    this.#owner.loggedIn(this, outcome);
  }

  #apply(parameters: OperationalParameters): void {
    this.maxSendDataSegmentLength = parameters.targetMaxRecvDataSegmentLength;
    this.#receiver.maxDataSegmentLength = parameters.initiatorMaxRecvDataSegmentLength;
    this.#receiver.headerDigest = parameters.headerDigest;
    this.#receiver.dataDigest = parameters.dataDigest;
    this.outbox.headerDigest = parameters.headerDigest;
    this.outbox.dataDigest = parameters.dataDigest;
  }

  /**
   * After each read: a target that floods must not keep deadlines from being kept, since timers get their turn only
   * when the socket has nothing more to read for a while.
   */
  #lookAtClock(): void {
    const now = this.#owner.now();
    this.#heardAt = now;
    if (this.#unasked > 0 && now - this.#unaskedSince >= UNASKED_WINDOW) {
      this.#unasked = 0;
      this.#unaskedSince = now;
    }
    if (now >= this.nextDeadline()) this.tick(now);
  }

  /** Whatever the target says counts as a sign of life; it is pinged when the last one is an interval ago. */
  #keepAlive(now: number): void {
    const { keepaliveInterval } = this.#config;
    const silent = now - this.#heardAt >= keepaliveInterval;
    this.#pingAt = (silent ? now : this.#heardAt) + keepaliveInterval;
    if (silent) this.#owner.silent(this);
  }
}

/** Many a server says less than 48 bytes and then waits: its first byte tells that it speaks something else. */
function requireLoginResponse(view: DataView, at: number): void {
  const code = opcode(view, at);
  if (code === OPCODES.LOGIN_RESPONSE) return;
  throw new ProtocolError(`Cannot take opcode 0x${code.toString(16)} during the login`, {
    clause: '4.2.4',
    hint: 'does another service listen at that port?',
  });
}

/** During the login nothing comes but Login Responses (RFC 7143 §4.2.4). */
function requireDuringLogin(view: DataView, at: number): void {
  const code = opcode(view, at);
  if (code === OPCODES.LOGIN_RESPONSE) return;
  if (pduKind(code)?.role !== 'target') throw notFromTarget(code);
  throw new ProtocolError(`Cannot take opcode 0x${code.toString(16)} during the login`, { clause: '4.2.4' });
}

/** The error of a Login Response that comes after the login (RFC 7143 §4.2.4). */
export function notAfterLogin(code: number): ProtocolError {
  return new ProtocolError(`Cannot take opcode 0x${code.toString(16)} after the login`, { clause: '4.2.4' });
}

/** The error of an opcode that no target sends (RFC 7143 §11.2.1.2). */
export function notFromTarget(code: number): ProtocolError {
  return new ProtocolError(`Cannot take opcode 0x${code.toString(16)} from a target`, { clause: '11.2.1.2' });
}

/** Whatever was thrown on the way, as an error that callers can match. */
export function asIscsiError(cause: unknown): IscsiError {
  if (cause instanceof IscsiError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new IscsiError('ISCSI_PROTOCOL', `Cannot go on with the session: ${text}`, { cause });
}
