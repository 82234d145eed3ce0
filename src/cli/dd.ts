/** `iscsi-dd`: copies between logical units, files, and standard input and output. */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { connect } from '../client/connect.ts';
import type { IscsiLogicalUnit } from '../client/session.ts';
import type { IscsiUrl } from '../client/url.ts';
import {
  CONNECT_OPTIONS,
  connectOptions,
  EXIT_HELP,
  JSON_OPTION,
  readUrl,
  URL_HELP,
  withChapFile,
} from './connect-options.ts';
import type { OpenDestination } from './copy-destination.ts';
import { fileDestination, lunDestination, streamDestination } from './copy-destination.ts';
import { Copy, type CopyPlan } from './copy-engine.ts';
import type { OpenSource } from './copy-source.ts';
import { fileSource, lunSource, streamSource } from './copy-source.ts';
import { checkFit, chunkSizeOf, DD_OPTIONS, endpointsOf, goesToStdout, mayGoToStdout } from './dd-plan.ts';
import type { Endpoint } from './endpoint.ts';
import { titleOf } from './endpoint.ts';
import type { ExitCode } from './exit.ts';
import { connecting, EXIT, exitCodeOf, ToolError, usageError } from './exit.ts';
import type { Values } from './options.ts';
import { errorDocument } from './print.ts';
import { startProgress } from './progress.ts';
import { redact } from './redact.ts';
import { endpointIdentity, sameUnit } from './same-place.ts';
import { formatSize } from './size.ts';
import { isCacheLost, SURVIVE_OPTIONS, surviveOptions, tellLosses } from './survive.ts';
import { STATISTICS_OPTIONS, tellStatistics } from './tell-statistics.ts';
import type { ToolContext } from './tool.ts';
import { tool } from './tool.ts';
import { unreadableReport } from './unreadable.ts';

const OPTIONS = {
  ...DD_OPTIONS,
  ...CONNECT_OPTIONS,
  ...SURVIVE_OPTIONS,
  ...STATISTICS_OPTIONS,
  json: JSON_OPTION,
  debug: { kind: 'flag', help: 'Say more about errors' },
} as const;
const OPERANDS = {
  from: { value: 'SRC', help: "iscsi:// URL, file name, or '-' for standard input (instead of -s)", optional: true },
  to: { value: 'DST', help: "iscsi:// URL, file name, or '-' for standard output (instead of -d)", optional: true },
} as const;

type Context = ToolContext<typeof OPTIONS, typeof OPERANDS>;

/** The tool `iscsi-dd`. */
export const dd = tool({
  name: 'iscsi-dd',
  summary: 'Copy logical units, files and streams in any direction',
  operands: OPERANDS,
  options: OPTIONS,
  epilog: `SIZE: bytes, or a number with K, M, G, T or P behind it (powers of 1024).

A file is written as FILE.partial and gets its name when it is complete and safe on its medium.

${URL_HELP}

${EXIT_HELP}`,
  mayUseStdoutForData: mayGoToStdout,
  async run(context) {
    const { options, operands, print } = context;
    if (goesToStdout(options, operands)) print.leaveStdoutToData();
    const ends = endpointsOf(options, operands);
    const report = unreadableReport();
    const unit = ends.source.kind === 'lun' ? await openUnit(ends.source.url, context) : undefined;
    const source = unit
      ? lunSource(unit.lun, options.ignoreErrors ? report : undefined)
      : await openSource(ends, context);
    try {
      checkFit(options, source.length, undefined);
      const destination = await openDestination(ends, context, source, unit);
      const hash = options.hash ? createHash('sha256') : undefined;
      const result = await copy(context, source, destination, hash);
      return conclude(context, ends, { ...result, sha256: hash?.digest('hex'), unreadable: report.total });
    } finally {
      await source.close().catch(() => undefined);
    }
  },
});

