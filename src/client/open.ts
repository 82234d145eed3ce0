import { atCaller } from '../unit/caller-stack.ts';
import type { ConnectLimit } from './connect-limit.ts';
import { LoginAttempt } from './login-attempt.ts';
import type { LoginDestination } from './login-config.ts';
import type { ConnectOptions } from './options.ts';
import type { Session } from './session.ts';
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
  const watch = new SessionWatch(first.targetName, options);
  const here = [{ host: first.host, port: first.port }, ...(options.portals ?? [])];
  const portals = new TargetPortals(here, (from, to, permanent) => watch.redirected(from, to, permanent));
  try {
    return await portals.logIn((some, reached) => {
      const destination = { ...first, ...some[0], portals: some, reached };
      return new LoginAttempt({ url, destination, options, limit, watch }).run();
    });
  } catch (error) {
    throw atCaller(error);
  }
}
