/** What to change when something failed, in words: more than a hint has room for. */
import { IscsiError, LoginError } from '../errors.ts';
import { isBecomingReady, isMediumNotPresent } from '../scsi/sense.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import type { Finding } from './doctor-report.ts';

/** What is known about the place where it failed. */
export interface Examined {
  readonly host: string;
  readonly port: number;
  readonly targetName: string | undefined;
  readonly initiatorName: string;
  /** Names that the portal tells, as far as it was asked. */
  readonly offered: readonly string[] | undefined;
  /** Whether the command line, its file of credentials or the environment has some. */
  readonly credentials: boolean;
  /** Whether the URL asks for digests, or for none. */
  readonly digests: boolean;
}

const NO_DIGEST_KEYS = 'leave header_digest and data_digest out of the URL, or turn CRC32C on (or off) at the target';

type Advice = (place: Examined) => string;

const BY_STATUS: Readonly<Record<number, Advice>> = {
  [LOGIN_STATUS.INITIATOR_ERROR]: ({ credentials, digests }) =>
    digests
      ? `the target may not do with the digests that the URL asks for: ${NO_DIGEST_KEYS}`
      : credentials
        ? 'the target does not know the hash that was offered, or does not want a password: try auth=md5 in the URL, then without user and password'
        : 'the target does not accept something in the login, such as the missing user name: its own log may say what',
  [LOGIN_STATUS.AUTHENTICATION_FAILURE]: ({ credentials }) =>
    credentials
      ? 'user name or password are not those of the target, or it wants another hash: compare both sides letter by letter, and try auth=md5 in the URL'
      : 'the target wants a user name and a password: give them in a file (--chap-file FILE), or in LIBISCSI_CHAP_USERNAME and LIBISCSI_CHAP_PASSWORD',
  [LOGIN_STATUS.AUTHORIZATION_FAILURE]: ({ initiatorName, targetName }) =>
    `let ${targetName ?? 'the target'} allow the initiator ${initiatorName} (its access list), or use the name that it allows: -i NAME`,
  [LOGIN_STATUS.NOT_FOUND]: notFound,
  [LOGIN_STATUS.TARGET_REMOVED]: notFound,
  [LOGIN_STATUS.OUT_OF_RESOURCES]: () =>
    'the target has no room for another session: log out one that nobody needs, raise its limit, or try again later',
  [LOGIN_STATUS.TOO_MANY_CONNECTIONS]: () =>
    'the target allows no further connection: log out one that nobody needs, or raise its limit',
  [LOGIN_STATUS.SERVICE_UNAVAILABLE]: (place) =>
    `the target is there but not in service: start it, or try again later. Some targets say so when the name is wrong: ${notFound(place)}`,
};

const BY_CAUSE: Readonly<Record<string, Advice>> = {
  ENOTFOUND: ({ host }) => `no name server and no hosts file knows ${host}: correct the name, or give an address`,
  EAI_AGAIN: () => 'no name server answers: look at /etc/resolv.conf and at the network, or give an address',
  EHOSTUNREACH: ({ host }) =>
    `${host} does not answer in its network: is it switched on, is the cable in, is the address right?`,
  ENETUNREACH: ({ host }) => `there is no route to ${host}: look at the routes and interfaces of this machine`,
  ETIMEDOUT: silent,
};

function notFound({ offered, targetName = '' }: Examined): string {
  if (offered === undefined) return 'correct the target name; iscsi-ls lists those that the portal offers';
  if (offered.length === 0) {
    return 'the portal shows no target to this initiator: make one, or let it show itself to this initiator name';
  }
  const near = nearest(targetName, offered);
  if (near !== undefined) return `did you mean ${near}? The portal offers ${listed(offered)}`;
  return `correct the target name: the portal offers ${listed(offered)}`;
}

function silent({ host, port }: Examined): string {
  return `nothing comes back from ${host}:${port}: a firewall drops the packets, the host is down, or the address is another's. Try "nc -vz ${host} ${port}" from here and from a machine near the target`;
}

/** What to change, for a failure at `step`. */
export function adviceFor(error: unknown, step: string, place: Examined): Finding[] {
  const advice = adviceOf(error, step, place) ?? (error instanceof IscsiError ? error.hint : undefined);
  return advice === undefined ? [] : [{ text: '', advice }];
}

