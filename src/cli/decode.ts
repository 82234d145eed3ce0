/** `iscsi-decode`: a capture in words. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { CaptureDecoder, type CaptureTotals } from '../capture/capture-decoder.ts';
import type { CaptureEvent } from '../capture/conversation.ts';
import { formatLun, parseLun } from '../scsi/lun.ts';
import { JSON_OPTION } from './connect-options.ts';
import { eventDocument, eventLines, type Shown } from './decode-text.ts';
import { EXIT, type ExitCode, ToolError, usageError } from './exit.ts';
import { systemError } from './file-error.ts';
import { SCHEMA_VERSION, toJson } from './print.ts';
import { type ToolContext, tool } from './tool.ts';
import { visible, visibleJson } from './visible.ts';

const OPTIONS = {
  verbose: { kind: 'flag', short: 'v', help: 'Show fields, keys and the beginning of data below each line' },
  errors: { kind: 'flag', short: 'e', help: 'Show only what is wrong' },
  lun: { kind: 'text', short: 'l', value: 'LUN', help: 'Show only PDUs of this logical unit' },
  tag: { kind: 'integer', short: 't', value: 'TAG', help: 'Show only PDUs with this task tag, such as 0x0000002a' },
  connection: { kind: 'integer', short: 'c', value: 'N', minimum: 1, help: 'Show only this connection' },
  port: {
    kind: 'integer',
    short: 'p',
    value: 'PORT',
    minimum: 1,
    maximum: 65_535,
    help: 'The port of the target (3260, and wherever a login is seen)',
  },
  json: JSON_OPTION,
  debug: { kind: 'flag', short: 'd', help: 'Say more about errors' },
} as const;
const OPERANDS = { file: { value: 'FILE', help: "pcapng or pcap file, or '-' for standard input" } } as const;

type Context = ToolContext<typeof OPTIONS, typeof OPERANDS>;

/** The tool `iscsi-decode`. */
export const decode = tool({
  name: 'iscsi-decode',
  summary: 'Show in words what a capture of iSCSI traffic says, and what is wrong in it',
  operands: OPERANDS,
  options: OPTIONS,
  epilog: `Lines: seconds since the first packet, > from the initiator or < from the target, the PDU; ! what is wrong, ~ what is worth a word.
FILE: of --capture, tcpdump -w, dumpcap or Wireshark; a capture may be piped in while it is made.

exit codes: 0 nothing is wrong, 6 something is, 1 the file is no capture, 2 usage, 5 there is no such file`,
  async run(context): Promise<ExitCode> {
    const { options, operands, print, host } = context;
    const show = new Show(context);
    const decoder = new CaptureDecoder((event) => show.take(event), { port: options.port });
    const input = operands.file === '-' ? host.stdin : createReadStream(operands.file, { highWaterMark: 256 * 1024 });
    const broken = await readAll(input, decoder, operands.file, show, host.signal);
    const totals = decoder.end();
    if (broken !== undefined && totals.packets === 0) throw broken;
    show.end(totals, broken);
    await show.written();
    if (broken !== undefined) print.problem(broken);
    else if (totals.cutBytes > 0) print.note(`the file ends within a packet: ${totals.cutBytes} bytes of it are there`);
    for (const what of totals.unreadable) print.note(`passed over: ${what}`);
    if (totals.pdus === 0 && broken === undefined) print.note('there is no iSCSI in it; --port tells where it is');
    if (broken !== undefined) return EXIT.FAILED;
    return totals.problems > 0 ? EXIT.PARTIAL : EXIT.DONE;
  },
});

/** Feeds the file to the decoder. @returns Why it could not be read to its end; what came before is shown then. */
async function readAll(
  input: Readable,
  decoder: CaptureDecoder,
  file: string,
  show: Show,
  signal: AbortSignal,
): Promise<ToolError | undefined> {
  const stop = (): void => void input.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of input) {
      decoder.push(chunk as Uint8Array);
      await show.written();
    }
    signal.throwIfAborted();
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RangeError)
      return new ToolError(error.message, { code: 'NOT_A_CAPTURE', exitCode: EXIT.FAILED });
    throw systemError(`Cannot read ${file}`, error);
  } finally {
    signal.removeEventListener('abort', stop);
    input.destroy();
  }
}

const JSON_START = `{\n  "schemaVersion": ${SCHEMA_VERSION},\n  "events": [`;

/** Chooses what is shown, and writes it as it comes: captures are longer than memory. */
class Show {
  readonly #options: Context['options'];
  readonly #out: Writable;
  readonly #json: boolean;
  readonly #lun: string | undefined;
  #began: number | undefined;
  #shown = 0;
  #full = false;

  constructor({ options, host, print }: Context) {
    this.#options = options;
    this.#out = host.stdout;
    this.#json = print.json;
    this.#lun = options.lun === undefined ? undefined : lunText(options.lun);
  }

  take(event: CaptureEvent): void {
    if (event.time !== undefined) this.#began ??= event.time;
    if (!this.#wanted(event)) return;
    const shown: Shown = { event, began: this.#began ?? 0, verbose: this.#options.verbose };
    if (this.#json) {
      const text = visibleJson(JSON.stringify(eventDocument(shown)));
      this.#write(`${this.#shown === 0 ? JSON_START : ','}\n    ${text}`);
    } else for (const line of eventLines(shown)) this.#write(`${visible(line)}\n`);
    this.#shown++;
  }

  end(totals: CaptureTotals, broken: ToolError | undefined): void {
    const { packets, connections, pdus, problems } = totals;
    if (this.#json) {
      const error = broken === undefined ? {} : { error: { code: broken.code, message: broken.message } };
      const rest = toJson({ totals, complete: broken === undefined && totals.cutBytes === 0, ...error });
      // The same document goes on behind the list.
      this.#write(`${this.#shown === 0 ? JSON_START : ''}\n  ],\n${rest.split('\n').slice(2).join('\n')}`);
    } else {
      const wrong =
        problems === 0 ? 'nothing is wrong' : `${problems} ${problems === 1 ? 'thing is' : 'things are'} wrong`;
      this.#write(
        `${packets} packets, ${connections} iSCSI connection${connections === 1 ? '' : 's'}, ${pdus} PDUs; ${wrong}\n`,
      );
    }
  }

  /** Waits until the reader has taken what was written. */
  async written(): Promise<void> {
    if (!this.#full) return;
    this.#full = false;
    if (this.#out.writableNeedDrain) await Promise.race([once(this.#out, 'drain'), once(this.#out, 'close')]);
  }

  #wanted(event: CaptureEvent): boolean {
    const { errors, tag, connection } = this.#options;
    if (connection !== undefined && event.connection !== connection) return false;
    if (event.kind === 'remark') return errors ? event.problem : tag === undefined && this.#lun === undefined;
    if (errors && event.problems.length === 0) return false;
    if (tag !== undefined && event.tag !== tag) return false;
    return this.#lun === undefined || event.lun === this.#lun;
  }

  #write(text: string): void {
    if (!this.#out.write(text)) this.#full = true;
  }
}

function lunText(text: string): string {
  try {
    return formatLun(parseLun(text));
  } catch (error) {
    throw usageError(`argument -l/--lun: ${error instanceof Error ? error.message : String(error)}`);
  }
}
