import { type IscsiError, withCommandSent } from '../errors.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { isGood } from './byte-account.ts';
import { sendCommand } from './command.ts';
import { type ConnectionOwner, InitiatorConnection } from './connection.ts';
import type { ConnectionConfig } from './connection-config.ts';
import { SessionCounters } from './counters.ts';
import type { Exchange, ExchangeAnswer, ExchangeRequest, SettleExchange } from './exchange.ts';
import { Exchanges } from './exchanges.ts';
import { InitiatorTask } from './initiator-task.ts';
import type { LoginOutcome } from './login-run.ts';
import { rulesOf } from './pdu-handlers.ts';
import { Queue } from './queue.ts';
import { sendLogout, sendPing, sendTaskManagement, sendText, type TaskManagementFields } from './requests.ts';
import { SendWindow } from './send-window.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import { SessionDrain } from './session-drain.ts';
import { commandRefused, requestRefused, timedOut } from './session-errors.ts';
import type { SessionEvent, SessionHost, SessionPhase } from './session-host.ts';
import type { SessionObserver } from './session-observer.ts';
import type { SessionState } from './session-state.ts';
import { TagTable } from './tag-table.ts';
import { TaskAborts } from './task-aborts.ts';
import { endTasks, saysEnded } from './task-management.ts';
import { endUnfinished, handOverUnsent } from './unfinished.ts';

/** The most that the Logout Response may take, in milliseconds. */
const LOGOUT_TIME = 5000;
/** The most commands at once; the rest of the 65536 tags is for aborts, pings and the like. */
const MOST_COMMANDS = 65_000;
const NOTHING = new Uint8Array(0);

type Entry = InitiatorTask | Exchange;

/**
 * The initiator's side of one session: command numbering, the tasks and which connection each belongs to, the other
 * requests, and when it is over. Its connections frame and report; what belongs to one of them (digests, StatSN,
 * segment lengths) is theirs. At error recovery level 0 the session ends with any of them.
 *
 * Each task settles exactly once, within its timeout: aborting begins early enough for the target's answer, and a
 * target that does not answer the abort loses the session (RFC 7143 §7.11).
 */
export class InitiatorSession implements ConnectionOwner, SessionState {
  readonly window: SendWindow;
  readonly tasks = new TagTable<Entry>();
  readonly host: SessionHost;
  readonly counters: SessionCounters;
  readonly watcher: SessionObserver | undefined;
  phase: SessionPhase = 'login';
  /** Set once the login has ended. */
  parameters: OperationalParameters | undefined = undefined;
  time2Wait: number | undefined = undefined;

  readonly #connections: InitiatorConnection[] = [];
  /** The connection that commands and requests go out on. */
  #sender: InitiatorConnection | undefined = undefined;
  readonly #queue = new Queue<InitiatorTask>();
  readonly #spare: InitiatorTask[] = [];
  readonly #flushing: InitiatorTask[] = [];
  readonly #exchanges: Exchanges;
  readonly #aborts: TaskAborts;
  readonly #deadlines = new SessionDeadlines();
  readonly #drain = new SessionDrain();
  #loggingOut = false;
  #endedBy: IscsiError | undefined;
  /** When what is being settled came, in milliseconds; 0 when nobody looked yet. */
  #readAt = 0;

  constructor(host: SessionHost, firstCmdSN: number) {
    this.host = host;
    this.counters = host.counters ?? new SessionCounters();
    this.watcher = host.observer;
    this.window = new SendWindow(firstCmdSN);
    this.#exchanges = new Exchanges(this);
    this.#aborts = new TaskAborts(this, this.#exchanges);
  }

  /** A connection of this session, which begins its login when it is told that the transport is there. */
  addConnection(config: ConnectionConfig): InitiatorConnection {
    const connection = new InitiatorConnection(this, config);
    this.#connections.push(connection);
    return connection;
  }

