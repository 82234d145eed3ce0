import { Recorder } from '../capture/recorder.ts';
import { IscsiError } from '../errors.ts';
import { RedirectError } from '../initiator/login-run.ts';
import { isWildcardHost } from '../login/send-targets.ts';
import { wallClock } from '../node/capture-file.ts';
import { atCaller } from '../unit/caller-stack.ts';
import type { ConnectLimit } from './connect-limit.ts';
import { withCredentials } from './credentials.ts';
import { newIsid } from './isid.ts';
import type { LoginOwner, LoginRoute, TakeLogin } from './login.ts';
import { LoginAttempt } from './login-attempt.ts';
import type { LoginDestination } from './login-config.ts';
import { type ConnectOptions, DEFAULT_TIMEOUT } from './options.ts';
import { recoveryPlan } from './reconnect-options.ts';
import { Session } from './session.ts';
import type { IscsiUrl } from './url.ts';

/** Redirects that are followed in a row. */
const MOST_REDIRECTS = 5;

/** Connects and logs in, following redirects (RFC 7143 §11.13.5). Each way to fail is one clear error. */
export async function open(
  url: IscsiUrl,
  first: LoginDestination,
  options: ConnectOptions,
  limit: ConnectLimit,
): Promise<Session> {
  // A discovery session is for one question; whoever asks it asks again.
  const recovery = first.sessionType === 'Normal' ? recoveryPlan(options.reconnect) : undefined;
  const { recordLength } = options;
  const recorder = recordLength === 0 ? undefined : new Recorder(wallClock, recordLength);
  const route = new Route(url, first, options, recorder);
  return route.logIn(limit, (login) =>
    Session.of({
      login,
      route,
      recovery,
      targetName: first.targetName ?? '',
      timeout: options.timeout ?? DEFAULT_TIMEOUT,
      connectTimeout: options.connectTimeout,
      onEvent: options.onEvent,
      recorder,
    }),
  );
}

/** The way to a target, to be gone again after each loss: always as the same initiator port (RFC 7143 §4.4.3.2). */
class Route implements LoginRoute {
  readonly #url: IscsiUrl;
  readonly #options: ConnectOptions;
  readonly #recorder: Recorder | undefined;
  /** Where logins begin: where a permanent redirect has led, or as the caller said. */
  #home: LoginDestination;

  constructor(url: IscsiUrl, first: LoginDestination, options: ConnectOptions, recorder: Recorder | undefined) {
    this.#url = url;
    this.#recorder = recorder;
    this.#home = first;
    this.#options = { ...options, isid: options.isid ?? newIsid() };
  }

  /** {@link LoginRoute} */
  async logIn<O extends LoginOwner>(limit: ConnectLimit, take: TakeLogin<O>): Promise<O> {
    let destination = this.#home;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      try {
        const plan = { url: this.#url, destination, options: this.#options, limit, recorder: this.#recorder };
        return await withCredentials(plan, (whole) => new LoginAttempt(whole, take).run());
      } catch (error) {
        if (!(error instanceof RedirectError)) throw atCaller(error);
        const { host, port } = error.address;
        const fromHome = destination === this.#home;
        // A portal that says that it listens everywhere means the host that was asked.
        destination = { ...destination, host: isWildcardHost(host) ? destination.host : host, port };
        if (error.permanent && fromHome) this.#home = destination;
      }
    }
    throw new IscsiError('ISCSI_LOGIN', `Cannot log in: more than ${MOST_REDIRECTS} redirects in a row`, {
      hint: 'the portals of the target send the login to one another',
    });
  }
}
