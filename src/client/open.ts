import { IscsiError } from '../errors.ts';
import { RedirectError } from '../initiator/login-run.ts';
import { InitiatorSession } from '../initiator/session.ts';
import type { SessionType } from '../login/keys.ts';
import { type Digest, INITIATOR_POLICY, type OperationalPolicy } from '../login/policy.ts';
import type { Credentials } from '../login/security.ts';
import { DEFAULT_BUSY_POLL } from '../node/busy-poll.ts';
import { now } from '../node/clock.ts';
import { payloadCrc32c } from '../node/crc32c.ts';
import { Driver } from '../node/driver.ts';
import { randomBytes, randomUint32 } from '../node/random.ts';
import { aborted, whenAborted } from './abort.ts';
import { connectError } from './connect-error.ts';
import {
  type ConnectOptions,
  DEFAULT_CONNECT_TIMEOUT,
  DEFAULT_INITIATOR_NAME,
  DEFAULT_KEEPALIVE_INTERVAL,
  DEFAULT_TIMEOUT,
  type DigestOffer,
  KEEPALIVE_TIMEOUT,
  timeProblem,
} from './options.ts';
import { Session } from './session.ts';
import type { IscsiUrl, UrlCredentials } from './url.ts';

/** Redirects that are followed in a row. */
const MOST_REDIRECTS = 5;

/** Where a login goes. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly sessionType: SessionType;
  readonly targetName: string | undefined;
}

/** The moment until which connecting may take, and the signal that ends it earlier. */
export interface ConnectLimit {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** When connecting that begins now has to be over. */
export function connectLimit(options: ConnectOptions): ConnectLimit {
  return { deadline: now() + (options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT), signal: options.signal };
}

/** Connects and logs in, following redirects (RFC 7143 §11.13.5). Each way to fail is one clear error. */
export async function open(
  url: IscsiUrl,
  first: Destination,
  options: ConnectOptions,
  limit: ConnectLimit,
): Promise<Session> {
  const problem = timeProblem(options.timeout, 'timeout') ?? timeProblem(options.connectTimeout, 'connectTimeout');
  if (problem !== undefined) throw problem;
  let destination = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    try {
      return await attempt(url, destination, options, limit);
    } catch (error) {
      if (!(error instanceof RedirectError)) throw error;
      destination = { ...destination, host: error.address.host, port: error.address.port };
    }
  }
  throw new IscsiError('ISCSI_LOGIN', `Cannot log in: more than ${MOST_REDIRECTS} redirects in a row`, {
    hint: 'the portals of the target send the login to one another',
  });
}