function adviceOf(error: unknown, step: string, place: Examined): string | undefined {
  if (error instanceof LoginError) return ofLogin(error, place);
  if (error instanceof ScsiStatusError) return ofStatus(error);
  if (!(error instanceof IscsiError)) return undefined;
  const cause = error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : '';
  const known = BY_CAUSE[cause];
  if (known !== undefined) return known(place);
  switch (error.code) {
    case 'ISCSI_REFUSED':
      return `nothing listens at port ${place.port} of ${place.host}: start the target there, or correct the port (3260 is the usual one)`;
    case 'ISCSI_TIMEOUT':
      return ofTimeout(step, place);
    case 'ISCSI_LUN_NOT_FOUND':
      return `change the LUN at the end of the URL, or map it to this initiator at the target: ${error.hint ?? 'it does not say which there are'}`;
    case 'ISCSI_CONNECTION_LOST':
      return 'something cuts the connection: the log of the target may say why; a firewall or load balancer between may do it too';
    case 'ISCSI_PROTOCOL':
      return `what answers at port ${place.port} does not keep to iSCSI: is it another service, or a target that needs an update? --capture FILE and iscsi-decode show what it said`;
    case 'ISCSI_DIGEST':
      return 'bytes are damaged on the way: a network card, a cable, or something that changes packets; try header_digest=none&data_digest=none to see whether it is the digests themselves';
    default:
      return undefined;
  }
}

function ofLogin({ statusClass, statusDetail, hint, message }: LoginError, place: Examined): string | undefined {
  const status = (statusClass << 8) | statusDetail;
  if (/Digest=/.test(message)) {
    return `the two sides do not agree on a digest: ${NO_DIGEST_KEYS}`;
  }
  return BY_STATUS[status]?.(place) ?? hint;
}

function ofTimeout(step: string, place: Examined): string {
  if (step === 'connect') return silent(place);
  if (step === 'login') {
    return `something at ${place.host}:${place.port} takes the connection and then says nothing: is it an iSCSI target, and does it hang? A firewall that lets the handshake through alone looks the same`;
  }
  return 'the session stands, but the logical unit does not answer: its storage may be stuck; look into the log of the target';
}

function ofStatus({ status, sense }: ScsiStatusError): string | undefined {
  if (status === SCSI_STATUS.RESERVATION_CONFLICT) {
    return 'another initiator has reserved the logical unit: let it release it, or preempt the reservation';
  }
  if (status === SCSI_STATUS.BUSY || status === SCSI_STATUS.TASK_SET_FULL) {
    return 'the logical unit has too much to do: try again later, or with fewer commands at a time';
  }
  if (sense === undefined) return undefined;
  if (isMediumNotPresent(sense)) return 'put a medium in, or load one at the target';
  if (isBecomingReady(sense)) return 'the logical unit is starting: try again in a minute';
  if (sense.senseKey === SENSE_KEY.NOT_READY) {
    return `bring the logical unit up at the target (it says: ${sense.text}); when the target calls it offline, its storage is missing there`;
  }
  if (sense.asc === 0x27 && sense.ascq === 0x07) {
    return 'the pool that the thin logical unit takes its blocks from is full: add storage to it, or give blocks back';
  }
  if (sense.senseKey === SENSE_KEY.MEDIUM_ERROR || sense.senseKey === SENSE_KEY.HARDWARE_ERROR) {
    return 'the storage behind the logical unit is damaged: save what can be read (iscsi-dd -n), and look into the log of the target';
  }
  return undefined;
}

const SHOWN_NAMES = 5;

function listed(names: readonly string[]): string {
  const more = names.length - SHOWN_NAMES;
  return names.slice(0, SHOWN_NAMES).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

/** The name that differs least, when that is little. Names have 223 characters at the most. */
function nearest(name: string, offered: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 4;
  for (const other of offered.slice(0, 200)) {
    const edits = distance(name.toLowerCase(), other.toLowerCase());
    if (edits < least) {
      least = edits;
      best = other;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const change = (row[to - 1] ?? 0) + Number(one[at - 1] !== other[to - 1]);
      next.push(Math.min(change, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
