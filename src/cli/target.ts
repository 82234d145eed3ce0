/** `iscsi-target`: an iSCSI target in one command: RAM and files as logical units. */
import { once } from 'node:events';
import { parseSize } from '../bytes/size.ts';
import type { LunDefinition, Target } from '../server/index.ts';
import { createTarget, DEFAULT_TARGET_NAME } from '../server/index.ts';
import { EXIT_HELP } from './connect-options.ts';
import { EXIT, usageError } from './exit.ts';
import { systemError } from './file-error.ts';
import type { OrderedValue } from './options.ts';
import { describe } from './print.ts';
import { formatSize } from './size.ts';
import { tool } from './tool.ts';

/**
 * Where the target listens unless told otherwise: the loopback interface, so that nobody else can reach it by accident.
 */
const DEFAULT_LISTEN = '127.0.0.1:3260';

/** The tool `iscsi-target`. */
export const target = tool({
  name: 'iscsi-target',
  summary: 'Serve RAM and files as logical units of an iSCSI target',
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
    blockSize: { kind: 'size', value: 'SIZE', help: 'Bytes of one logical block, for all units (512)' },
    readOnly: { kind: 'flag', help: 'Refuse writes, for all units' },
    debug: { kind: 'flag', short: 'd', help: 'Say more about errors' },
  },
  epilog: `Logical units are numbered from 0 in the order of --memory and --file, each of which may be given several times.
When the target listens, their URLs are printed on stdout, one a line. Ctrl-C or SIGTERM ends it in order.

There is no access control: whoever reaches the port can read and write.

${EXIT_HELP}`,
  async run({ options, print, host }) {
    const units = unitsOf(options.memory, options.file);
    if (units.length === 0) throw usageError('there is nothing to serve', 'give --memory SIZE or --file PATH');
    const { blockSize, readOnly } = options;
    const luns = units.map(({ lun }) => ({ ...lun, readOnly, ...(blockSize === undefined ? {} : { blockSize }) }));
    const address = parseListen(options.listen ?? DEFAULT_LISTEN);
    const running = await start(options.name, luns, address);
    try {
      for (const number of units.keys()) print.line(running.url(number));
      const titles = units.map(({ title }) => title).join(', ');
      print.note(`listening on ${authority(address.host, running.port)}, serving ${titles}; Ctrl-C ends it`);
      if (!host.signal.aborted) await once(host.signal, 'abort');
      print.note('stopping');
    } finally {
      await running.close();
    }
    return EXIT.DONE;
  },
});

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

function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is another target running? with port 0, --listen takes any free port',
  EACCES: 'a port below 1024 needs the rights of an administrator',
  EADDRNOTAVAIL: 'give --listen an address of this machine, or 0.0.0.0 for all',
};

/** Opens the logical units and listens; what goes wrong is said in the words of the command line. */
async function start(
  name: string | undefined,
  luns: readonly LunDefinition[],
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Target> {
  try {
    return await createTarget({ luns, ...(name === undefined ? {} : { name }) }).listen({ host, port });
  } catch (error) {
    if (error instanceof RangeError) throw usageError(error.message);
    const { code = '', path } = error as NodeJS.ErrnoException;
    if (typeof path !== 'string') throw systemError(`Cannot listen on ${authority(host, port)}`, error, HINTS[code]);
    const hint = code === 'ENOENT' ? `to make it, say how large it shall be: --file ${path},size=1G` : undefined;
    throw systemError(`Cannot open ${path}`, error, hint);
  }
}
