import type { Tap } from '../capture/connection-tap.ts';
import { IscsiError } from '../errors.ts';
import type { InitiatorConnection } from '../initiator/connection.ts';
import type { SessionCounters } from '../initiator/counters.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import { RedirectError } from '../initiator/login-run.ts';
import { InitiatorSession } from '../initiator/session.ts';
import type { SessionEvent, SessionHost } from '../initiator/session-host.ts';
import { DEFAULT_BUSY_POLL } from '../node/busy-poll.ts';
import { tapOf } from '../node/capture-file.ts';
import { now } from '../node/clock.ts';
import { Driver } from '../node/driver.ts';
import { randomUint32 } from '../node/random.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import { captureOnError } from './capture-on-error.ts';
import { addressText, causeOf, connectError, listed, reasonOf } from './connect-error.ts';
import type { LoginOwner, TakeLogin } from './login.ts';
import { connectionConfig, type LoginPlan } from './login-config.ts';
import { DEFAULT_CONNECT_TIMEOUT } from './options.ts';
import type { SessionWatch } from './session-watch.ts';
import { portalText } from './target-portals.ts';

/**
 * One attempt to connect and log in: joins core, driver and socket, and ends with a login or with one clear error.
 * Afterwards it stays the host of its core, and passes on what that says.
 */
export class LoginAttempt<O extends LoginOwner> implements SessionHost {
  /** {@link SessionHost}: every command goes this way. Once a turn, it is looked who watches. */
  readonly wake: () => void;
  /** {@link SessionHost} */
  readonly counters: SessionCounters;
  /** {@link SessionHost} */
  readonly observer: SessionWatch;
  readonly #request: LoginPlan;
  /** `host:port`, an IPv6 address in brackets: of the portal that was reached; before that, of the first. */
  #portal: string;
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
    let socketClosed: () => void = nothing;
    this.#ended = new Promise((close) => {
      socketClosed = () => close(this.#endedBy);
    });
    this.#request = request;
    this.#take = take;
    this.observer = request.watch;
    this.counters = request.watch.counters;
    this.#portal = portalText(request.destination);
    this.#core = new InitiatorSession(this, randomUint32());
    this.#connection = this.#core.addConnection(connectionConfig(request));
    const { busyPoll = DEFAULT_BUSY_POLL, capture } = request.options;
    this.#tap = tapOf(request.recorder, capture);
    const driver = new Driver(this.#connection, socketClosed, busyPoll, this.#tap);
    this.#driver = driver;
    this.wake = (): void => {
      if (!driver.planned) this.observer.look();
      driver.wake();
    };
  }

  /** Connects and logs in. To be called once. */
  run(): Promise<O> {
    const { destination, limit } = this.#request;
    if (limit.signal?.aborted) return Promise.reject(aborted(limit.signal.reason));
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const { connectTimeout = DEFAULT_CONNECT_TIMEOUT } = this.#request.options;
      this.#waitUntil(limit.deadline, limit.allowed ?? connectTimeout);
      this.observer.connecting(this.#portal);
      this.#driver.connect(
        destination.portals ?? [destination],
        () => this.#connected(),
        () => this.#cannotConnect(),
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
    this.observer.loggedIn(this.#portal, this.#core.parameters);
    this.#owner = this.#take({ core: this.#core, targetPortal: this.#portal, ended: this.#ended });
    this.#resolve(this.#owner);
  }

  /** {@link SessionHost} */
  closed(error: IscsiError | undefined): void {
    const redirected = error instanceof RedirectError; // it goes on elsewhere
    if (error !== undefined) this.#tap?.closed(true);
    if (error !== undefined && !redirected) {
      captureOnError(this.#request.recorder, this.#request.options.captureOnError);
    }
    // What the socket still holds refers to buffers that are their owners' again: it must not go out.
    if (error !== undefined) this.#driver.destroy();
    this.#endedBy = error;
    this.#stopWaiting();
    if (!redirected) this.observer.ended(this.#portal, this.#owner !== undefined, error);
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

  #connected(): void {
    const { destination } = this.#request;
    const { portal = destination } = this.#driver;
    this.#portal = portalText(portal);
    destination.reached?.(portal);
    this.#tellFailures();
    this.#leaveTimeForOthers();
    this.#connection.connected();
  }

  #cannotConnect(): void {
    this.#tellFailures();
    this.#fail(connectError(this.#driver.attempts, this.#portal));
  }

  /** The log hears of each address that was tried in vain. */
  #tellFailures(): void {
    for (const attempt of this.#driver.attempts) {
      if (attempt.error === undefined) continue;
      this.observer.addressFailed(portalText(attempt.portal), addressText(attempt), reasonOf(attempt));
    }
  }

  /** Gives up when the signal says so, or the time is over. */
  #waitUntil(deadline: number, allowed: number): void {
    const { limit } = this.#request;
    this.#stopWaiting();
    const stopListening = whenAborted(limit.signal, () => this.#fail(aborted(limit.signal?.reason)));
    const timer = setTimeout(() => this.#fail(this.#noAnswer(allowed)), Math.max(1, deadline - now()));
    this.#stopWaiting = () => {
      clearTimeout(timer);
      stopListening();
    };
  }

  /** A portal that takes the connection and then says nothing must leave the others their share of the time. */
  #leaveTimeForOthers(): void {
    const { limit, destination } = this.#request;
    const portals = destination.portals?.length ?? 1;
    const share = (limit.deadline - now()) / portals;
    if (portals > 1) this.#waitUntil(now() + share, share);
  }

  #noAnswer(time: number): IscsiError {
    const { attempts } = this.#driver;
    const several = attempts.length > 1;
    const tried = several ? ` (${listed(attempts)})` : '';
    return new IscsiError(
      'ISCSI_TIMEOUT',
      `Cannot log in to ${this.#portal}: no answer within ${Math.round(time)} ms${tried}`,
      {
        hint: 'is there an iSCSI target behind that port, and does no firewall drop the packets?',
        ...(several ? { cause: causeOf(attempts) } : {}),
      },
    );
  }

  /** Ends the session that does not stand yet; the core answers by `closed`. */
  #fail(error: IscsiError): void {
    this.#core.fail(error);
  }
}

function nothing(): void {
  // Replaced before it can be called, or an event nobody listens to yet.
}
