import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CLOCK } from './clock.ts';

/** Where to connect to. */
export interface Address {
  /** DNS name, IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** One address that was tried. */
export interface ConnectAttempt {
  readonly portal: Address;
  /** The IP address, or the name where it could not be looked up. */
  readonly address: string;
  /** Why not; undefined while there is no answer. */
  readonly error: Error | undefined;
}

/** What a race does to a socket. */
export interface RacingSocket {
  once(event: 'connect', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** What a race needs of the world. */
export interface RaceTools<S extends RacingSocket> {
  /** The addresses of a name, in the order in which they are best tried. Default: as the operating system has it. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Begins to connect. */
  readonly dial: (address: string, port: number) => S;
  /** Calls `then` once, after `milliseconds`; the result stops waiting. Default: a timer. */
  readonly after?: (milliseconds: number, then: () => void) => () => void;
}

/** What comes of a race: one of the two is called, once, unless it is stopped. */
export interface RaceOutcome<S> {
  won(socket: S, portal: Address): void;
  /** None is left. */
  lost(attempts: readonly ConnectAttempt[]): void;
}

/** Milliseconds of silence after which the next address is tried, too (RFC 8305 §5, Connection Attempt Delay). */
export const ATTEMPT_DELAY = 250;
/** Addresses that are tried in one race: whoever has more has enough with these. */
const MOST_ADDRESSES = 32;

interface Running<S> {
  readonly portal: Address;
  readonly address: string;
  readonly socket: S;
  error: Error | undefined;
}

/**
 * Connects to the first address that answers, of all those of some portals, in the spirit of RFC 8305: one after the
 * other, both families in turn; the next is begun when the one before has failed, or has been silent for a while, and
 * that one keeps its chance.
 */
export class PortalRace<S extends RacingSocket> {
  readonly #tools: Required<RaceTools<S>>;
  readonly #outcome: RaceOutcome<S>;
  readonly #portals: Address[];
  /** Addresses that wait for their turn. */
  readonly #waiting: Pick<Running<S>, 'portal' | 'address'>[] = [];
  readonly #known = new Set<string>();
  readonly #attempts: (ConnectAttempt | Running<S>)[] = [];
  readonly #running = new Set<Running<S>>();
  #resolving = 0;
  #stopWaiting: () => void = nothing;
  #over = false;

  constructor(portals: readonly Address[], tools: RaceTools<S>, outcome: RaceOutcome<S>) {
    this.#portals = [...portals];
    this.#tools = { resolve: addressesOf, after: CLOCK.after, ...tools };
    this.#outcome = outcome;
  }

  /** What has been tried so far, in its order. */
  get attempts(): readonly ConnectAttempt[] {
    return this.#attempts.map(({ portal, address, error }) => ({ portal, address, error }));
  }

  /** Begins. To be called once. */
  start(): void {
    this.#next();
  }

  /** Gives up: nothing is called any more, and no socket is left. */
  stop(): void {
    this.#over = true;
    this.#stopWaiting();
    for (const { socket } of this.#running) socket.destroy();
    this.#running.clear();
  }

  /** Begins the next address, or looks up the next portal; tells when there is none left. */
  #next(): void {
    if (this.#over) return;
    this.#stopWaiting();
    const next = this.#waiting.shift();
    const portal = next === undefined ? this.#portals.shift() : undefined;
    if (next !== undefined) this.#dial(next.portal, next.address);
    else if (portal !== undefined) this.#resolve(portal);
    else if (this.#running.size === 0 && this.#resolving === 0) {
      this.stop();
      this.#outcome.lost(this.attempts);
    }
    // What has been done may have ended the race.
    if (!this.#over && this.#waiting.length + this.#portals.length > 0) {
      this.#stopWaiting();
      this.#stopWaiting = this.#tools.after(ATTEMPT_DELAY, () => this.#next());
    }
  }

  #resolve(portal: Address): void {
    if (isIP(portal.host) !== 0) {
      this.#line(portal, [portal.host]);
      this.#next();
      return;
    }
    this.#resolving++;
    const then = (): void => {
      this.#resolving--;
      this.#next();
    };
    this.#tools.resolve(portal.host).then(
      (addresses) => {
        if (addresses.length === 0) this.#attempts.push({ portal, address: portal.host, error: noAddress(portal) });
        this.#line(portal, addresses);
        then();
      },
      (error: Error) => {
        this.#attempts.push({ portal, address: portal.host, error });
        then();
      },
    );
  }

  /** Lets addresses wait for their turn, each once. */
  #line(portal: Address, addresses: readonly string[]): void {
    for (const address of inTurn(addresses)) {
      const key = `${address} ${portal.port}`;
      if (this.#known.has(key) || this.#known.size >= MOST_ADDRESSES) continue;
      this.#known.add(key);
      this.#waiting.push({ portal, address });
    }
  }

  #dial(portal: Address, address: string): void {
    // Later versions of Node take any interface then, and a stranger on that network may have the address.
    if (isAdrift(address)) {
      this.#attempts.push({ portal, address, error: noInterface(address) });
      this.#next();
      return;
    }
    const socket = this.#tools.dial(address, portal.port);
    const attempt: Running<S> = { portal, address, socket, error: undefined };
    this.#attempts.push(attempt);
    this.#running.add(attempt);
    const failed = (error: Error): void => {
      attempt.error = error;
      this.#running.delete(attempt);
      socket.destroy();
      this.#next();
    };
    socket.on('error', failed);
    socket.once('connect', () => {
      if (this.#over) return;
      socket.off('error', failed);
      this.#running.delete(attempt);
      this.stop();
      this.#outcome.won(socket, portal);
    });
  }
}

/** The families in turn, beginning with that of the first (RFC 8305 §4). */
export function inTurn(addresses: readonly string[]): string[] {
  const isFirst = (address: string): boolean => isIP(address) === isIP(addresses[0] ?? '');
  const one = addresses.filter(isFirst);
  const other = addresses.filter((address) => !isFirst(address));
  return one.flatMap((address, at) => [address, ...other.slice(at, at + 1)]).concat(other.slice(one.length));
}

async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** Whether it is a link-local address that does not say of which interface of this machine. */
function isAdrift(address: string): boolean {
  if (isIP(address) !== 6 || !/^fe[89ab]/i.test(address)) return false;
  const [, zone] = address.split('%');
  return zone === undefined || !(/^\d+$/.test(zone) || zone in networkInterfaces());
}

function noInterface(address: string): Error {
  return Object.assign(new Error(`connect EINVAL ${address}: no such interface`), { code: 'EINVAL' });
}

function noAddress({ host }: Address): Error {
  return Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' });
}

function nothing(): void {
  // Nothing is waited for.
}
