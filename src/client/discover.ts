import { formatTargetAddress, parseSendTargets, type TargetAddress } from '../login/send-targets.ts';
import { now } from '../node/clock.ts';
import { parseText } from '../pdu/text.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import { parsedUrl } from './connect.ts';
import { connectLimit } from './connect-limit.ts';
import { open } from './open.ts';
import type { ConnectOptions, UrlLike } from './options.ts';

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
  /** As the target wrote it: `host:port,tag`. */
  readonly text: string;
}

/** One target that a portal offers to this initiator. */
export interface DiscoveredTarget {
  /** The iSCSI name. */
  readonly name: string;
  /** At least one. In the order of the target's answer. */
  readonly portals: readonly Portal[];
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
  for (const { name, addresses } of parseSendTargets(parseText(answer, 16 * 1024 * 1024))) {
    yield { name, portals: (addresses.length > 0 ? addresses : [here]).map(portalOf) };
  }
}

function portalOf(address: TargetAddress): Portal {
  return { ...address, text: formatTargetAddress(address) };
}
