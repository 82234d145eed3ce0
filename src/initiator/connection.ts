import { copyBytes } from '../bytes/copy.ts';
import { serialAdd, serialLess } from '../bytes/serial.ts';
import { IscsiError, ProtocolError } from '../errors.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { dataSegmentLength, opcode } from '../pdu/bhs.ts';
import { Outbox } from '../pdu/outbox.ts';
import { type PduHandler, Receiver } from '../pdu/receiver.ts';
import { OPCODES } from '../spec/iscsi-opcodes.ts';
import { TASK_MANAGEMENT_RESPONSES } from '../spec/iscsi-task-management.ts';
import { type CommandRules, sendCommand } from './command.ts';
import type { ConnectionConfig } from './connection-config.ts';
import { Exchange } from './exchange.ts';
import { HANDLERS, type PduRules } from './handlers.ts';
import type { InitiatorTask } from './initiator-task.ts';
import { LoginRun } from './login-run.ts';
import * as requests from './requests.ts';
import type { InitiatorSession } from './session.ts';

const LOGIN_DATA_SEGMENT_LENGTH = 8192; // the default holds until the login has ended (RFC 7143 §13.12)
const NOTHING = new Uint8Array(0);
/** From this length on the rest of a data segment is read straight to its place. */
const DIRECT_LENGTH = 32 * 1024;
/** The same while reads for anything else are short: then whatever is longer than such a read. */
const DIRECT_LENGTH_OF_LONG = 1024;
/** The most that the Logout Response may take, in milliseconds. */
const LOGOUT_TIME = 5000;
/** Answers to pings and parts of texts that may wait for the socket. One read holds about 5000 pings. */
const MOST_UNSENT_ANSWERS = 20_000;

/**
 * The initiator's side of one connection, without I/O: whoever owns the socket feeds `receive`, sends what `drain` gives, and tells the time.
 * None of its methods throw because of what the peer sent: a broken rule ends the session with that error.
 */
export class InitiatorConnection implements PduHandler, CommandRules {
  readonly session: InitiatorSession;
  readonly outbox: Outbox;
  readonly config: ConnectionConfig;

  // Settled by the login; until then the defaults of RFC 7143 §13.
  maxSendDataSegmentLength = LOGIN_DATA_SEGMENT_LENGTH;
  maxBurstLength = 262_144;
  firstBurstLength = 65_536;
  immediateData = true;
  initialR2T = true;
  expStatSN = 0;
  /** True once the core wants the socket closed: send what is left, then close. */
  finished = false;

  /** Where the data of the PDU under way goes. Set in `onHeader`. */
  sink: Uint8Array = NOTHING;
  sinkAt = 0;
  /** Whether the last Data-In was a long one. */
  longSegments = false;

  readonly #receiver: Receiver;
  #login: LoginRun | undefined;
  #loginDeadline = Number.POSITIVE_INFINITY;
  #pingAt = Number.POSITIVE_INFINITY;
  #heard = false;
  #begun = false;
  #failed = false;
  #loggingOut = false;
  /** Texts that wait for the one under way; undefined when none is. */
  #textsWaiting: (() => void)[] | undefined;
  #unsentAnswers = 0;

  constructor(session: InitiatorSession, config: ConnectionConfig) {
    this.session = session;
    this.config = config;
    this.outbox = new Outbox(config.payloadCrc32c);
    this.#receiver = new Receiver(this, LOGIN_DATA_SEGMENT_LENGTH, config.payloadCrc32c);
    this.#receiver.maxAhsLength = 0; // only a SCSI Command has AHS (RFC 7143 §11.2.2)
    session.attach(this);
  }