function attempt(
  url: IscsiUrl,
  destination: Destination,
  options: ConnectOptions,
  limit: ConnectLimit,
): Promise<Session> {
  const { host, port } = destination;
  const portal = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    if (limit.signal?.aborted) {
      reject(aborted(limit.signal.reason));
      return;
    }
    let socketClosed: () => void = nothing;
    const ended = new Promise<void>((close) => {
      socketClosed = close;
    });
    const finish = (): void => {
      clearTimeout(timer);
      stop();
    };
    const refuse = (error: Error): void => {
      finish();
      reject(error);
    };
    const core = new InitiatorSession(
      {
        now,
        wake: () => driver.wake(),
        loggedIn: () => {
          finish();
          const timeout = options.timeout ?? DEFAULT_TIMEOUT;
          const targetName = destination.targetName ?? '';
          resolve(
            new Session({
              core,
              connection,
              targetName,
              targetPortal: portal,
              timeout,
              ended,
              destroy: () => driver.destroy(),
            }),
          );
        },
        closed: (error) => {
          // What the socket still holds refers to buffers that are their owners' again: it must not go out.
          if (error !== undefined) driver.destroy();
          refuse(error ?? new IscsiError('ISCSI_CLOSED', 'The session was closed'));
        },
        event: options.onEvent ?? nothing,
      },
      randomUint32(),
    );
    const connection = core.addConnection({
      login: {
        initiatorName: options.initiatorName ?? DEFAULT_INITIATOR_NAME,
        initiatorAlias: options.initiatorAlias,
        sessionType: destination.sessionType,
        targetName: destination.targetName,
        isid: isidOf(options.isid),
        policy: policyOf(url, options, destination.sessionType),
        credentials:
          url.credentials === undefined ? undefined : credentialsOf(url.credentials, destination.sessionType),
      },
      loginTimeout: Math.max(1, limit.deadline - now()),
      // A discovery session must not send NOPs (RFC 7143 §4.3).
      keepaliveInterval:
        destination.sessionType === 'Discovery' ? 0 : (options.keepaliveInterval ?? DEFAULT_KEEPALIVE_INTERVAL),
      keepaliveTimeout: KEEPALIVE_TIMEOUT,
      payloadCrc32c,
    });
    const driver = new Driver(connection, socketClosed, options.busyPoll ?? DEFAULT_BUSY_POLL);
    const stop = whenAborted(limit.signal, () => core.fail(aborted(limit.signal?.reason)));
    const timer = setTimeout(() => core.fail(noAnswer(portal, options)), Math.max(1, limit.deadline - now()));
    driver.connect(
      destination,
      () => connection.connected(),
      (cause) => core.fail(connectError(cause, portal)),
    );
  });
}

function noAnswer(portal: string, options: ConnectOptions): IscsiError {
  const limit = options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT;
  return new IscsiError('ISCSI_TIMEOUT', `Cannot log in to ${portal}: no answer within ${limit} ms`, {
    hint: 'is there an iSCSI target behind that port, and does no firewall drop the packets?',
  });
}

function isidOf(isid: Uint8Array | undefined): number {
  const bytes = isid ?? Uint8Array.of(0x80, ...randomBytes(3), 0, 0); // random type (RFC 7143 §11.12.5)
  if (bytes.length !== 6) throw new IscsiError('ISCSI_USAGE', `Cannot use an ISID of ${bytes.length} bytes: 6 needed`);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Many targets let anyone discover, and authenticate in normal sessions only: there, going without is no downgrade of anything. */
function credentialsOf({ user, secret, target }: UrlCredentials, sessionType: SessionType): Credentials {
  const optional = sessionType === 'Discovery';
  return target === undefined ? { user, secret, optional } : { user, secret, target, optional };
}

function policyOf(url: IscsiUrl, options: ConnectOptions, sessionType: SessionType): OperationalPolicy {
  // Digests in discovery sessions trip some targets, and nothing of value is read there.
  const usual: readonly Digest[] = sessionType === 'Discovery' ? ['None'] : ['None', 'CRC32C'];
  return {
    ...INITIATOR_POLICY,
    headerDigest: digestsOf(options.headerDigest, url.headerDigest, usual),
    dataDigest: digestsOf(options.dataDigest, url.dataDigest, usual),
    initialR2T: options.initialR2T ?? INITIATOR_POLICY.initialR2T,
    immediateData: options.immediateData ?? INITIATOR_POLICY.immediateData,
    maxRecvDataSegmentLength: options.maxRecvDataSegmentLength ?? INITIATOR_POLICY.maxRecvDataSegmentLength,
    maxBurstLength: options.maxBurstLength ?? INITIATOR_POLICY.maxBurstLength,
    firstBurstLength: options.firstBurstLength ?? INITIATOR_POLICY.firstBurstLength,
  };
}

function digestsOf(
  wanted: DigestOffer | undefined,
  inUrl: Digest | undefined,
  usual: readonly Digest[],
): readonly Digest[] {
  if (wanted !== undefined) return wanted.split(',').map((name) => (name === 'crc32c' ? 'CRC32C' : 'None'));
  return inUrl === undefined ? usual : [inUrl];
}

function nothing(): void {
  // Replaced before it can be called, or an event nobody listens to yet.
}
