import { IscsiError } from '../errors.ts';
import { now } from '../node/clock.ts';
import type { Lun } from '../scsi/lun.ts';
import { whenAborted } from '../unit/abort.ts';
import { atCaller } from '../unit/caller-stack.ts';
import { vpdPageIfAny } from '../unit/inquiry.ts';
import { checkOptions, shown } from '../unit/option-rules.ts';
import type { CommandOptions } from '../unit/options.ts';
import { type ConnectLimit, connectLimit } from './connect-limit.ts';
import type { LoginDestination } from './login-config.ts';
import { open } from './open.ts';
import { CONNECT_RULES } from './option-rules.ts';
import type { ConnectOptions, UrlLike } from './options.ts';
import type { IscsiLogicalUnit, Session } from './session.ts';
import { type IscsiUrl, parseUrl, type UrlForm } from './url.ts';

/**
 * Connects to a portal, logs in to a target and opens one of its logical units.
 *
 * @param url `iscsi://[user[%password]@]host[:port]/target-name/lun`, as libiscsi takes it.
 * @returns The logical unit. Closing it ends the session too.
 * @throws {IscsiError} `ISCSI_URL`, `ISCSI_REFUSED`, `ISCSI_UNREACHABLE`, `ISCSI_TIMEOUT`, `ISCSI_TARGET_NOT_FOUND`,
 *   `ISCSI_AUTHENTICATION`, `ISCSI_LOGIN`, `ISCSI_LUN_NOT_FOUND`: one for each way to fail, with a hint.
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * lun.size; // 67108864
 * @example
 * const options = { reconnect: { commands: 'retry', maxTime: 60_000 } } as const;
 * await using disk = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0', options);
 * await disk.write(new Uint8Array(4096), { position: 0, onLoss: 'wait' });
 * disk.session.connected; // true
 */
export async function connect(url: UrlLike, options: ConnectOptions = {}): Promise<IscsiLogicalUnit> {
  const parsed = parsedUrl(url, options, 'full', 'connect');
  if (parsed.lun === undefined)
    throw new IscsiError('ISCSI_URL', 'Cannot open a logical unit: the URL names none', {
      hint: 'add /target-name/lun',
    });
  const limit = connectLimit(options);
  const session = await open(parsed, destinationOf(parsed), options, limit);
  try {
    return await openInTime(session, { lun: parsed.lun, serialNumber: parsed.unitSerialNumber }, options, limit);
  } catch (error) {
    await session.close();
    throw atCaller(error);
  }
}

/** All questions together have what is left of the time for connecting. */
async function openInTime(
  session: Session,
  wanted: { readonly lun: Lun; readonly serialNumber: string | undefined },
  options: ConnectOptions,
  limit: ConnectLimit,
): Promise<IscsiLogicalUnit> {
  const { signal, probe } = options;
  const left = Math.max(1, limit.deadline - now());
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(TOO_LATE), left);
  const forward = (): void => stop.abort(signal?.reason);
  const stopListening = whenAborted(signal, forward);
  if (signal?.aborted) forward();
  try {
    const asked = { signal: stop.signal, timeout: left };
    const lun = await session.openUnit(wanted.lun, probe === undefined ? asked : { ...asked, probe }, true);
    if (wanted.serialNumber !== undefined) await requireSerialNumber(lun, wanted.serialNumber, asked);
    return lun;
  } catch (error) {
    if (stop.signal.reason !== TOO_LATE) throw error;
    throw new IscsiError(
      'ISCSI_TIMEOUT',
      `Cannot open the logical unit at ${session.targetPortal}: no answer in time`,
      {
        cause: error,
        hint: 'the login went well, but the logical unit does not answer: is its storage stuck?',
      },
    );
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}

const TOO_LATE = Symbol('too late');

/**
 * `force_usn` of the URL: the padding of VPD page 80h does not count, unless the URL spells it out. Who was not asked
 * for identity when it was opened (`probe: false`, a device without blocks) is asked now.
 */
async function requireSerialNumber(lun: IscsiLogicalUnit, wanted: string, asked: CommandOptions): Promise<void> {
  const { serialNumber: found } =
    lun.probed.identity ?? (await vpdPageIfAny(lun.port, 'unitSerialNumber', asked)) ?? {};
  if (found === wanted || found === wanted.trim()) return;
  throw new IscsiError(
    'ISCSI_IDENTITY',
    `Cannot use LUN ${lun.lunText}: its serial number is "${found ?? 'none'}", not "${wanted}"`,
    {
      hint: 'the URL asks for another logical unit (force_usn)',
    },
  );
}

/**
 * Logs in to the target of `url`; it need name no LUN, and one that it names is passed over. For more than one logical
 * unit, and for devices that are no disks.
 *
 * @returns The session. Closing it is the caller's.
 * @throws {IscsiError} As {@link connect}.
 * @example
 * await using session = await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk');
 * const request = { cdb: cdb('INQUIRY', { allocationLength: 36 }), dataIn: new Uint8Array(36) };
 * (await session.execute(0, request)).dataInLength; // 36
 */
export async function openSession(url: UrlLike, options: ConnectOptions = {}): Promise<Session> {
  const parsed = parsedUrl(url, options, 'target', 'openSession');
  return open(parsed, destinationOf(parsed), options, connectLimit(options));
}

function destinationOf(url: IscsiUrl): LoginDestination {
  if (url.targetName === undefined) {
    throw new IscsiError('ISCSI_URL', 'Cannot log in: the URL names no target', {
      hint: 'add /target-name; iscsi-ls lists the names',
    });
  }
  return { host: url.host, port: url.port, sessionType: 'Normal', targetName: url.targetName };
}

/** @internal What a call was asked for, checked. */
export function parsedUrl(url: UrlLike, options: ConnectOptions, form: UrlForm, call: string): IscsiUrl {
  checkOptions(options, CONNECT_RULES, call);
  const text = url instanceof URL ? url.href : url;
  if (typeof text === 'string') return parseUrl(text, { env: options.env ?? process.env, form });
  if (typeof text === 'object' && text !== null && typeof text.host === 'string') return text;
  throw new IscsiError(
    'ISCSI_USAGE',
    `Cannot ${call} ${shown(text)}: a URL as text, URL or result of parseUrl() allowed`,
  );
}