interface Ends {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

async function openSource({ source }: Ends, { host }: Context): Promise<OpenSource> {
  return source.kind === 'file' ? fileSource(source.path) : streamSource(host.stdin, titleOf(source));
}

/** Opens the destination; nothing of it is touched when the copy cannot fit, or would be one of `unit` onto itself. */
async function openDestination(
  { source, destination }: Ends,
  context: Context,
  { length }: OpenSource,
  unit: Unit | undefined,
): Promise<OpenDestination> {
  const { options, host } = context;
  const { seek = 0 } = options;
  if (destination.kind === 'file') return fileDestination(destination.path, seek, endpointIdentity(source));
  if (destination.kind !== 'lun') return streamDestination(host.stdout, titleOf(destination));
  const { lun, url } = await openUnit(destination.url, context);
  try {
    const why = unit && !options.distinct ? sameUnit(unit, { lun, url }) : undefined;
    if (why !== undefined) throw seemsSame(why);
    checkFit(options, length, lun.size);
  } catch (error) {
    await lun.close();
    throw error;
  }
  return lunDestination(lun, seek);
}

function seemsSame(why: string): ToolError {
  return usageError(
    `source and destination are the same logical unit: ${why}`,
    'if they are two all the same, as of two targets that were set up alike, say so with --distinct',
  );
}

interface Unit {
  readonly lun: IscsiLogicalUnit;
  readonly url: IscsiUrl;
}

/** Opens the logical unit of a URL, which must have blocks. */
async function openUnit(text: string, { options, host, print }: Context): Promise<Unit> {
  const url = readUrl(text, 'full', print, await withChapFile(options, host));
  const lun = await connecting(connect(url, { ...connectOptions(options, host), ...surviveOptions(options) }));
  tellLosses(lun, (text) => print.note(text));
  if (options.statistics) tellStatistics(lun, (line) => print.note(line));
  if (lun.isBlockDevice) return { lun, url };
  await lun.close();
  throw new ToolError(`Cannot copy ${redact(text)}: it has no blocks`, {
    code: 'NOT_A_BLOCK_DEVICE',
    exitCode: EXIT.FAILED,
    hint: "'tsiscsi ls -s' shows what it is",
  });
}

/** How often a copy is made once more, because the target's cache was lost with its session. */
const MOST_AGAIN = 3;

interface Result {
  readonly bytes: number;
  readonly seconds: number;
}

async function copy(
  { options, host, print }: Context,
  source: OpenSource,
  destination: OpenDestination,
  hash: Hash | undefined,
): Promise<Result> {
  const { skip = 0, seek = 0, count } = options;
  const rest = source.length === undefined ? undefined : source.length - skip;
  const length = rest === undefined ? count : Math.min(rest, count ?? rest);
  const progress = startProgress({
    stream: host.stderr,
    total: length,
    style: styleOf(options),
    dumb: host.env['TERM'] === 'dumb',
  });
  const started = performance.now();
  const plan = {
    source,
    destination,
    skip,
    seek,
    length,
    hash,
    chunkSize: chunkSizeOf(options, source.blockSize, destination.blockSize),
    queueDepth: options.max ?? 32,
    signal: host.signal,
    onProgress: (bytes: number) => progress.update(bytes),
  };
  const state = { work: new Copy(plan) };
  try {
    const bytes = await untilSafe(plan, state, destination, print);
    return { bytes, seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    const { contiguous } = state.work;
    throw incomplete(error, await destination.abandon(contiguous), contiguous);
  } finally {
    progress.stop();
  }
}

/** Copies, once more where the target may have lost what it had in its cache. `state` always has the last copy. */
async function untilSafe(
  plan: CopyPlan,
  state: { work: Copy },
  destination: OpenDestination,
  print: Context['print'],
): Promise<number> {
  const { bytes } = await state.work.run();
  for (let again = 1; !(await finished(destination, again <= MOST_AGAIN && !plan.source.sequential)); again++) {
    print.note('the target may have lost what was in its write cache: copying once more');
    state.work = new Copy({ ...plan, hash: undefined });
    await state.work.run();
  }
  return bytes;
}

/** @returns False when all has to be written again, and `again` says that it can be. */
async function finished(destination: OpenDestination, again: boolean): Promise<boolean> {
  try {
    await destination.finish();
    return true;
  } catch (error) {
    if (again && isCacheLost(error)) return false;
    throw error;
  }
}

function styleOf({ progress, quiet }: Pick<Values<typeof OPTIONS>, 'progress' | 'quiet'>): 'auto' | 'lines' | 'none' {
  return quiet ? 'none' : progress ? 'lines' : 'auto';
}

/** The error of a copy that did not come to its end: what happened, and what is left where. */
function incomplete(error: unknown, left: string | undefined, contiguous: number): ToolError {
  const { code, message, hint, ...facts } = errorDocument(error);
  const hints = [left, hint].filter((text) => text !== undefined);
  return new ToolError(message, {
    code,
    exitCode: exitCodeOf(error),
    hint: hints.length === 0 ? undefined : hints.join('; '),
    facts: { ...facts, bytesComplete: contiguous },
    cause: error,
  });
}

interface Conclusion extends Result {
  readonly sha256: string | undefined;
  /** Bytes that were replaced by zeros. */
  readonly unreadable: number;
}

function conclude(
  { print, options }: Context,
  ends: Ends,
  { bytes, seconds, sha256, unreadable }: Conclusion,
): ExitCode {
  const bytesPerSecond = Math.round(bytes / seconds);
  if (unreadable > 0) print.note(`${formatSize(unreadable)} of the source could not be read and became zeros`);
  if (print.json) {
    const source = documentOf(ends.source);
    const destination = documentOf(ends.destination);
    print.document({
      bytes,
      seconds: Number(seconds.toFixed(6)),
      bytesPerSecond,
      source,
      destination,
      ...(sha256 && { sha256 }),
      unreadableBytes: unreadable,
    });
  } else if (!options.quiet) {
    print.line(
      `${bytes} bytes (${formatSize(bytes)}) copied in ${seconds.toFixed(3)} seconds, ${formatSize(bytesPerSecond)}/s`,
    );
  }
  if (!print.json && sha256) print.line(`sha256 ${sha256}`);
  return unreadable > 0 ? EXIT.PARTIAL : EXIT.DONE;
}

function documentOf(endpoint: Endpoint): Readonly<Record<string, unknown>> {
  const { kind } = endpoint;
  if (kind === 'lun') return { kind, url: titleOf(endpoint) };
  return kind === 'file' ? { kind, path: endpoint.path } : { kind };
}
