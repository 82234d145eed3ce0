import { IscsiError, LoginError } from '../errors.ts';
import { RedirectError } from '../initiator/login-run.ts';
import { formatTargetAddress, isWildcardHost } from '../login/send-targets.ts';
import type { Address } from '../node/portal-race.ts';

/** Redirects that are followed in a row. */
const MOST_REDIRECTS = 5;
/** Addresses of one redirect that are tried. */
const MOST_ADDRESSES = 16;
/** Failures that are of one portal: another may do better. */
const OF_ONE_PORTAL: ReadonlySet<string> = new Set([
  'ISCSI_REFUSED',
  'ISCSI_UNREACHABLE',
  'ISCSI_CONNECTION_LOST',
  'ISCSI_TIMEOUT',
  'ISCSI_PROTOCOL',
  'ISCSI_TARGET_NOT_FOUND',
]);
const TARGET_ERROR = 3;

/**
 * One login at the first of some portals that can be reached.
 * @param reached To be told which one that is.
 * @param turns How many such logins the time that is left has to suffice for, this one included, if none goes well.
 */
export type PortalLogin<T> = (
  portals: readonly Address[],
  reached: (portal: Address) => void,
  turns: number,
) => Promise<T>;

/** Is told where the target sends a login. */
export type OnRedirect = (from: Address, to: readonly Address[], permanent: boolean) => void;

/**
 * Where a target is: the portals at which logins begin, and where redirects lead from there (RFC 7143 §11.13.5). It
 * lives as long as the session, so that a permanent redirect is remembered for when it is logged in again; a temporary
 * one is not.
 */
export class TargetPortals {
  #home: readonly Address[];
  readonly #onRedirect: OnRedirect;
  readonly #oneByOne: boolean;

  /** @param oneByOne Each login is given one portal, instead of all those that are left, to reach any of them. */
  constructor(portals: readonly Address[], onRedirect: OnRedirect, oneByOne = false) {
    this.#home = portals;
    this.#onRedirect = onRedirect;
    this.#oneByOne = oneByOne;
  }

  /** Where the next login begins. */
  get home(): readonly Address[] {
    return this.#home;
  }

  /** Logs in by `login`, at any of the portals, and wherever the target sends it. */
  async logIn<T>(login: PortalLogin<T>): Promise<T> {
    let portals = this.#home;
    let forGood = true;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const ended = await atAny(portals, login, this.#oneByOne);
      if (!(ended instanceof Redirected)) return ended;
      const { from, to } = ended;
      portals = to.addresses.slice(0, MOST_ADDRESSES).map((address) => seenFrom(from, address));
      // Behind a temporary redirect nothing is for good: whoever comes back begins before it.
      forGood &&= to.permanent;
      if (forGood) this.#home = portals;
      this.#onRedirect(from, portals, to.permanent);
    }
    throw new IscsiError('ISCSI_LOGIN', `Cannot log in: more than ${MOST_REDIRECTS} redirects in a row`, {
      hint: 'the portals of the target send the login to one another',
    });
  }
}

class Redirected {
  readonly from: Address;
  readonly to: RedirectError;

  constructor(from: Address, to: RedirectError) {
    this.from = from;
    this.to = to;
  }
}

/** Tries one portal after the other until one takes the login, or says what no other would say otherwise. */
async function atAny<T>(
  portals: readonly Address[],
  login: PortalLogin<T>,
  oneByOne: boolean,
): Promise<T | Redirected> {
  const failures: { readonly portal: Address | undefined; readonly error: IscsiError }[] = [];
  for (let left = portals; ; ) {
    let used = oneByOne ? left[0] : undefined;
    const reached = (portal: Address): void => {
      used = portal;
    };
    try {
      return await login(oneByOne ? left.slice(0, 1) : left, reached, oneByOne ? left.length : 1);
    } catch (error) {
      if (!(error instanceof IscsiError)) throw error;
      if (error instanceof RedirectError) return new Redirected(used ?? left[0] ?? error.address, error);
      failures.push({ portal: used, error });
      left = used === undefined ? [] : left.filter((portal) => portal !== used);
      if (left.length === 0 || !isOfOnePortal(error)) throw together(failures);
    }
  }
}

function isOfOnePortal(error: IscsiError): boolean {
  return OF_ONE_PORTAL.has(error.code) || (error instanceof LoginError && error.statusClass === TARGET_ERROR);
}

/** One error for all portals: its code is that of the last, at which the login got no further. */
function together(
  failures: readonly { readonly portal: Address | undefined; readonly error: IscsiError }[],
): IscsiError {
  const last = failures.at(-1);
  if (last === undefined || failures.length === 1)
    return last?.error ?? new IscsiError('ISCSI_UNREACHABLE', 'No portal');
  const reasons = failures.map(({ portal, error }) =>
    portal === undefined ? error.message : `${portalText(portal)}: ${error.message}`,
  );
  const { code, hint } = last.error;
  const cause = new AggregateError(
    failures.map(({ error }) => error),
    'Each portal failed',
  );
  return new IscsiError(code, `Cannot log in at any portal: ${reasons.join('; ')}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * An address that a portal told, as it is reached from here: a wildcard means the host that was asked, and a link-local
 * address is on the same network interface.
 */
function seenFrom(from: Address, { host, port }: Address): Address {
  if (isWildcardHost(host)) return { host: from.host, port };
  const zone = /%.+$/.exec(from.host)?.[0];
  return { host: zone !== undefined && /^fe[89ab][0-9a-f]:[^%]*$/i.test(host) ? host + zone : host, port };
}

/** `host:port`, an IPv6 address in brackets. */
export function portalText({ host, port }: Address): string {
  return formatTargetAddress({ host, port, portalGroupTag: undefined });
}
