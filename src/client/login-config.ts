import type { Recorder } from '../capture/recorder.ts';
import { IscsiError } from '../errors.ts';
import type { ConnectionConfig } from '../initiator/connection-config.ts';
import type { Credentials } from '../login/chap-credentials.ts';
import type { SessionType } from '../login/keys.ts';
import { type Digest, INITIATOR_POLICY, type OperationalPolicy } from '../login/policy.ts';
import { INITIATOR_CHAP } from '../node/chap-crypto.ts';
import { now } from '../node/clock.ts';
import { payloadCrc32c } from '../node/crc32c.ts';
import type { Address } from '../node/portal-race.ts';
import type { ConnectLimit } from './connect-limit.ts';
import { newIsid } from './isid.ts';
import {
  type ConnectOptions,
  DEFAULT_INITIATOR_NAME,
  DEFAULT_KEEPALIVE_INTERVAL,
  type DigestOffer,
  KEEPALIVE_TIMEOUT,
} from './options.ts';
import type { SessionWatch } from './session-watch.ts';
import type { IscsiUrl } from './url.ts';

/** Where a login goes. */
export interface LoginDestination {
  /** Of the first portal. */
  readonly host: string;
  readonly port: number;
  /** All portals, any of which does, in the order in which they are tried. Default: the one above. */
  readonly portals?: readonly Address[];
  /** Is told which portal was reached. */
  readonly reached?: (portal: Address) => void;
  readonly sessionType: SessionType;
  readonly targetName: string | undefined;
}

/** One login, as the caller wants it. */
export interface LoginPlan {
  readonly url: IscsiUrl;
  readonly destination: LoginDestination;
  readonly options: ConnectOptions;
  readonly limit: ConnectLimit;
  /** What remembers the last PDUs, unless nobody wants it. */
  readonly recorder: Recorder | undefined;
  /** See `withCredentials`. Undefined: the login goes without authentication. */
  readonly credentials: Credentials | undefined;
  /** Who is told of it; the same one whenever the same session logs in again. */
  readonly watch: SessionWatch;
}

/**
 * What the core needs to know for a login.
 * @throws {IscsiError} `ISCSI_USAGE` when the ISID has not six bytes.
 */
export function connectionConfig({ url, destination, options, limit, credentials }: LoginPlan): ConnectionConfig {
  const { sessionType, targetName } = destination;
  return {
    login: {
      initiatorName: options.initiatorName ?? DEFAULT_INITIATOR_NAME,
      initiatorAlias: options.initiatorAlias,
      sessionType,
      targetName,
      isid: isidOf(options.isid),
      policy: policyOf(url, options, sessionType),
      credentials,
      chapCrypto: INITIATOR_CHAP,
    },
    loginTimeout: Math.max(1, limit.deadline - now()),
    // A discovery session must not send NOPs (RFC 7143 §4.3).
    keepaliveInterval: sessionType === 'Discovery' ? 0 : (options.keepaliveInterval ?? DEFAULT_KEEPALIVE_INTERVAL),
    keepaliveTimeout: KEEPALIVE_TIMEOUT,
    payloadCrc32c,
  };
}

function isidOf(isid: Uint8Array | undefined): number {
  const bytes = isid ?? newIsid();
  if (bytes.length !== 6) throw new IscsiError('ISCSI_USAGE', `Cannot use an ISID of ${bytes.length} bytes: 6 needed`);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
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
