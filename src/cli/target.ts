/** `iscsi-target`: an iSCSI target in one command: RAM and files as logical units. */
import { once } from 'node:events';
import { parseSize } from '../bytes/size.ts';
import type { AnnouncedPortal, LunDefinition, Target, TargetOptions } from '../server/index.ts';
import { createTarget, DEFAULT_LIMITS, DEFAULT_TARGET_NAME, readAccessFile } from '../server/index.ts';
import { CAPTURE_OPTIONS } from './capture-options.ts';
import { EXIT_HELP } from './connect-options.ts';
import { EXIT, ToolError, usageError } from './exit.ts';
import { folderHint, systemError } from './file-error.ts';
import type { OrderedValue } from './options.ts';
import { describe } from './print.ts';
import { formatSize } from './size.ts';
import { tool } from './tool.ts';

/**
 * Where the target listens unless told otherwise: the loopback interface, so that nobody else can reach it by accident.
 */
const DEFAULT_LISTEN = '127.0.0.1:3260';

/** Milliseconds to stop in order: it flushes its files, and gives them up after 60 s by itself. */
const STOP_PATIENCE = 70_000;

/** The tool `iscsi-target`. */
export const target = tool({
  name: 'iscsi-target',
  summary: 'Serve RAM and files as logical units of an iSCSI target',
  patience: STOP_PATIENCE,
  operands: {},
  options: {
    listen: {
      kind: 'text',
      short: 'l',
      value: 'HOST:PORT',
      help: `Where to listen (${DEFAULT_LISTEN}); port 0: any free one; 0.0.0.0 or [::]: all interfaces`,
    },
    name: { kind: 'text', short: 'n', value: 'IQN', help: `Name of the target (${DEFAULT_TARGET_NAME})` },
    memory: { kind: 'ordered', short: 'm', value: 'SIZE', help: 'A logical unit in RAM, such as 64M' },
    file: {
      kind: 'ordered',
      short: 'f',
      value: 'PATH[,size=SIZE]',
      help: 'A logical unit in a file or on a block device; with a size the file is made when it is not there',
    },
    portal: {
      kind: 'ordered',
      value: 'HOST[:PORT]',
      help: 'An address that discovery tells instead of those at which it listens (container, address translation)',
    },
    chapFile: {
      kind: 'text',
      value: 'FILE',
      help: 'Who may log in and with what password (CHAP), in a file that only its owner can read',
    },
    allowShortSecrets: { kind: 'flag', help: 'Take passwords of less than 12 bytes, which are easily guessed' },
    blockSize: { kind: 'size', value: 'SIZE', help: 'Bytes of one logical block, for all units (512)' },
    readOnly: { kind: 'flag', help: 'Refuse writes, for all units' },
    bufferMemory: {
      kind: 'size',
      value: 'SIZE',
      help: 'Memory for data on its way, of all initiators together (256M)',
    },
    maxSessions: {
      kind: 'integer',
      value: 'N',
      minimum: 1,
      help: `Sessions; more are refused (${DEFAULT_LIMITS.connections})`,
    },
    maxLogins: {
      kind: 'integer',
      value: 'N',
      minimum: 1,
      help: `Connections that have not logged in; with more, the oldest go (${DEFAULT_LIMITS.halfOpenLogins})`,
    },
    loginTime: {
      kind: 'seconds',
      value: 'SECONDS',
      help: `How long a login may take (${DEFAULT_LIMITS.loginTime / 1000})`,
    },
    keepAlive: {
      kind: 'seconds',
      value: 'SECONDS',
      help: `Silence after which an initiator is pinged, and then given up (${DEFAULT_LIMITS.keepAlive / 1000})`,
    },
    ...CAPTURE_OPTIONS,
    debug: { kind: 'flag', short: 'd', help: 'Say more about errors' },
  },
  epilog: `Logical units are numbered from 0 in the order of --memory and --file, each of which may be given several times.
When the target listens, their URLs are printed on stdout, one a line. Ctrl-C or SIGTERM ends it in order.

Without --chap-file there is no access control: whoever reaches the port can read and write. FILE has lines such as

  user = NAME                  what initiators have to prove, and, with target_user and target_password,
  password = PASSWORD          what the target proves to them; then a section for each initiator that may log in:
  [IQN]                        without any, all may who know the password. A section may have a user and a password
  luns = 0,1                   of its own, and the numbers of the logical units that it shows

${EXIT_HELP}`,
  async run({ options, print, host }) {
    const units = unitsOf(options.memory, options.file);
    if (units.length === 0) throw usageError('there is nothing to serve', 'give --memory SIZE or --file PATH');
    const { blockSize, readOnly, chapFile } = options;
    const access = chapFile === undefined ? {} : await readAccessFile(chapFile);
    const luns = units.map(({ lun }) => ({ ...lun, readOnly, ...(blockSize === undefined ? {} : { blockSize }) }));
    const address = parseListen(options.listen ?? DEFAULT_LISTEN);
    const capture = host.capture === undefined ? {} : { capture: host.capture };
    const running = await start({ luns, ...access, ...furtherOptions(options), ...capture }, address);
    try {
      for (const number of units.keys()) print.line(running.url(number));
      const titles = units.map(({ title }) => title).join(', ');
      const isPublic = running.portals.some(({ host: bound }) => !isLoopback(bound));
      if (isPublic && chapFile === undefined) print.note(NO_AUTHENTICATION);
      print.note(`listening on ${authority(address.host, running.port)}, serving ${titles}; Ctrl-C ends it`);
      if (!host.signal.aborted) await once(host.signal, 'abort');
      print.note('stopping');
    } finally {
      await running.close().catch(notInOrder);
    }
    return EXIT.DONE;
  },
});

