/**
 * The option table: one row of facts for each option. The parser, the help text and the types of the values come from
 * it. The command line itself is parsed by argparse, a port of Python's: abbreviated long options, `--option=VALUE`,
 * `-oVALUE`, options behind operands.
 */
import type { ActionClass, ArgumentOptions } from 'argparse';
import { Action, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter } from 'argparse';
import { parseSize } from '../bytes/size.ts';
import { usageError } from './exit.ts';

interface Row {
  /** One letter, or `?`. */
  readonly short?: string;
  /** The long name, where it is not the key in kebab-case. */
  readonly long?: string;
  /** What the help says. */
  readonly help: string;
}

interface Valued extends Row {
  /** How the help calls the value. */
  readonly value: string;
}

interface Numeric extends Valued {
  readonly minimum?: number;
  readonly maximum?: number;
}

/** One option. `ordered` may be given several times and tells where it stood among all ordered options. */
export type Option =
  | (Row & { readonly kind: 'flag' })
  | (Valued & { readonly kind: 'text' })
  | (Valued & { readonly kind: 'choice'; readonly choices: readonly string[] })
  | (Valued & { readonly kind: 'ordered' })
  | (Numeric & { readonly kind: 'integer' })
  | (Numeric & { readonly kind: 'size' })
  | (Valued & { readonly kind: 'seconds' });

/** Options by the name that the tool's code uses. */
export type OptionTable = Readonly<Record<string, Option>>;

/** Words that belong to no option, in order. A `?` behind the name: may be left out. */
export type OperandTable = Readonly<
  Record<string, { readonly value: string; readonly help: string; readonly optional?: boolean }>
>;

/** The value of an `ordered` option. */
export interface OrderedValue {
  /** Grows from left to right over the whole command line. */
  readonly order: number;
  readonly text: string;
}

type ValueOf<O extends Option> = O['kind'] extends 'flag'
  ? boolean
  : O['kind'] extends 'ordered'
    ? readonly OrderedValue[]
    : (O['kind'] extends 'text' | 'choice' ? string : number) | undefined;

/**
 * What the command line said: flags as booleans, sizes in bytes, seconds as milliseconds, the rest undefined when
 * absent.
 */
export type Values<O extends OptionTable> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** The operands; an optional one that is absent is undefined. */
export type Operands<P extends OperandTable> = {
  readonly [K in keyof P]: P[K] extends { readonly optional: true } ? string | undefined : string;
};

/** What a tool's command line looks like. */
export interface CommandLine<O extends OptionTable, P extends OperandTable> {
  readonly name: string;
  readonly summary: string;
  readonly options: O;
  readonly operands: P;
  /** Paragraphs below the option list. */
  readonly epilog?: string;
}

/** What a command line turned out to be: values to work with, or a text to print. */
export type Parsed<O extends OptionTable, P extends OperandTable> =
  | { readonly show: string }
  | { readonly options: Values<O>; readonly operands: Operands<P> };

/**
 * Parses `args`.
 * @throws {ToolError} `USAGE`, with one line that says what is wrong.
 */
export function parseCommandLine<O extends OptionTable, P extends OperandTable>(
  line: CommandLine<O, P>,
  args: readonly string[],
  version: string,
): Parsed<O, P> {
  const parser = makeParser(line, version);
  try {
    const values = parser.parse_args<Record<string, unknown>>([...args]);
    // The parser fills exactly the keys of both tables, each through the row's own conversion: this is where they get
    // their types.
    return { options: values as Values<O>, operands: values as Operands<P> };
  } catch (thrown) {
    if (thrown instanceof Shown) return { show: thrown.message };
    throw thrown;
  }
}

/** Thrown out of the parser by `--help`, `--usage` and `--version`, which win over whatever is missing. */
class Shown extends Error {}

class Parser extends ArgumentParser {
  override error(message: string): never {
    throw usageError(message.replaceAll('\n', ' '), `see '${this.prog} --help'`);
  }
}

