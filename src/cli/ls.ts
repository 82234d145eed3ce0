/** `iscsi-ls`: the targets behind a portal and, with `-s`, their logical units. */
import { openSession } from '../client/connect.ts';
import type { Portal } from '../client/discover.ts';
import { discover } from '../client/discover.ts';
import type { ConnectOptions } from '../client/options.ts';
import type { IscsiUrl } from '../client/url.ts';
import { sizeOf } from './capacity.ts';
import {
  CONNECT_OPTIONS,
  connectOptions,
  EXIT_HELP,
  JSON_OPTION,
  PORTAL_HELP,
  readUrl,
  withChapFile,
} from './connect-options.ts';
import { connecting, EXIT } from './exit.ts';
import type { Listed, Remark } from './ls-json.ts';
import { ListDocument } from './ls-json.ts';
import { targetLine, targetUrl, unitLine } from './ls-text.ts';
import type { ListedUnit } from './ls-units.ts';
import { listUnits } from './ls-units.ts';
import type { Printer } from './print.ts';
import { tool } from './tool.ts';

/** Targets that are looked into at a time; they are shown in the portal's order all the same. */
const AT_A_TIME = 8;

/** The tool `iscsi-ls`. */
export const ls = tool({
  name: 'iscsi-ls',
  summary: 'List the targets behind a portal, and their logical units',
  operands: { portal: { value: 'PORTAL', help: 'URL of the portal; a target and a LUN in it are passed over' } },
  options: {
    ...CONNECT_OPTIONS,
    showLuns: { kind: 'flag', short: 's', help: 'Show the logical units of each target' },
    url: { kind: 'flag', short: 'U', help: 'Show targets as URLs (not with -s)' },
    json: JSON_OPTION,
    debug: { kind: 'flag', short: 'd', help: 'Say more about errors' },
  },
  epilog: `${PORTAL_HELP}\n\n${EXIT_HELP}`,
  async run({ operands, options, print, host }) {
    const url = readUrl(operands.portal, 'portal', print, await withChapFile(options, host));
    const connection = connectOptions(options, host);
    const { found, remarks } = await connecting(portalsOf(url, connection));
    if (found.length === 0 && remarks.length === 0) print.note('the portal shows no target to this initiator');
    const list = options.showLuns ? look(found, url, connection, host.signal) : found;
    const document = new ListDocument();
    let complete = remarks.length === 0;
    for (const remark of remarks) {
      document.remark(remark);
      for (const text of wordsOf(remark)) print.note(text);
    }
    // Each is shown when it comes, and then forgotten: there may be very many, and errors hold on to much.
    for await (const item of list) {
      if (print.json) document.add(item);
      else printTarget(print, item, options.url && !options.showLuns);
      complete = complain(print, item) && complete;
    }
    if (print.json) print.document(document.end(complete));
    return complete ? EXIT.DONE : EXIT.PARTIAL;
  },
});

/** Every portal of every target, in the order of the answer, and what could not be understood. */
async function portalsOf(
  url: IscsiUrl,
  options: ConnectOptions,
): Promise<{ readonly found: readonly Listed[]; readonly remarks: readonly Remark[] }> {
  const found: Listed[] = [];
  const remarks: Remark[] = [];
  for await (const { name, portals, unreadable, problem } of discover(url, options)) {
    for (const portal of portals) found.push({ name, portal, units: undefined, error: undefined });
    if (unreadable.length > 0 || problem !== undefined) remarks.push({ name, unreadable, problem: problem?.message });
  }
  return { found, remarks };
}

function wordsOf({ name, unreadable, problem }: Remark): string[] {
  const addresses = unreadable.map((address) => `cannot read the address '${address}' of ${name}`);
  return problem === undefined ? addresses : [`nobody can log in to ${name}: ${problem}`, ...addresses];
}

/** Looks into the targets, several at a time, and gives them in their order. */
async function* look(
  found: readonly Listed[],
  url: IscsiUrl,
  options: ConnectOptions,
  signal: AbortSignal,
): AsyncGenerator<Listed> {
  const underWay: Promise<Listed>[] = [];
  for (const item of found) {
    underWay.push(lookInto(item, url, options, signal));
    const [first] = underWay;
    if (underWay.length < AT_A_TIME || first === undefined) continue;
    yield await first;
    underWay.shift();
  }
  for (const last of underWay) yield await last;
}

/** Never rejects: why there are no logical units is in what it gives. */
async function lookInto(item: Listed, url: IscsiUrl, options: ConnectOptions, signal: AbortSignal): Promise<Listed> {
  try {
    return { ...item, units: await unitsOf(url, item.name, item.portal, options, signal) };
  } catch (error) {
    return { ...item, error: signal.aborted ? signal.reason : error };
  }
}

async function unitsOf(
  url: IscsiUrl,
  targetName: string,
  { host, port, portalGroupTag }: Portal,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<readonly ListedUnit[]> {
  // Credentials, digests and what else the URL asked for go along.
  const session = await connecting(openSession({ ...url, host, port, portalGroupTag, targetName }, options));
  try {
    return await listUnits(session, signal);
  } finally {
    await session.close();
  }
}

function printTarget(print: Printer, { name, portal, units }: Listed, asUrl: boolean): void {
  print.line(asUrl ? targetUrl(name, portal.text) : targetLine(name, portal.text));
  for (const { lun, inquiry, capacity, mediumPresent, error } of units ?? []) {
    const size = capacity && sizeOf(capacity);
    print.line(
      unitLine({ lun, deviceType: inquiry?.peripheralDeviceType, size, mediumPresent, failed: error !== undefined }),
    );
  }
}

/** Says on stderr what is missing. @returns Whether nothing is. */
function complain(print: Printer, { name, portal, units, error }: Listed): boolean {
  const title = `${name} at ${portal.text}`;
  if (error !== undefined) print.problem(error, title);
  const failed = units?.filter((unit) => unit.error !== undefined) ?? [];
  for (const unit of failed) print.problem(unit.error, `${title}, LUN ${unit.lun}`);
  return error === undefined && failed.length === 0;
}