  /** A task to fill in and submit. One that is not submitted is lost to the pool, which does no harm. */
  newTask(): InitiatorTask {
    return this.#spare.pop() ?? new InitiatorTask();
  }

  /** Sends a command as soon as the window allows. One that cannot be taken settles before this returns. Hot path. */
  submit(task: InitiatorTask): void {
    if (this.phase !== 'fullFeature' || this.tasks.size >= MOST_COMMANDS) {
      const refusal = commandRefused(this.phase, this.#endedBy, MOST_COMMANDS);
      this.#end(task, withCommandSent(refusal, task.repeats > 0));
      return;
    }
    this.tasks.add(task);
    this.host.wake(); // first, so that who watches is known: it sends nothing before this turn is over
    task.phase = 'queued';
    const now = this.host.now();
    task.submittedAt ||= now; // one that comes from a session that was lost has waited before
    if (task.timeout !== Number.POSITIVE_INFINITY) this.#deadlines.begin(task, now);
    if (this.#queue.empty && this.window.open) this.#send(task);
    else this.#queue.push(task);
    if (this.watcher?.watchesCommands === true) this.watcher.commandStarted(task);
  }

  /**
   * Gives up a task: `reason` is what it settles with once the target has confirmed that it does nothing more. When the
   * answer to the command comes first, that answer counts. `tag` guards against a task object that has been used again.
   */
  abort(task: InitiatorTask, tag: number, reason: IscsiError): void {
    if (task.initiatorTaskTag !== tag) return;
    if (reason.code === 'ISCSI_DIGEST') this.counters.digestErrors++;
    if (task.phase === 'queued') {
      this.#queue.remove(task);
      this.settle(task, withCommandSent(reason, task.maybeSeen));
    } else if (task.phase === 'sent') {
      this.#aborts.start(task, reason);
      this.host.wake();
    }
  }

  /** Sends a task management function; `settle` gets the Response field. */
  taskManagement(fields: TaskManagementFields, deadline: number, settle: SettleExchange): Exchange {
    let cmdSN = 0;
    return this.#open({
      kind: 'taskManagement',
      deadline,
      send: (connection, exchange) => {
        cmdSN = this.window.next;
        sendTaskManagement(connection, cmdSN, exchange, fields);
      },
      answered: ({ response }) => {
        if (saysEnded(fields, response)) endTasks(this, fields, cmdSN);
      },
      settle,
    });
  }

  /** Sends a ping; `settle` gets the echoed data. */
  nop(data: Uint8Array, deadline: number, settle: SettleExchange): Exchange {
    const send: ExchangeRequest['send'] = (c, exchange) => sendPing(c, this.window.next, exchange, data);
    return this.#open({ kind: 'nop', deadline, send, settle });
  }

  /** Sends a text request; `settle` gets the joined text of all responses. One at a time (RFC 7143 §11.10). */
  text(text: Uint8Array, deadline: number, settle: SettleExchange): Exchange {
    const send: ExchangeRequest['send'] = (c, exchange) => sendText(c, this.window.next, exchange, text);
    return this.#open({ kind: 'text', deadline, send, settle });
  }

  /** The caller of one of these three gives up and is told `reason` at once. An answer that still comes is dropped. */
  withdraw(exchange: Exchange, reason: IscsiError): void {
    this.#exchanges.withdraw(exchange, reason);
  }

