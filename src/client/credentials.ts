import { IscsiError } from '../errors.ts';
import { type Credentials, isShortSecret } from '../login/chap-credentials.ts';
import { AlgorithmsRefused } from '../login/chap-errors.ts';
import { type ChapOptions, identityOf } from '../login/chap-options.ts';
import { warnShortSecret } from '../node/chap-warnings.ts';
import { now } from '../node/clock.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import type { ConnectLimit } from './connect-limit.ts';
import type { LoginPlan } from './login-config.ts';
import { type AskForChap, type ChapRequest, DEFAULT_INITIATOR_NAME } from './options.ts';
import type { UrlCredentials } from './url.ts';

/**
 * Runs a login with its credentials, asked for anew each time. When the target refuses the list of hashes, once more
 * with MD5 alone: some know no lists, or choose what they cannot read (docs/peers.md).
 *
 * @throws {IscsiError} What `attempt` throws; `ISCSI_AUTHENTICATION`, `ISCSI_USAGE` when the credentials are none.
 */
export async function withCredentials<T>(
  plan: Omit<LoginPlan, 'credentials'>,
  attempt: (plan: LoginPlan) => Promise<T>,
): Promise<T> {
  const credentials = await credentialsOf(plan);
  try {
    return await attempt({ ...plan, credentials });
  } catch (error) {
    if (credentials === undefined || !mayTryMd5(error)) throw error;
    return await attempt({ ...plan, credentials: { ...credentials, algorithms: ['md5'] } });
  }
}

function mayTryMd5(error: unknown): boolean {
  return error instanceof AlgorithmsRefused && error.offered.length > 1 && error.offered.includes('md5');
}

async function credentialsOf(plan: Omit<LoginPlan, 'credentials'>): Promise<Credentials | undefined> {
  const { url, destination, options } = plan;
  const given = options.chap === undefined ? url.credentials : await givenCredentials(plan);
  if (given === undefined) return undefined;
  const { target } = given;
  const short = [given, ...(target === undefined ? [] : [target])].find(isShortSecret);
  if (short !== undefined && options.allowShortSecrets === true) warnShortSecret(short.user);
  return {
    ...given,
    // Many targets let anyone discover, and authenticate in normal sessions only: there, going without is no downgrade.
    optional: destination.sessionType === 'Discovery',
    algorithms: options.chapAlgorithms ?? (url.auth === undefined ? undefined : [url.auth]),
    allowShortSecrets: options.allowShortSecrets,
  };
}

/** What the options say, which counts for more than URL and environment. */
async function givenCredentials(plan: Omit<LoginPlan, 'credentials'>): Promise<UrlCredentials | undefined> {
  const { chap } = plan.options;
  const answer = typeof chap === 'function' ? await asked(chap, requestOf(plan), plan.limit) : chap;
  if (answer === undefined || answer === null) return undefined;
  const { target } = answer;
  return {
    ...identityOf(answer, 'chap'),
    target: target === undefined ? undefined : identityOf(target, 'chap.target'),
  };
}

function requestOf({ destination, options, limit }: Omit<LoginPlan, 'credentials'>): ChapRequest {
  const { host, port, targetName } = destination;
  const { initiatorName = DEFAULT_INITIATOR_NAME } = options;
  return { host, port, targetName, initiatorName, signal: limit.signal };
}

/** Asks, for no longer than connecting may take. An answer that comes later is dropped. */
async function asked(ask: AskForChap, request: ChapRequest, limit: ConnectLimit): Promise<ChapOptions | undefined> {
  const stop = new AbortController();
  const interrupted = new Promise<never>((_, reject) => {
    const forget = whenAborted(limit.signal, () => reject(aborted(limit.signal?.reason, 'login')));
    if (limit.signal?.aborted) reject(aborted(limit.signal.reason, 'login'));
    const timer = setTimeout(() => reject(tooLate()), Math.max(1, limit.deadline - now()));
    stop.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      forget();
    });
  });
  try {
    return await Promise.race([Promise.resolve().then(() => ask(request)), interrupted]);
  } catch (cause) {
    if (cause instanceof IscsiError) throw cause;
    throw new IscsiError('ISCSI_AUTHENTICATION', 'Cannot authenticate: the credentials could not be had', {
      cause,
      hint: 'the function that was given as chap has failed; its error is the cause',
    });
  } finally {
    stop.abort();
  }
}

function tooLate(): IscsiError {
  return new IscsiError('ISCSI_TIMEOUT', 'Cannot authenticate: the credentials did not come in time', {
    hint: 'the function that was given as chap has to answer within connectTimeout',
  });
}
