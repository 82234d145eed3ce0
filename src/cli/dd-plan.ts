/** What `iscsi-dd` was asked to do, checked before anything is touched. */
import { parseUrl } from '../client/url.ts';
import type { Endpoint } from './endpoint.ts';
import { parseEndpoint } from './endpoint.ts';
import { EXIT, ToolError, usageError } from './exit.ts';
import type { OptionTable, Values } from './options.ts';
import { endpointIdentity, fileIdentity, samePlaceError } from './same-place.ts';
import { formatSize } from './size.ts';

/** Bytes of one chunk, unless told otherwise: one burst of most targets. */
const CHUNK_SIZE = 256 * 1024;
/** What all chunks in flight may take of memory together. */
const MOST_MEMORY = 1024 ** 3;

/** The options that are `iscsi-dd`'s own. */
export const DD_OPTIONS = {
  src: { kind: 'text', short: 's', value: 'SRC', help: 'Where to read' },
  dst: { kind: 'text', short: 'd', value: 'DST', help: 'Where to write' },
  progress: { kind: 'flag', short: 'p', help: 'Show progress also where stderr is no terminal: one line a second' },
  quiet: { kind: 'flag', short: 'q', help: 'Show neither progress nor result' },
  max: { kind: 'integer', short: 'm', value: 'N', minimum: 1, maximum: 1024, help: 'Chunks in flight (32)' },
  blocks: { kind: 'integer', short: 'b', value: 'N', minimum: 1, help: 'Blocks per chunk' },
  blockSize: { kind: 'size', value: 'SIZE', minimum: 512, help: 'Bytes per chunk (256K)' },
  count: { kind: 'size', value: 'SIZE', help: 'Copy at most so much' },
  skip: { kind: 'size', value: 'SIZE', help: 'Begin so far behind the start of SRC' },
  seek: {
    kind: 'size',
    value: 'SIZE',
    help: 'Write so far behind the start of DST; a file that exists is changed in place',
  },
  hash: { kind: 'flag', help: 'Show the SHA-256 of what was copied' },
  ignoreErrors: {
    kind: 'flag',
    short: 'n',
    help: 'Replace blocks that the source cannot read by zeros, go on, and end with exit code 6',
  },
  distinct: { kind: 'flag', help: 'Copy also when SRC and DST call themselves alike: I know that they are two' },
  use16: {
    kind: 'flag',
    short: '6',
    long: '16',
    help: 'Accepted and not needed: the right commands are chosen by size',
  },
  xcopy: { kind: 'flag', short: 'x', help: 'Not supported yet: let the target copy by itself (EXTENDED COPY)' },
} as const satisfies OptionTable;

/** Their values. */
export type DdValues = Values<typeof DD_OPTIONS>;

/**
 * Source and destination, from `-s` and `-d` or from the operands.
 * @throws {ToolError} `USAGE` when one is missing, is given twice, or an option cannot be.
 */
export function endpointsOf(
  options: DdValues,
  operands: { readonly from: string | undefined; readonly to: string | undefined },
): { readonly source: Endpoint; readonly destination: Endpoint } {
  if (options.xcopy) {
    throw usageError('--xcopy is not supported yet', 'without it the data goes through this machine');
  }
  if (options.blocks !== undefined && options.blockSize !== undefined) {
    throw usageError('--blocks and --block-size cannot both be given: both set the length of a chunk');
  }
  const { source, destination, left } = endWords(options, operands);
  if (left.length > 0)
    throw usageError(`'${left.join("' '")}' is one operand too many: source and destination are given`);
  if (source === undefined) throw usageError('a source is needed', 'give it with -s or as first operand');
  if (destination === undefined) throw usageError('a destination is needed', 'give it with -d or as second operand');
  const ends = { source: parseEndpoint(source, 'source'), destination: parseEndpoint(destination, 'destination') };
  refuseSamePlace(ends);
  return ends;
}

type EndWords = {
  readonly [K in 'source' | 'destination']: string | undefined;
} & { readonly left: readonly string[] };

