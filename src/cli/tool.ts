/**
 * A tool is a row of facts and one function. What all tools have in common is here: common options, error lines, exit
 * codes.
 */
import type { Readable, Writable } from 'node:stream';
import type { CaptureFile } from '../node/capture-file.ts';
import { type CaptureChoice, capturing } from './capture-options.ts';
import type { ExitCode } from './exit.ts';
import { EXIT, exitCodeOf, ToolError } from './exit.ts';
import type { CommandLine, Operands, OperandTable, OptionTable, OrderedValue, Values } from './options.ts';
import { parseCommandLine } from './options.ts';
import { Printer } from './print.ts';
import { VERSION } from './version.ts';

/** The world around a tool. */
export interface Host {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts with an {@link Interrupted} when the user wants the tool to stop. */
  readonly signal: AbortSignal;
  /** Where what goes over the wire is written, if the command line says so. */
  readonly capture?: CaptureFile | undefined;
}

/** Why a tool was stopped from outside. */
export class Interrupted extends ToolError {
  constructor(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    const exitCode = name === 'SIGINT' ? EXIT.INTERRUPTED : EXIT.TERMINATED;
    super(`Interrupted by ${name}`, { code: 'INTERRUPTED', exitCode });
  }
}

/** Nobody reads standard output any more. Not worth a word, unless the tool copies data there. */
export class BrokenPipe extends ToolError {
  constructor() {
    super('Cannot write to standard output: the reader has closed it', { code: 'EPIPE', exitCode: EXIT.FAILED });
  }
}

/** What a tool's function gets. */
export interface ToolContext<O extends OptionTable, P extends OperandTable> {
  readonly options: Values<O>;
  readonly operands: Operands<P>;
  readonly print: Printer;
  readonly host: Host;
}

/** A tool, ready to run. */
export interface Tool {
  readonly name: string;
  readonly summary: string;
  /** How long it may take to stop in order when it is asked to, in milliseconds. Default 10,000. */
  readonly patience?: number;
  /**
   * Runs with the words behind the tool's name; settles with the exit code and never rejects.
   * @param calledAs What its messages call it, where it was called by another name than its own.
   */
  run(args: readonly string[], host: Host, calledAs?: string): Promise<ExitCode>;
}

/** `--json` and `--debug`, which every tool has in one form or another. */
interface Common extends CaptureChoice {
  readonly json?: boolean;
  readonly debug?: boolean | number | undefined;
}

interface ToolFacts<O extends OptionTable, P extends OperandTable> {
  /** See {@link Tool.patience}. */
  readonly patience?: number;
  readonly run: (context: ToolContext<O, P>) => Promise<ExitCode>;
  /**
   * Of a tool that copies data to stdout: whether these words may have asked for that. Nothing else goes there then,
   * also when they cannot be understood.
   */
  readonly mayUseStdoutForData?: (args: readonly string[]) => boolean;
}

/** Makes a tool of its facts and its function, which gives the exit code or throws. */
export function tool<const O extends OptionTable, const P extends OperandTable>(
  facts: CommandLine<O, P> & ToolFacts<O, P>,
): Tool {
  return {
    name: facts.name,
    summary: facts.summary,
    ...(facts.patience === undefined ? {} : { patience: facts.patience }),
    async run(args, host, calledAs = facts.name) {
      // Until the command line is understood, the bare word decides how its error is shown.
      let print = new Printer(calledAs, host, args.includes('--json'));
      if (facts.mayUseStdoutForData?.(args)) print.leaveStdoutToData();
      let debug = false;
      try {
        const parsed = parseCommandLine({ ...facts, name: calledAs }, args, VERSION);
        if ('show' in parsed) {
          host.stdout.write(parsed.show);
          return EXIT.DONE;
        }
        const common: Common = parsed.options;
        print = new Printer(calledAs, host, common.json === true);
        debug = Boolean(common.debug) || Number(host.env['LIBISCSI_DEBUG'] ?? 0) > 0;
        return await capturing(common, wordsOf(parsed), print, (capture) =>
          facts.run({ ...parsed, print, host: { ...host, capture } }),
        );
      } catch (thrown) {
        // Once the user has asked to stop, what fails is a consequence.
        const error = host.signal.aborted && !(thrown instanceof ToolError) ? host.signal.reason : thrown;
        if (error instanceof BrokenPipe) return exitCodeOf(error);
        if (debug) return endWithError(print, error, thrown);
        return endWithError(print, error);
      }
    },
  };
}

/** All that the command line names besides the capture, any of which may be a file. */
function wordsOf({ options, operands }: { readonly options: object; readonly operands: object }): string[] {
  const values = Object.entries({ ...options, ...operands }).flatMap(([key, value]: readonly [string, unknown]) =>
    key === 'capture' ? [] : Array.isArray(value) ? value.map((one: OrderedValue) => one.text) : [value],
  );
  const words = values.filter((value) => typeof value === 'string');
  return words.flatMap((word) => [word, word.replace(/,[^,]*$/, '')]); // as in --file PATH,size=SIZE
}

/** Says why a tool ends without result, on stderr and in the document. `traced`, where given, with its stack. */
export function endWithError(print: Printer, error: unknown, traced?: unknown): ExitCode {
  print.problem(error);
  if (print.json) print.errorDocument(error);
  if (traced !== undefined) print.trace(traced);
  return exitCodeOf(error);
}
