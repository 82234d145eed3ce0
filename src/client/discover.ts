import { setImmediate } from 'node:timers/promises';
import type { IscsiError } from '../errors.ts';
import {
  formatTargetAddress,
  isWildcardHost,
  sendTargetsPairs,
  type TargetAddress,
  targetRecords,
} from '../login/send-targets.ts';
import { now } from '../node/clock.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import { parsedUrl } from './connect.ts';
import { connectLimit } from './connect-limit.ts';
import { open } from './open.ts';
import type { ConnectOptions, UrlLike } from './options.ts';

/** Milliseconds for which a long list is read in one go: others wait meanwhile. */
const LONGEST_TURN = 10;

/** One address at which a target can be reached. */
export interface Portal {
  /** Host name or address, without brackets. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /**
   * Portals with the same tag may share a session. Undefined when the target told no address: then it is the portal
   * that was asked.
   */
  readonly portalGroupTag: number | undefined;
  /** `host:port,tag`, as the target told it; with the host that was asked where it told a wildcard. */
  readonly text: string;
}

/** One target that a portal offers to this initiator. */
export interface DiscoveredTarget {
  /** The iSCSI name. */
  readonly name: string;
  /**
   * In the order of the target's answer. At least one, unless none of the addresses that the target told could be read.
   */
  readonly portals: readonly Portal[];
  /** Addresses that could not be read, as they came. */
  readonly unreadable: readonly string[];
  /** Why nobody can log in by that name, if it is none. */
  readonly problem: IscsiError | undefined;
}

/**
 * Asks a portal for its targets (SendTargets=All), in the order of its answer.
 *
 * @param url `iscsi://[user[%password]@]host[:port]`; whatever follows is passed over.
 * @throws {IscsiError} As `connect`.
 * @example
 * const names: string[] = [];
 * for await (const { name } of discover('iscsi://127.0.0.1:3260')) names.push(name);
 * names; // ['iqn.2026-11.dev.tsiscsi:disk']
 */
export async function* discover(url: UrlLike, options: ConnectOptions = {}): AsyncGenerator<DiscoveredTarget> {
  const parsed = parsedUrl(url, options, 'portal', 'discover');
  const here: TargetAddress = { host: parsed.host, port: parsed.port, portalGroupTag: undefined };
  const { signal } = options;
  const limit = connectLimit(options);
  const destination = {
    host: parsed.host,
    port: parsed.port,
    sessionType: 'Discovery',
    targetName: undefined,
  } as const;
  const session = await open(parsed, destination, options, limit);
  const stop = whenAborted(signal, () => session.abandon(aborted(signal?.reason)));
  let answer: Uint8Array;
  try {
    answer = await session.text('SendTargets=All\0', { timeout: Math.max(1, limit.deadline - now()) });
  } finally {
    stop();
    await session.close();
  }
  let resumed = now();
  for (const { name, addresses, unreadable, problem } of targetRecords(sendTargetsPairs(answer))) {
    if (now() - resumed > LONGEST_TURN) {
      await setImmediate();
      resumed = now();
    }
    const told = addresses.length > 0 || unreadable.length > 0;
    yield { name, portals: (told ? addresses : [here]).map((one) => portalOf(one, parsed.host)), unreadable, problem };
  }
}

/** A portal that says that it listens everywhere means the host that was asked. */
function portalOf(told: TargetAddress, asked: string): Portal {
  const address = isWildcardHost(told.host) ? { ...told, host: asked } : told;
  return { ...address, text: formatTargetAddress(address) };
}
