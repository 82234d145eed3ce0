import type { Tap } from '../capture/connection-tap.ts';
import { IscsiError } from '../errors.ts';
import type { InitiatorConnection } from '../initiator/connection.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import { InitiatorSession } from '../initiator/session.ts';
import type { SessionEvent, SessionHost } from '../initiator/session-host.ts';
import { DEFAULT_BUSY_POLL } from '../node/busy-poll.ts';
import { tapOf } from '../node/capture-file.ts';
import { now } from '../node/clock.ts';
import { Driver } from '../node/driver.ts';
import { randomUint32 } from '../node/random.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import { captureOnError } from './capture-on-error.ts';
import { connectError } from './connect-error.ts';
import type { LoginOwner, TakeLogin } from './login.ts';
import { connectionConfig, type LoginPlan } from './login-config.ts';
import { type ConnectOptions, DEFAULT_CONNECT_TIMEOUT } from './options.ts';

/**
 * One attempt to connect and log in: joins core, driver and socket, and ends with a login or with one clear error.
 * Afterwards it stays the host of its core, and passes on what that says.
 */
export class LoginAttempt<O extends LoginOwner> implements SessionHost {
  /** {@link SessionHost}: straight to the driver, since every command goes this way. */
  readonly wake: () => void;
  readonly #request: LoginPlan;
  /** `host:port`, an IPv6 address in brackets. */
  readonly #portal: string;
  readonly #core: InitiatorSession;
  readonly #connection: InitiatorConnection;
  readonly #driver: Driver;
  /** What the connection tells of itself. */
  readonly #tap: Tap | undefined;
  /** Resolves with what ended the session, if it was an error, when the socket is closed and no timer is left. */
  readonly #ended: Promise<IscsiError | undefined>;
  #endedBy: IscsiError | undefined;
  readonly #take: TakeLogin<O>;
  #owner: O | undefined;
  #resolve: (owner: O) => void = nothing;
  #reject: (error: Error) => void = nothing;
  #stopWaiting: () => void = nothing;

  constructor(request: LoginPlan, take: TakeLogin<O>) {
    const { host, port } = request.destination;
    let socketClosed: () => void = nothing;
    this.#ended = new Promise((close) => {
      socketClosed = () => close(this.#endedBy);
    });
    this.#request = request;
    this.#take = take;
    this.#portal = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#core = new InitiatorSession(this, randomUint32());
    this.#connection = this.#core.addConnection(connectionConfig(request));
    const { busyPoll = DEFAULT_BUSY_POLL, capture } = request.options;
    this.#tap = tapOf(request.recorder, capture);
    this.#driver = new Driver(this.#connection, socketClosed, busyPoll, this.#tap);
    this.wake = this.#driver.wake;
  }

  /** Connects and logs in. To be called once. */
  run(): Promise<O> {
    const { destination, limit } = this.#request;
    if (limit.signal?.aborted) return Promise.reject(aborted(limit.signal.reason));
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#waitUntilLimit();
      this.#driver.connect(
        destination,
        () => this.#connection.connected(),
        (cause) => this.#fail(connectError(cause, this.#portal)),
      );
    });
  }

  /** {@link SessionHost} */
  now(): number {
    return now();
  }

  /** {@link SessionHost} */
  loggedIn(): void {
    this.#stopWaiting();
    this.#owner = this.#take({ core: this.#core, targetPortal: this.#portal, ended: this.#ended });
    this.#resolve(this.#owner);
  }

  /** {@link SessionHost} */
  closed(error: IscsiError | undefined): void {
    if (error !== undefined) {
      this.#tap?.closed(true);
      captureOnError(this.#request.recorder, this.#request.options.captureOnError);
    }
    // What the socket still holds refers to buffers that are their owners' again: it must not go out.
    if (error !== undefined) this.#driver.destroy();
    this.#endedBy = error;
    this.#stopWaiting();
    this.#owner?.over(this.#core, error);
    this.#reject(error ?? new IscsiError('ISCSI_CLOSED', 'The session was closed'));
  }

  /** {@link SessionHost} */
  event(event: SessionEvent): void {
    this.#owner?.tell(event);
  }

  /** {@link SessionHost} */
  takeOver(task: InitiatorTask, error: IscsiError): boolean {
    return this.#owner?.takeOver(task, error) ?? false;
  }

  /** Gives up when the signal says so, or the time is over. */
  #waitUntilLimit(): void {
    const { limit, options } = this.#request;
    const stopListening = whenAborted(limit.signal, () => this.#fail(aborted(limit.signal?.reason)));
    const timer = setTimeout(() => this.#fail(noAnswer(this.#portal, options)), Math.max(1, limit.deadline - now()));
    this.#stopWaiting = () => {
      clearTimeout(timer);
      stopListening();
    };
  }

  /** Ends the session that does not stand yet; the core answers by `closed`. */
  #fail(error: IscsiError): void {
    this.#core.fail(error);
  }
}

function noAnswer(portal: string, options: ConnectOptions): IscsiError {
  const limit = options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT;
  return new IscsiError('ISCSI_TIMEOUT', `Cannot log in to ${portal}: no answer within ${limit} ms`, {
    hint: 'is there an iSCSI target behind that port, and does no firewall drop the packets?',
  });
}

function nothing(): void {
  // Replaced before it can be called, or an event nobody listens to yet.
}
