import { IscsiError } from '../errors.ts';
import { RedirectError } from '../initiator/login-run.ts';
import { isWildcardHost } from '../login/send-targets.ts';
import { atCaller } from '../unit/caller-stack.ts';
import type { ConnectLimit } from './connect-limit.ts';
import { withCredentials } from './credentials.ts';
import { LoginAttempt } from './login-attempt.ts';
import type { LoginDestination } from './login-config.ts';
import type { ConnectOptions } from './options.ts';
import type { Session } from './session.ts';
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
  let destination = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    try {
      return await withCredentials({ url, destination, options, limit }, (plan) => new LoginAttempt(plan).run());
    } catch (error) {
      if (!(error instanceof RedirectError)) throw atCaller(error);
      const { host, port } = error.address;
      // A portal that says that it listens everywhere means the host that was asked.
      destination = { ...destination, host: isWildcardHost(host) ? destination.host : host, port };
    }
  }
  throw new IscsiError('ISCSI_LOGIN', `Cannot log in: more than ${MOST_REDIRECTS} redirects in a row`, {
    hint: 'the portals of the target send the login to one another',
  });
}
