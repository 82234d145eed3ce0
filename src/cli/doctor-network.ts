/** The steps of `iscsi-doctor` before there is a session: name, TCP, list of targets. */
import { lookup } from 'node:dns/promises';
import { connect as connectSocket, isIP } from 'node:net';
import { connectError } from '../client/connect-error.ts';
import { type DiscoveredTarget, discover } from '../client/discover.ts';
import type { ConnectOptions } from '../client/options.ts';
import { portalText } from '../client/target-portals.ts';
import type { IscsiUrl } from '../client/url.ts';
import { IscsiError } from '../errors.ts';
import type { Address } from '../node/portal-race.ts';
import type { Finding, StepOutcome } from './doctor-report.ts';

/** The addresses of the host. */
export async function resolve({ host, port }: IscsiUrl, signal: AbortSignal): Promise<StepOutcome<readonly string[]>> {
  if (isIP(host.split('%')[0] ?? '') !== 0) {
    return { text: `${host} is an address`, facts: { addresses: [host] }, value: [host] };
  }
  const found = await until(signal, lookup(host, { all: true })).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error instanceof Error ? failedAt({ host, port }, error) : error;
  });
  const addresses = found.map(({ address }) => address);
  const findings: Finding[] = [];
  if (addresses.length > 1) {
    findings.push({
      text: `the name stands for ${addresses.length} addresses`,
      advice: 'name one of them in the URL if only one of them is the target',
    });
  }
  return { text: `${host} is ${addresses.join(', ')}`, facts: { addresses }, findings, value: addresses };
}

/** Whether somebody listens, and how far away: the TCP handshake is one round trip. */
export async function reach(
  { host, port }: IscsiUrl,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
): Promise<StepOutcome> {
  const started = performance.now();
  const portal = portalText({ host, port });
  const socket = connectSocket({ host, port, signal, timeout });
  try {
    await new Promise<void>((done, fail) => {
      socket.once('connect', () => done());
      socket.once('timeout', () =>
        fail(new IscsiError('ISCSI_TIMEOUT', `Cannot connect to ${portal}: no answer within ${timeout} ms`)),
      );
      socket.once('error', (error) => fail(signal.aborted ? signal.reason : failedAt({ host, port }, error)));
    });
    const milliseconds = performance.now() - started;
    const { remoteAddress: address = host } = socket;
    return {
      text: `${portal} answers after ${milliseconds.toFixed(1)} ms`,
      facts: { address, milliseconds: round(milliseconds) },
      value: undefined,
    };
  } finally {
    socket.destroy();
  }
}

/** The error of the only address that was tried. */
function failedAt(portal: Address, error: Error): IscsiError {
  return connectError([{ portal, address: portal.host, error }], portalText(portal));
}

/** What the portal offers to this initiator. Many a target does not tell; that is no fault. */
export async function offers(url: IscsiUrl, options: ConnectOptions): Promise<StepOutcome<readonly string[]>> {
  const found: DiscoveredTarget[] = [];
  for await (const target of discover(url, options)) found.push(target);
  const names = found.map(({ name }) => name);
  const findings: Finding[] = [];
  const here = found.find(({ name }) => name === url.targetName);
  if (here === undefined) {
    findings.push({
      text: `the portal does not offer ${url.targetName ?? 'a target'} to this initiator`,
      advice: 'correct the name if the login fails; some targets hide what they serve all the same',
    });
  } else if (!here.portals.some(({ host, port }) => port === url.port && (host === url.host || isIP(url.host) === 0))) {
    findings.push({
      text: `the target says that it is at ${here.portals.map(({ text }) => text).join(', ')}`,
      advice: 'initiators that discover it go there: see that they can reach it, or correct what the target announces',
    });
  }
  const text = `the portal offers ${names.length} target${names.length === 1 ? '' : 's'}`;
  return { text, facts: { targets: names }, findings, value: names };
}

/** Gives up waiting when the user does. */
async function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, fail) => {
    stop = () => fail(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Microseconds are as exact as these get. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
