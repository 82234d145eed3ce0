/** `iscsi-inq`: standard INQUIRY data, or vital product data pages, of one logical unit. */
import { connect } from '../client/connect.ts';
import { readInquiry } from '../scsi/data/inquiry.ts';
import { readVpdSupportedPages } from '../scsi/data/vpd-supported-pages.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { inquiryBytes } from '../unit/inquiry.ts';
import type { LogicalUnit } from '../unit/logical-unit.ts';
import {
  CONNECT_OPTIONS,
  connectOptions,
  EXIT_HELP,
  JSON_OPTION,
  readUrl,
  URL_HELP,
  withChapFile,
} from './connect-options.ts';
import { connecting, EXIT, ToolError, usageError } from './exit.ts';
import { showPage } from './inq-pages.ts';
import { standardLines } from './inq-text.ts';
import type { Printer } from './print.ts';
import { tool } from './tool.ts';

/** The tool `iscsi-inq`. */
export const inq = tool({
  name: 'iscsi-inq',
  summary: 'Show the INQUIRY data of one logical unit',
  operands: { url: { value: 'URL', help: 'the logical unit' } },
  options: {
    ...CONNECT_OPTIONS,
    evpd: { kind: 'integer', short: 'e', value: 'N', help: '1: show a vital product data page' },
    pagecode: {
      kind: 'integer',
      short: 'c',
      value: 'PAGE',
      maximum: 255,
      help: 'Page to show with -e 1: decimal, or hex behind 0x (0: the list of pages)',
    },
    all: { kind: 'flag', short: 'a', help: 'Show the standard data and every page that the list names' },
    json: JSON_OPTION,
    debug: { kind: 'integer', short: 'd', value: 'N', help: 'Above 0: say more about errors' },
  },
  epilog: `${URL_HELP}\n\n${EXIT_HELP}`,
  async run({ operands, options, print, host }) {
    const evpd = (options.evpd ?? 0) !== 0;
    const pageCode = options.pagecode ?? 0;
    if (options.all && (evpd || pageCode !== 0)) throw usageError('--all shows every page: it goes without -e and -c');
    const url = readUrl(operands.url, 'full', print, await withChapFile(options, host));
    const lun = await connecting(connect(url, { ...connectOptions(options, host), probe: false }));
    try {
      if (options.all) return await showAll(lun, print, host.signal);
      const bytes = await fetchInquiry(lun, evpd, pageCode, host.signal);
      const shown = evpd ? pageDocument(pageCode, bytes) : standardDocument(bytes);
      if (print.json) print.document(shown.document);
      else for (const line of shown.lines) print.line(line);
      return EXIT.DONE;
    } finally {
      await lun.close();
    }
  },
});

interface Shown {
  readonly document: Readonly<Record<string, unknown>>;
  readonly lines: readonly string[];
}

function standardDocument(bytes: Uint8Array): Shown {
  const data = readInquiry(bytes);
  return { document: { evpd: false, pageCode: 0, data, raw: bytes }, lines: standardLines(data, bytes) };
}

function pageDocument(pageCode: number, bytes: Uint8Array): Shown {
  const { name, data, lines } = showPage(pageCode, bytes);
  return { document: { evpd: true, pageCode, pageName: name ?? null, data: data ?? null, raw: bytes }, lines };
}

/** Shows everything; a page that cannot be had is complained about and left out. */
async function showAll(lun: LogicalUnit, print: Printer, signal: AbortSignal): Promise<0 | 6> {
  const standard = standardDocument(await fetchInquiry(lun, false, 0, signal));
  const { pageCodes } = readVpdSupportedPages(await fetchInquiry(lun, true, 0, signal));
  const shown: Shown[] = [standard];
  let complete = true;
  for (const code of pageCodes) {
    try {
      shown.push(pageDocument(code, await inquiryBytes(lun.port, { evpd: true, pageCode: code }, { signal })));
    } catch (error) {
      signal.throwIfAborted();
      complete = false;
      print.problem(error, `page 0x${code.toString(16).padStart(2, '0')}`);
    }
  }
  if (print.json) print.document({ pages: shown.map(({ document }) => document), complete });
  else for (const line of shown.flatMap(({ lines }, at) => (at === 0 ? lines : ['', ...lines]))) print.line(line);
  return complete ? EXIT.DONE : EXIT.PARTIAL;
}

async function fetchInquiry(
  { port }: LogicalUnit,
  evpd: boolean,
  pageCode: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    return await inquiryBytes(port, { evpd, pageCode }, { signal });
  } catch (error) {
    throw error instanceof ScsiStatusError && pageCode !== 0 ? withHint(error, evpd) : error;
  }
}

function withHint(error: ScsiStatusError, evpd: boolean): ScsiStatusError | ToolError {
  const { code, message, sense } = error;
  if (evpd && sense?.senseKey !== SENSE_KEY.ILLEGAL_REQUEST) return error;
  const hint = evpd ? 'it may have no such page: -e 1 alone lists those that it has' : '-c needs -e 1';
  return new ToolError(message, { code, exitCode: EXIT.FAILED, hint, cause: error });
}