  /** The transport is there: begins the login. */
  connected(): void {
    this.#loginDeadline = this.now + this.config.loginTimeout;
    this.#login = new LoginRun(this, this.config.login);
    this.guard(() => this.#login?.start());
    this.session.host.wake();
  }

  /** Feeds what arrived. See {@link Receiver.receive}. */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void {
    const first = !this.#begun;
    this.#begun = true;
    this.#heard = true;
    try {
      if (first && to > from) requireLoginResponse(view, from);
      this.#receiver.receive(bytes, view, from, to);
      this.session.pump();
    } catch (error) {
      this.fail(error instanceof IscsiError ? error : internal(error));
    }
    this.session.host.wake();
  }

  /**
   * Where the socket may read to next: the rest of a long Data-In segment goes straight into its task's buffer, without a copy on the way.
   * Undefined when what comes next has to be looked at. The task cannot settle before the segment has ended, but with the connection,
   * and then the socket is destroyed in the same breath.
   */
  directRoom(): Uint8Array | undefined {
    const left = this.#receiver.dataLeft;
    if (left < (this.longSegments ? DIRECT_LENGTH_OF_LONG : DIRECT_LENGTH) || this.sink.length === 0) return undefined;
    return this.sink.subarray(this.sinkAt, this.sinkAt + left);
  }

  /** `length` bytes were read to the beginning of `room`, which `directRoom` gave. */
  placed(room: Uint8Array, length: number): void {
    this.#heard = true;
    this.sinkAt += length;
    try {
      this.#receiver.placed(room, 0, length);
      this.session.pump();
    } catch (error) {
      this.fail(error instanceof IscsiError ? error : internal(error));
    }
    if (this.outbox.pendingBytes > 0 || this.finished) this.session.host.wake(); // most often there is only more to come
  }

  /** Whether long segments are coming in: then a short read finds the next header and leaves the rest to `directRoom`. */
  get prefersShortReads(): boolean {
    return this.longSegments;
  }

  /** The time. */
  get now(): number {
    return this.session.host.now();
  }

  /** See {@link Outbox.drain}. After a failure there is nothing: the buffers that payload refers to are their owners' again. */
  drain(): readonly Uint8Array[] {
    return this.#failed ? [] : this.outbox.drain();
  }

  /** See {@link Outbox.flushed}. */
  flushed(): void {
    this.#unsentAnswers = 0;
    this.outbox.flushed();
    this.session.flushed();
  }

  /** Whether data of `task` waits to be written that was not copied. */
  stillSends(task: InitiatorTask): boolean {
    return task.dataEnd > this.outbox.flushedPosition;
  }

  /** An initiator reads whatever comes: it asked for it. */
  get wantsData(): boolean {
    return true;
  }

  /** The transport is gone. */
  ended(cause?: Error): void {
    if (this.session.phase === 'closed') return;
    const during = this.session.phase === 'login' ? 'during the login' : 'before all answers came';
    const why = cause === undefined ? 'the target closed it' : cause.message;
    this.fail(
      new IscsiError('ISCSI_CONNECTION_LOST', `The connection ended ${during}: ${why}`, {
        cause,
        hint: 'whether commands under way took effect is not known',
      }),
    );
  }

  /** Ends the session because of `error`: nothing more is sent or taken. */
  fail(error: IscsiError): void {
    this.#receiver.stop();
    this.#failed = true;
    this.finished = true;
    this.session.close(error);
  }

  /** Milliseconds at which `tick` has something to do, or Infinity. */
  nextDeadline(): number {
    return Math.min(this.session.nextDeadline, this.#loginDeadline, this.#pingAt);
  }

  /** Tells the time, in milliseconds of a monotonic clock. */
  tick(now: number): void {
    if (now >= this.#loginDeadline) {
      this.#loginDeadline = Number.POSITIVE_INFINITY;
      this.fail(
        new IscsiError('ISCSI_TIMEOUT', `Cannot log in: no answer within ${this.config.loginTimeout} ms`, {
          hint: 'the port is open but nothing speaks iSCSI behind it, or the target hangs',
        }),
      );
      return;
    }
    if (now >= this.#pingAt) this.#keepAlive();
    this.session.tick(now);
  }

  /** Sends a SCSI command whose CmdSN has been given. */
  sendCommand(task: InitiatorTask): void {
    sendCommand(this.outbox, this, task);
  }

  /** Sends a task management function; `settle` gets the Response field. */
  sendTaskManagement(request: requests.TaskManagementFields, deadline: number, settle: Exchange['settle']): void {
    const cmdSN = this.session.window.next;
    const exchange = this.#open('taskManagement', deadline, (error, answer) => {
      if (answer.response === TASK_MANAGEMENT_RESPONSES.FUNCTION_COMPLETE) this.session.conclude(request, cmdSN);
      settle(error, answer);
    });
    if (exchange !== undefined) requests.sendTaskManagement(this, exchange, request);
  }

  /** Sends a ping; `settle` gets the echoed data. */
  sendNop(data: Uint8Array, deadline: number, settle: Exchange['settle']): void {
    const exchange = this.#open('nop', deadline, settle);
    if (exchange !== undefined) requests.sendPing(this, exchange, data);
  }

  /** Sends a text request; `settle` gets the joined text of all responses. One at a time (RFC 7143 §11.10): further ones wait. */
  sendText(text: Uint8Array, deadline: number, settle: Exchange['settle']): void {
    if (this.#textsWaiting !== undefined) {
      this.#textsWaiting.push(() => this.sendText(text, deadline, settle));
      return;
    }
    const waiting: (() => void)[] = [];
    this.#textsWaiting = waiting;
    const exchange = this.#open('text', deadline, (error, answer) => {
      this.#textsWaiting = undefined;
      settle(error, answer);
      for (const next of waiting) next();
    });
    if (exchange !== undefined) requests.sendText(this, exchange, text);
  }

  /** Whether a text request waits for its answer. */
  get textPending(): boolean {
    return this.#textsWaiting !== undefined;
  }

  /** Whether the Logout Request is out: no request may follow it (RFC 7143 §11.14). */
  get loggingOut(): boolean {
    return this.#loggingOut;
  }

  /**
   * Lets the commands under way end, logs out and ends the session (RFC 7143 §11.14), all until `deadline`. Commands that take too long
   * are left to the target to terminate: half of the time, or 5 s if that is less, is kept for the Logout Response.
   */
  logout(deadline: number): void {
    const answerTime = Math.min(LOGOUT_TIME, Math.max(0, deadline - this.now) / 2);
    this.session.drainThen(() => {
      if (this.#loggingOut) return;
      const exchange = this.#open('logout', Math.min(deadline, this.now + LOGOUT_TIME), (error) => {
        this.finished = true;
        this.#receiver.stop();
        this.session.close(error?.code === 'ISCSI_CONNECTION_LOST' ? undefined : error);
      });
      if (exchange !== undefined) requests.sendLogout(this, exchange);
      this.#loggingOut = true;
      this.session.host.wake();
    }, deadline - answerTime);
  }

  /**
   * @internal Counts what is sent only because the target said something.
   * @throws {ProtocolError} When it keeps asking and does not take the answers: they must not pile up.
   */
  countAnswer(): void {
    if (++this.#unsentAnswers <= MOST_UNSENT_ANSWERS) return;
    throw new ProtocolError(`Cannot answer the target: it does not take the ${MOST_UNSENT_ANSWERS} answers that wait`);
  }

  /** @internal What the login settled comes into force, at this PDU border. */
  enterFullFeature(parameters: OperationalParameters): void {
    this.#loginDeadline = Number.POSITIVE_INFINITY;
    this.#login = undefined;
    this.maxSendDataSegmentLength = parameters.targetMaxRecvDataSegmentLength;
    this.maxBurstLength = parameters.maxBurstLength;
    this.firstBurstLength = parameters.firstBurstLength;
    this.immediateData = parameters.immediateData;
    this.initialR2T = parameters.initialR2T;
    this.#receiver.maxDataSegmentLength = parameters.initiatorMaxRecvDataSegmentLength;
    this.#receiver.headerDigest = parameters.headerDigest;
    this.#receiver.dataDigest = parameters.dataDigest;
    this.outbox.headerDigest = parameters.headerDigest;
    this.outbox.dataDigest = parameters.dataDigest;
    this.session.parameters = parameters;
    this.session.phase = 'fullFeature';
    if (this.config.keepaliveInterval > 0) this.#pingAt = this.now + this.config.keepaliveInterval;
    this.session.host.loggedIn();
  }

  /** @internal The login that is running, if one is. */
  get login(): LoginRun | undefined {
    return this.#login;
  }

  /** @internal Notes the StatSN of a PDU that used one up (RFC 7143 §4.2.2.2). */
  acknowledge(statSN: number): void {
    const next = serialAdd(statSN, 1);
    if (serialLess(this.expStatSN, next)) this.expStatSN = next;
  }

  /** {@link PduHandler} */
  onHeader(view: DataView, at: number): void {
    const rules = this.#rules(view, at);
    this.sinkAt = 0;
    if (rules.begin !== undefined) rules.begin(this, view, at);
    else {
      const length = dataSegmentLength(view, at); // bounded by our MaxRecvDataSegmentLength
      this.sink = length === 0 ? NOTHING : new Uint8Array(length);
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
    this.#rules(view, at).end(this, view, at, dataDigestOk);
  }

  /** @internal Runs what a caller started; an error of the protocol ends the session instead of reaching the caller. */
  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.fail(error instanceof IscsiError ? error : internal(error));
    }
  }

  #rules(view: DataView, at: number): PduRules {
    const code = opcode(view, at);
    const rules = HANDLERS[code];
    if (rules === undefined)
      throw new ProtocolError(`Cannot take opcode 0x${code.toString(16)} from a target`, { clause: '11.2.1.2' });
    if ((this.#login !== undefined) !== rules.duringLogin) {
      const when = rules.duringLogin ? 'after the login' : 'during the login';
      throw new ProtocolError(`Cannot take opcode 0x${code.toString(16)} ${when}`, { clause: '4.2.4' });
    }
    return rules;
  }

  #open(kind: Exchange['kind'], deadline: number, settle: Exchange['settle']): Exchange | undefined {
    const { phase } = this.session;
    if (phase === 'closed' || phase === 'login' || this.#loggingOut) {
      const why = phase === 'login' ? 'the login has not ended' : 'the session is closed';
      settle(new IscsiError('ISCSI_CLOSED', `Cannot send a request: ${why}`), {});
      return undefined;
    }
    if (this.session.tasks.full) {
      settle(new IscsiError('ISCSI_USAGE', 'Cannot send a request: too many are waiting already'), {});
      return undefined;
    }
    const exchange = new Exchange(kind, settle);
    exchange.deadline = deadline;
    this.session.tasks.add(exchange);
    this.session.expect(deadline);
    return exchange;
  }

  /** Pings a target that has been silent; whatever it says counts as a sign of life. */
  #keepAlive(): void {
    this.#pingAt = this.now + this.config.keepaliveInterval;
    if (this.#heard || this.session.phase !== 'fullFeature') {
      this.#heard = false;
      return;
    }
    this.sendNop(NOTHING, this.now + this.config.keepaliveTimeout, ignore);
    this.session.host.wake();
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

function ignore(): void {
  // Nobody waits for the answer to a keepalive; its deadline is what counts.
}

function internal(cause: unknown): IscsiError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new IscsiError('ISCSI_PROTOCOL', `Cannot go on with the session: ${text}`, { cause });
}
