import type { DiscoveredTarget } from '../client/discover.ts';
import type { UrlLike } from '../client/options.ts';
import type { IscsiError } from '../errors.ts';
import type { Bridge } from './bridge.ts';
import type { ConnectSyncOptions } from './options.ts';
import { packOptions, packUrl } from './packing.ts';
import { SyncLogicalUnit, SyncSession } from './session.ts';
import { enterBridge, leaveBridge } from './shared-bridge.ts';
import { readThrown } from './thrown.ts';

/**
 * Connects to a portal, logs in to a target and opens one of its logical units, and blocks the calling thread
 * meanwhile: `connect` without promises.
 *
 * @returns The logical unit. Closing it ends the session too.
 * @throws {IscsiError} What `connect` rejects with.
 * @example
 * const lun = connectSync('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * lun.size; // 67108864
 * lun.closeSync();
 */
export function connectSync(url: UrlLike, options: ConnectSyncOptions = {}): SyncLogicalUnit {
  const given = [packUrl(connectSync, url), packOptions(connectSync, options)] as const;
  return staying((bridge) => {
    const { session, unit } = bridge.call(connectSync, 'connect', ...given);
    return SyncLogicalUnit.of(SyncSession.of(bridge, session), unit, true);
  });
}

/**
 * Logs in to a target, and blocks the calling thread meanwhile: `openSession` without promises.
 *
 * @returns The session. Closing it is the caller's.
 * @throws {IscsiError} What `openSession` rejects with.
 * @example
 * const session = openSessionSync('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const request = { cdb: cdb('INQUIRY', { allocationLength: 36 }), dataIn: new Uint8Array(36) };
 * session.executeSync(0, request).dataInLength; // 36
 * session.closeSync();
 */
export function openSessionSync(url: UrlLike, options: ConnectSyncOptions = {}): SyncSession {
  const given = [packUrl(openSessionSync, url), packOptions(openSessionSync, options)] as const;
  return staying((bridge) => SyncSession.of(bridge, bridge.call(openSessionSync, 'openSession', ...given)));
}

/**
 * Asks a portal for its targets, and blocks the calling thread meanwhile: `discover` without promises.
 *
 * @returns All of them, in the order of the portal's answer.
 * @throws {IscsiError} What `discover` throws.
 * @example
 * discoverSync('iscsi://127.0.0.1:3260').map(({ name }) => name); // ['iqn.2026-11.dev.tsiscsi:disk']
 */
export function discoverSync(url: UrlLike, options: ConnectSyncOptions = {}): DiscoveredTarget[] {
  const given = [packUrl(discoverSync, url), packOptions(discoverSync, options)] as const;
  const bridge = enterBridge();
  try {
    const found = bridge.call(discoverSync, 'discover', ...given);
    return found.map(({ problem, ...target }) => ({
      ...target,
      problem: problem && (readThrown(problem) as IscsiError),
    }));
  } finally {
    leaveBridge(bridge);
  }
}

/** Opens something that stays open, unless that fails. */
function staying<T>(open: (bridge: Bridge) => T): T {
  const bridge = enterBridge();
  try {
    return open(bridge);
  } catch (error) {
    leaveBridge(bridge);
    throw error;
  }
}