function endWords(
  options: Pick<DdValues, 'src' | 'dst'>,
  operands: { readonly from: string | undefined; readonly to: string | undefined },
): EndWords {
  const left = [operands.from, operands.to].filter((word) => word !== undefined);
  return { source: options.src ?? left.shift(), destination: options.dst ?? left.shift(), left };
}

/**
 * Whether the data goes to stdout, also by another name of it (`/dev/stdout`); told without an error whatever else is
 * wrong with the command line.
 */
export function goesToStdout(...line: Parameters<typeof endWords>): boolean {
  const { destination } = endWords(...line);
  return destination !== undefined && isStdout(destination);
}

function isStdout(word: string): boolean {
  if (word === '-') return true;
  const stdout = fileIdentity(1);
  return stdout !== undefined && fileIdentity(word) === stdout;
}

/**
 * Whether the data may go to stdout, told from the words of a command line that could not be understood: rather too
 * often yes.
 */
export function mayGoToStdout(args: readonly string[]): boolean {
  return args.some((word) => isStdout(word.replace(/^(-d|--d[a-z]*=)/, '')));
}

/** Logical units that other URLs lead to are compared when they are open. */
function refuseSamePlace({ source, destination }: { readonly source: Endpoint; readonly destination: Endpoint }): void {
  if (source.kind === 'lun' && destination.kind === 'lun') {
    if (placeOf(source.url) === placeOf(destination.url)) throw samePlaceError();
    return;
  }
  const identity = endpointIdentity(source);
  if (identity !== undefined && identity === endpointIdentity(destination)) throw samePlaceError();
}

function placeOf(url: string): string {
  const { host, port, targetName, lun } = parseUrl(url, { form: 'full' });
  return JSON.stringify([host, port, targetName, lun]);
}

/**
 * Checks what is known of the lengths; `capacity` undefined: the destination is not limited.
 * @throws {ToolError} When `--skip` lies behind the end, or the data does not fit.
 */
export function checkFit(
  { skip = 0, seek = 0, count }: Pick<DdValues, 'skip' | 'seek' | 'count'>,
  length: number | undefined,
  capacity: number | undefined,
): void {
  if (length !== undefined && skip > length) {
    throw usageError(`--skip ${skip} lies behind the end of the source, which has ${length} bytes`);
  }
  if (capacity === undefined) return;
  if (seek > capacity)
    throw usageError(`--seek ${seek} lies behind the end of the destination, which has ${capacity} bytes`);
  const rest = length === undefined ? undefined : length - skip;
  const wanted = rest === undefined ? count : Math.min(rest, count ?? rest);
  if (wanted === undefined || wanted <= capacity - seek) return;
  throw new ToolError(
    `Cannot fit ${wanted} bytes (${formatSize(wanted)}) into the destination: it has ${capacity - seek} (${formatSize(capacity - seek)})`,
    {
      code: 'DOES_NOT_FIT',
      exitCode: EXIT.FAILED,
      hint: 'use --count to copy only a part; nothing was written',
      facts: { wanted, available: capacity - seek },
    },
  );
}

/**
 * Bytes of one chunk: what was asked for, as a multiple of the destination's blocks.
 * @throws {ToolError} `USAGE` when the chunks in flight would take too much memory.
 */
export function chunkSizeOf(
  { blocks, blockSize, max = 32 }: Pick<DdValues, 'blocks' | 'blockSize' | 'max'>,
  sourceBlock: number,
  destinationBlock: number,
): number {
  const block = Math.max(sourceBlock, destinationBlock);
  const unit = block === 1 ? 512 : block;
  const wanted = blocks === undefined ? (blockSize ?? CHUNK_SIZE) : blocks * unit;
  const size = Math.max(unit, Math.floor(wanted / unit) * unit);
  if (size * max <= MOST_MEMORY) return size;
  throw usageError(
    `${max} chunks of ${formatSize(size)} in flight are too much: together ${formatSize(MOST_MEMORY)} are allowed`,
    'use a smaller --max or --block-size',
  );
}