  /**
   * Lets the commands under way end, logs out and ends the session (RFC 7143 §11.14), all until `deadline`. Commands
   * that take too long are left to the target to terminate: half of the time, or 5 s if that is less, is kept for the
   * Logout Response. `reason` is what ends the session, unless its owner does.
   */
  logout(deadline: number, reason?: IscsiError): void {
    if (this.phase === 'fullFeature') this.#endedBy = reason;
    if (reason !== undefined) handOverUnsent(this, this.#queue, reason);
    const answerTime = Math.min(LOGOUT_TIME, Math.max(0, deadline - this.now()) / 2);
    this.#drainThen(() => {
      if (this.#loggingOut) return;
      this.#open({
        kind: 'logout',
        deadline: Math.min(deadline, this.now() + LOGOUT_TIME),
        send: (connection, exchange) => sendLogout(connection, this.window.next, exchange),
        settle: (error) => this.close(error?.code === 'ISCSI_CONNECTION_LOST' ? undefined : error),
      });
      this.#loggingOut = true;
    }, deadline - answerTime);
  }

  /** Ends the session because of `error`: nothing more is sent or taken. */
  fail(error: IscsiError): void {
    this.close(error);
  }

  /** Ends the session: everything that waits settles with `error`, or with `ISCSI_CLOSED` when there is none. */
  close(error: IscsiError | undefined): void {
    if (this.phase === 'closed') return;
    if (error?.code === 'ISCSI_DIGEST') this.counters.digestErrors++;
    this.phase = 'closed';
    this.#endedBy = error ?? this.#endedBy;
    this.#drain.stop();
    this.#flushing.length = 0;
    this.#deadlines.clear();
    for (const connection of this.#connections) {
      if (error === undefined) connection.close();
      else connection.drop();
    }
    endUnfinished(this, this.#endedBy);
    this.host.closed(this.#endedBy);
    this.host.wake();
  }

  // What handlers of PDUs use: see SessionState.

  get textUnderWay(): boolean {
    return this.#exchanges.isUnderWay('text');
  }

  get loggingOut(): boolean {
    return this.#loggingOut;
  }

  now(): number {
    return this.host.now();
  }

  /**
   * Ends a task with its outcome, or with `error`: at once, or when the socket has taken the last of its data. A target
   * may answer before that, and then what the caller puts into its buffer must not go out, nor does the caller hear
   * that all is written before all has left. Hot path.
   */
  settle(task: InitiatorTask, error: IscsiError | undefined): void {
    if (task.sentEnd > 0 && this.phase !== 'closed' && task.connection?.stillSends(task.sentEnd) === true) {
      if (task.phase === 'flushing') return;
      task.phase = 'flushing';
      task.outcome = error;
      this.#flushing.push(task);
      this.expect(task.deadline);
      return;
    }
    this.tasks.remove(task);
    this.#end(task, error);
    if (this.tasks.size === 0) this.#drain.finish();
  }

  settleExchange(exchange: Exchange, error: IscsiError | undefined, answer: ExchangeAnswer = {}): void {
    this.#exchanges.settle(exchange, error, answer);
  }

  announce(event: SessionEvent): void {
    this.counters.asyncEvents++;
    this.host.event(event);
  }

  inviteProposals(deadline: number): void {
    this.text(NOTHING, deadline, ignore);
  }

  // What connections report: see ConnectionOwner.

  get nextCmdSN(): number {
    return this.window.next;
  }

  get nextDeadline(): number {
    return this.#deadlines.next;
  }

  wake(): void {
    this.host.wake();
  }

  /**
   * The first connection leads: its login settles what holds for the session. Further ones are at hand, and carry what
   * is sent on them.
   */
  loggedIn(connection: InitiatorConnection, outcome: LoginOutcome): void {
    this.parameters ??= outcome.parameters;
    connection.follow(this.parameters);
    if (this.phase !== 'login') return;
    this.window.start(outcome.expCmdSN, outcome.maxCmdSN);
    this.#sender = connection;
    this.phase = 'fullFeature';
    this.host.loggedIn();
  }

  lost(_connection: InitiatorConnection, error: IscsiError): void {
    this.close(error);
  }

  begin(connection: InitiatorConnection, view: DataView, at: number): void {
    const { begin } = rulesOf(view, at);
    if (begin === undefined) connection.collect(view, at);
    else begin(this, connection, view, at);
  }

  end(connection: InitiatorConnection, view: DataView, at: number, dataDigestOk: boolean): void {
    rulesOf(view, at).end(this, connection, view, at, dataDigestOk);
  }

  /** The window may have moved: sends what waits, as far as it reaches. Nothing follows a Logout Request. */
  received(): void {
    this.#readAt = 0;
    while (!this.#queue.empty && this.window.open && this.phase !== 'closed' && !this.#loggingOut) {
      const task = this.#queue.shift();
      if (task !== undefined) this.#send(task);
    }
  }

  flushed(): void {
    this.#readAt = 0;
    if (this.#flushing.length === 0) return;
    const waiting = this.#flushing.splice(0);
    for (const task of waiting) {
      if (task.phase !== 'flushing') continue; // whoever was told of one before it has ended the session
      if (task.connection?.stillSends(task.sentEnd) === true) this.#flushing.push(task);
      else this.settle(task, task.outcome);
    }
  }

  /** Pings a target that has been silent. Nobody waits for the answer; its deadline is what counts. */
  silent(connection: InitiatorConnection): void {
    if (this.phase === 'fullFeature') this.nop(NOTHING, this.now() + connection.keepaliveTimeout, ignore);
  }

  /** Begins aborts that are due. Gives up on a target that has not answered one, or another request, in time. */
  tick(now: number): void {
    const overdue = this.#deadlines.look(now, this.tasks, this);
    this.expect(this.#drain.look(now));
    if (overdue) this.fail(timedOut('The target stopped answering'));
  }

  // What exchanges, aborts and deadlines use: see ExchangeOwner, AbortOwner and DeadlineOwner.

  get connection(): InitiatorConnection | undefined {
    return this.#sender;
  }

  get full(): boolean {
    return this.tasks.full;
  }

  refusal(): IscsiError | undefined {
    const refuses = this.phase === 'closed' || this.phase === 'login' || this.#loggingOut;
    return refuses ? requestRefused(this.phase, this.#endedBy) : undefined;
  }

  add(exchange: Exchange): void {
    this.tasks.add(exchange);
  }

  remove(exchange: Exchange): void {
    this.tasks.remove(exchange);
  }

  ended(): void {
    if (this.tasks.size === 0) this.#drain.finish();
  }

  inTime(exchange: Exchange, now: number): boolean {
    return this.#exchanges.inTime(exchange, now);
  }

  /** Notes a moment at which `tick` has to look. */
  expect(deadline: number): void {
    this.#deadlines.expect(deadline);
  }

  #open(request: ExchangeRequest): Exchange {
    const exchange = this.#exchanges.open(request);
    this.host.wake();
    return exchange;
  }

  #send(task: InitiatorTask): void {
    const connection = this.#sender;
    if (connection === undefined) return; // not in full feature phase
    task.phase = 'sent';
    task.connection = connection;
    task.cmdSN = this.window.take();
    sendCommand(connection.outbox, connection, task);
  }

  /** Takes no new commands, and calls `then` when the last of those under way has settled, or at `latest`. */
  #drainThen(then: () => void, latest: number): void {
    if (this.phase === 'fullFeature') this.phase = 'closing';
    if (this.tasks.size === 0) {
      then();
      return;
    }
    this.#drain.begin(then, latest);
    this.expect(latest);
    this.host.wake(); // so that the moment is kept when nothing else happens until then
  }

  #end(task: InitiatorTask, error: IscsiError | undefined): void {
    task.phase = 'settled';
    // One look at the clock serves all that is settled by one read.
    if (this.#readAt === 0 && error === undefined) this.#readAt = this.host.now();
    this.counters.ended(task, error, error === undefined && isGood(task.status), this.#readAt);
    if (this.watcher?.watchesCommands === true) this.watcher.commandEnded(task, error);
    const { settle } = task;
    settle(task, error);
    task.reset();
    this.#spare.push(task);
  }
}

function ignore(): void {
  // Nobody waits for this answer.
}