function makeParser<O extends OptionTable, P extends OperandTable>(line: CommandLine<O, P>, version: string): Parser {
  const parser = new Parser({
    prog: line.name,
    description: line.summary,
    ...(line.epilog === undefined ? {} : { epilog: line.epilog }),
    formatter_class: RawDescriptionHelpFormatter,
    add_help: false,
    color: false,
  });
  for (const [dest, { value, help, optional }] of Object.entries(line.operands)) {
    parser.add_argument(dest, { metavar: value, help: percent(help), ...(optional ? { nargs: '?' } : {}) });
  }
  const order = { next: 0 };
  for (const [key, option] of Object.entries(line.options)) {
    const long = `--${option.long ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const names: [string, ...string[]] = option.short === undefined ? [long] : [`-${option.short}`, long];
    parser.add_argument(...names, { dest: key, help: percent(option.help), ...argumentOf(option, order) });
  }
  const shows = (names: [string, ...string[]], help: string, text: () => string): void => {
    parser.add_argument(...names, { action: showing(text), nargs: 0, help });
  };
  shows(['-?', '-h', '--help'], 'Show this help and exit', () => parser.format_help());
  shows(['-u', '--usage'], 'Show a short usage line and exit', () => oneLine(parser.format_usage()));
  shows(
    ['--version'],
    'Show the version and exit',
    () => `${line.name}${line.name.startsWith('tsiscsi') ? '' : ' (tsiscsi)'} ${version}\n`,
  );
  return parser;
}

/** argparse breaks what is longer than a terminal is wide; a usage line is one. */
function oneLine(usage: string): string {
  return `${usage.trim().replace(/\s*\n\s*/g, ' ')}\n`;
}

function showing(text: () => string): ActionClass {
  return class extends Action {
    override call(): never {
      throw new Shown(text());
    }
  };
}

/** argparse fills help texts in like Python does; a plain percent sign is written twice. */
function percent(text: string): string {
  return text.replaceAll('%', '%%');
}

function argumentOf(option: Option, order: { next: number }): ArgumentOptions {
  switch (option.kind) {
    case 'flag':
      return { action: 'store_true', default: false };
    case 'text':
      return { metavar: option.value };
    case 'choice':
      return { metavar: option.value, choices: [...option.choices] };
    case 'ordered':
      return { metavar: option.value, action: 'append', default: [], type: (text) => ({ order: order.next++, text }) };
    case 'integer':
      return { metavar: option.value, type: (text) => within(option, integerOf(text), text) };
    case 'size':
      return { metavar: option.value, type: (text) => within(option, sizeOf(text), text) };
    case 'seconds':
      return { metavar: option.value, type: (text) => Math.ceil(secondsOf(text) * 1000) };
  }
}

function integerOf(text: string): number {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw refused(`'${text}' is not a whole number`);
  return value;
}

function sizeOf(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw refused(error instanceof Error ? lowerFirst(error.message) : String(error));
  }
}

function secondsOf(text: string): number {
  const value = /^\d+(\.\d*)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN;
  // Timers of Node.js hold 2^31 - 1 milliseconds and end at once beyond.
  if (!(value > 0 && value <= 2_147_483)) throw refused(`'${text}' is not a number of seconds above 0`);
  return value;
}

function within({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Numeric, value: number, text: string): number {
  if (value < minimum) throw refused(`'${text}' is too small: ${minimum} or more is allowed`);
  if (value > maximum) throw refused(`'${text}' is too large: ${maximum} or less is allowed`);
  return value;
}

function refused(message: string): Error {
  return new ArgumentTypeError(message);
}

/** An error message as it stands behind other words: names in capitals, such as `LUN`, keep them. */
export function lowerFirst(message: string): string {
  return /^[A-Z][a-z]/.test(message) ? message.charAt(0).toLowerCase() + message.slice(1) : message;
}
