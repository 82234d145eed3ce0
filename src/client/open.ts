import { Recorder } from '../capture/recorder.ts';
import { wallClock } from '../node/capture-file.ts';
import { now } from '../node/clock.ts';
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
import { SessionWatch } from './session-watch.ts';
import { TargetPortals } from './target-portals.ts';
import type { IscsiUrl } from './url.ts';

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
  const watch = new SessionWatch(first.targetName, options);
  const route = new Route({ url, first, options, recorder, watch });
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
      watch,
    }),
  );
}

/** What the way to a target is made of; the last two are those of the session, over all its logins. */
interface RouteParts {
  readonly url: IscsiUrl;
  readonly first: LoginDestination;
  readonly options: ConnectOptions;
  readonly recorder: Recorder | undefined;
  readonly watch: SessionWatch;
}

/** The way to a target, to be gone again after each loss: always as the same initiator port (RFC 7143 §4.4.3.2). */
class Route implements LoginRoute {
  readonly #parts: RouteParts;
  /** Where logins begin, and where permanent redirects have led. */
  readonly #portals: TargetPortals;

  constructor(parts: RouteParts) {
    const { first, options, watch } = parts;
    this.#parts = { ...parts, options: { ...options, isid: options.isid ?? newIsid() } };
    this.#portals = new TargetPortals(
      [{ host: first.host, port: first.port }, ...(options.portals ?? [])],
      (from, to, permanent) => watch.redirected(from, to, permanent),
      // Whoever is asked for credentials is told for which portal: that must be known before the login begins.
      typeof options.chap === 'function',
    );
  }

  /** {@link LoginRoute} */
  async logIn<O extends LoginOwner>(limit: ConnectLimit, take: TakeLogin<O>): Promise<O> {
    const { first, ...parts } = this.#parts;
    try {
      return await this.#portals.logIn((portals, reached, turns) => {
        const destination = { ...first, ...portals[0], portals, reached };
        const plan = { ...parts, destination, limit: shareOf(limit, turns) };
        return withCredentials(plan, (whole) => new LoginAttempt(whole, take).run());
      });
    } catch (error) {
      throw atCaller(error);
    }
  }
}

/** The first of so many, each of which has as much of the time. */
function shareOf(limit: ConnectLimit, turns: number): ConnectLimit {
  if (turns === 1) return limit;
  const allowed = Math.max(1, (limit.deadline - now()) / turns);
  return { deadline: now() + allowed, signal: limit.signal, allowed };
}