/** The signal that ended it was in order; that the stores could not be closed is not, and goes first. */
function notInOrder(error: unknown): never {
  const { hint, code } = error as { readonly hint?: string; readonly code?: string };
  throw new ToolError(`Cannot stop in order: ${describe(error)}`, {
    code: code ?? 'STORE',
    exitCode: EXIT.FAILED,
    hint: hint ?? 'what was written last may not be on stable storage',
    cause: error,
  });
}

const NO_AUTHENTICATION =
  'warning: there is no authentication, and it listens to more than this machine: whoever reaches it can read and write';

/** What the command line says besides logical units and where to listen. */
function furtherOptions(options: FurtherOptions): Omit<TargetOptions, 'luns'> {
  const { name, portal, bufferMemory, maxSessions, maxLogins, loginTime, keepAlive, allowShortSecrets } = options;
  const given = {
    name,
    allowShortSecrets,
    bufferMemory,
    portals: portal.length === 0 ? undefined : portal.map(({ text }) => parsePortal(text)),
    limits: {
      connections: maxSessions,
      halfOpenLogins: maxLogins,
      loginTime,
      keepAlive,
    },
  };
  return withoutUndefined({ ...given, limits: withoutUndefined(given.limits) });
}

interface FurtherOptions {
  readonly name: string | undefined;
  readonly portal: readonly OrderedValue[];
  readonly bufferMemory: number | undefined;
  readonly maxSessions: number | undefined;
  readonly maxLogins: number | undefined;
  readonly loginTime: number | undefined;
  readonly keepAlive: number | undefined;
  readonly allowShortSecrets: boolean;
}

/** The entries that are there. */
function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Whether only this machine reaches the address. */
function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

interface Unit {
  readonly lun: LunDefinition;
  readonly title: string;
}

/** The logical units in the order of the command line. */
function unitsOf(memory: readonly OrderedValue[], file: readonly OrderedValue[]): readonly Unit[] {
  return [
    ...memory.map(({ order, text }) => ({ order, ...memoryUnit(text) })),
    ...file.map(({ order, text }) => ({ order, ...fileUnit(text) })),
  ].sort((a, b) => a.order - b.order);
}

function memoryUnit(text: string): Unit {
  const memory = sizeOf(text, '-m/--memory');
  return { lun: { memory }, title: `${formatSize(memory)} of RAM` };
}

function fileUnit(text: string): Unit {
  const [, file = text, size] = /^(.*),size=([^,]*)$/s.exec(text) ?? [];
  if (file === '') throw usageError('argument -f/--file: the path is empty');
  return {
    lun: { file, ...(size === undefined ? { create: false } : { size: sizeOf(size, '-f/--file') }) },
    title: file,
  };
}

function sizeOf(text: string, option: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw usageError(`argument ${option}: ${describe(error)}`);
  }
}

/**
 * `host:port`, `[ipv6]:port`, `:port`, `host` or `port`.
 * @throws {ToolError} `USAGE`
 */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(/^\d+$/.test(text) ? `:${text}` : text);
  const port = Number(match?.[3] ?? 3260);
  if (!match || port > 65_535) {
    throw usageError(`argument -l/--listen: '${text}' is no address and port`, 'such as 127.0.0.1:3260 or [::1]:0');
  }
  return { host: (match[1] ?? match[2]) || '127.0.0.1', port };
}

/**
 * `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.
 * @throws {ToolError} `USAGE`
 */
export function parsePortal(text: string): AnnouncedPortal {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const [, ipv6, name, port] = match ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) {
    throw usageError(`argument --portal: '${text}' is no address`, 'such as storage.example:3260 or [2001:db8::1]');
  }
  return { host, ...(port === undefined ? {} : { port: Number(port) }) };
}

function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is another target running? with port 0, --listen takes any free port',
  EACCES: 'a port below 1024 needs the rights of an administrator',
  EADDRNOTAVAIL: 'give --listen an address of this machine, or 0.0.0.0 for all',
  ENOTFOUND: 'give --listen an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all',
  EINVAL: 'a link-local address needs its interface: [fe80::1%eth0]:3260',
  EAI_AGAIN: 'give --listen an address instead of a name',
};

/** Opens the logical units and listens; what goes wrong is said in the words of the command line. */
async function start(
  options: TargetOptions & { readonly luns: readonly LunDefinition[] },
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Target> {
  const { luns } = options;
  try {
    return await createTarget(options).listen({ host, port });
  } catch (error) {
    if (error instanceof RangeError) throw usageError(error.message);
    const { code = '', path, syscall } = error as NodeJS.ErrnoException;
    if (path === undefined && LISTENING.has(syscall ?? '')) {
      throw systemError(`Cannot listen on ${authority(host, port)}`, error, HINTS[code]);
    }
    const hint = code === 'ENOENT' && path !== undefined ? missingFileHint(path, luns) : undefined;
    throw systemError(`Cannot open ${path ?? filesOf(luns)}`, error, hint);
  }
}

/** System calls of listening; all others are about files. */
const LISTENING: ReadonlySet<string> = new Set(['getaddrinfo', 'listen', 'bind']);

/** What an error that names no file may be about. */
function filesOf(luns: readonly LunDefinition[]): string {
  return luns.flatMap((lun) => ('file' in lun ? [lun.file] : [])).join(' or ');
}

function missingFileHint(path: string, luns: readonly LunDefinition[]): string | undefined {
  const folder = folderHint(path);
  const lun = luns.find((unit) => 'file' in unit && unit.file === path);
  if (folder !== undefined || lun === undefined) return folder;
  if (!('size' in lun)) return `to make it, say how large it shall be: --file ${path},size=1G`;
  return lun.readOnly ? 'it is not made with --read-only, since nothing could be written to it' : undefined;
}
