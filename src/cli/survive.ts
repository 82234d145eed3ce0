/** How a copy survives a session that is lost: what is asked of the library, and what is said about it. */
import type { ConnectOptions } from '../client/options.ts';
import type { IscsiLogicalUnit } from '../client/session.ts';
import { IscsiError } from '../errors.ts';
import type { OptionTable, Values } from './options.ts';
import { describe } from './print.ts';

/** Rows for the option table. */
export const SURVIVE_OPTIONS = {
  reconnect: { kind: 'seconds', value: 'SECONDS', help: 'Time for which a lost session is tried to get back (30)' },
  noReconnect: { kind: 'flag', help: 'End the copy when a session is lost' },
} as const satisfies OptionTable;

const DEFAULT_TIME = 30_000;
/** What a command has besides the time that its session may be away, in milliseconds. */
const COMMAND_TIME = 30_000;

/** What the command line says about lost sessions, as the library wants it. */
export function surviveOptions(
  options: Values<typeof SURVIVE_OPTIONS> & { readonly timeout: number | undefined },
): Pick<ConnectOptions, 'reconnect' | 'timeout'> {
  if (options.noReconnect) return {};
  const maxTime = options.reconnect ?? DEFAULT_TIME;
  return { reconnect: { maxTime }, timeout: options.timeout ?? maxTime + COMMAND_TIME };
}

/** Says when the session of a logical unit is lost, and when it is back. */
export function tellLosses(lun: IscsiLogicalUnit, note: (text: string) => void): void {
  const where = lun.session.targetPortal;
  lun.session.on('lost', (error) => {
    if (lun.session.open) note(`the session to ${where} is lost, trying to get it back: ${describe(error)}`);
  });
  lun.session.on('reconnected', ({ away }) =>
    note(`the session to ${where} is back after ${(away / 1000).toFixed(1)} s`),
  );
}

/** Whether what was written has to be written again, because the target's cache may have been lost. */
export function isCacheLost(error: unknown): boolean {
  return error instanceof IscsiError && error.code === 'ISCSI_CACHE_LOST';
}
