/** The command line of what runs for a time that the caller chooses: `--seconds N`, and `--seed N` or the like. */
import { parseArgs } from 'node:util';

/** A number for each option; undefined only where the default is. */
type Numbers<D> = { readonly [O in keyof D]: D[O] extends number ? number : number | undefined };

/**
 * Reads whole numbers above 0 (a seed may be 0): what cannot be read ends the process with one line and exit code 2,
 * because a run of no seconds would pass.
 *
 * @param name What follows `npm run`.
 * @param does What it does, in whole sentences: `--help` shows it, with the options.
 * @param defaults Every option with its value; undefined for one that may be missing.
 * @returns The numbers, and the words that are no options, of which only those in `words` are allowed.
 */
export function longRunOptions<D extends Readonly<Record<string, number | undefined>>>(
  name: string,
  does: string,
  defaults: D,
  words: readonly string[] = [],
): { readonly numbers: Numbers<D>; readonly word: string | undefined } {
  try {
    const numbers = Object.fromEntries(Object.keys(defaults).map((option) => [option, { type: 'string' }] as const));
    const help = { type: 'boolean', short: 'h' } as const;
    const { values: all, positionals } = parseArgs({ options: { ...numbers, help }, allowPositionals: true });
    const { help: asked, ...values } = all;
    if (asked === true) {
      console.log(helpText(name, does, defaults, words));
      process.exit(0);
    }
    const [word] = positionals;
    if (positionals.length > 1 || (word !== undefined && !words.includes(word))) {
      throw new Error(
        `Cannot use "${positionals.join(' ')}": ${words.length > 0 ? words.join(', ') : 'options only, no words,'} allowed`,
      );
    }
    const given = Object.entries(values).map(([option, text]) => [option, numberOf(option, String(text))] as const);
    return { numbers: { ...defaults, ...Object.fromEntries(given) } as Numbers<D>, word };
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exit(2);
  }
}

function helpText(
  name: string,
  does: string,
  defaults: Readonly<Record<string, number | undefined>>,
  words: readonly string[],
): string {
  const options = Object.entries(defaults).map(
    ([option, value]) => `  --${option} N`.padEnd(20) + (value === undefined ? 'chosen by chance' : `${value}`),
  );
  const word = words.length === 0 ? '' : ` [${words.join('|')}]`;
  return [
    `usage: npm run ${name} --${word} [--OPTION N]`,
    '',
    does,
    '',
    'options, and what they are by default:',
    ...options,
  ].join('\n');
}

function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && (value > 0 || option === 'seed')) return value;
  throw new Error(`Cannot use --${option} ${text}: a whole number above 0 allowed`);
}
