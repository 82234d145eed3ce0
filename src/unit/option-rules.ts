/**
 * What callers may give as options. Types hold TypeScript to it; a caller in JavaScript is told, instead of having a
 * misspelled or unknown option passed over in silence.
 */
import { IscsiError } from '../errors.ts';

/** What one option may be. */
export interface OptionRule {
  /** In words, for the error. */
  readonly allowed: string;
  /** Whether a value may hold a password, also a wrong one: then no message shows it. */
  readonly isSecret?: boolean;
  is(value: unknown): boolean;
}

/** The options of one call. */
export type OptionRules<O> = { readonly [Name in keyof Required<O>]: OptionRule };

/** A truth value. */
export const BOOLEAN: OptionRule = { allowed: 'true or false', is: (value) => typeof value === 'boolean' };

/** Something to call. */
export const FUNCTION: OptionRule = { allowed: 'a function', is: (value) => typeof value === 'function' };

/** Any object, whose members are looked at elsewhere. */
export const OBJECT: OptionRule = { allowed: 'an object', is: (value) => typeof value === 'object' && value !== null };

/** A text. */
export const TEXT: OptionRule = { allowed: 'a string', is: (value) => typeof value === 'string' };

/** A time to wait. */
export const MILLISECONDS: OptionRule = {
  allowed: 'milliseconds above 0',
  is: (value) => typeof value === 'number' && value > 0,
};

/** Bytes, in a buffer or a view of one. */
export const BYTES: OptionRule = {
  allowed: 'a Buffer, TypedArray or DataView',
  is: (value) => ArrayBuffer.isView(value),
};

/** An `AbortSignal`, or what is used of one. */
export const SIGNAL: OptionRule = {
  allowed: 'an AbortSignal',
  is(value) {
    if (typeof value !== 'object' || value === null) return false;
    const { aborted, addEventListener, removeEventListener } = value as Readonly<Record<string, unknown>>;
    return (
      typeof aborted === 'boolean' &&
      typeof addEventListener === 'function' &&
      typeof removeEventListener === 'function'
    );
  },
};

/** A whole number of `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): OptionRule {
  const allowed = most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least} on` : `${least} to ${most}`;
  return { allowed, is: (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most };
}

/** One of a few texts. */
export function oneOf(...names: readonly string[]): OptionRule {
  return { allowed: names.join(', '), is: (value) => typeof value === 'string' && names.includes(value) };
}

/**
 * What is wrong with the options of a call: an unknown name, or a value that cannot be. Options that are undefined are
 * as good as left out.
 *
 * @param call What was called, as messages have it.
 */
export function optionProblem<O>(options: O, rules: OptionRules<O>, call: string): IscsiError | undefined {
  if (typeof options !== 'object' || options === null)
    return usage(`Cannot use ${shown(options)} as options of ${call}: an object allowed`);
  for (const name in options) {
    const value: unknown = options[name];
    if (value === undefined) continue;
    if (!Object.hasOwn(rules, name)) return unknownOption(name, Object.keys(rules), call);
    const { is, allowed, isSecret } = rules[name];
    if (!is(value)) return usage(`Cannot use a ${name}${isSecret ? '' : ` of ${shown(value)}`}: ${allowed} allowed`);
  }
  return undefined;
}

/** @throws {IscsiError} `ISCSI_USAGE`: see {@link optionProblem}. */
export function checkOptions<O>(options: O, rules: OptionRules<O>, call: string): void {
  const problem = optionProblem(options, rules, call);
  if (problem !== undefined) throw problem;
}

/** A value as messages show it: short, whatever it is. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'bigint':
      return `${value}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : `an object (${value.constructor?.name ?? 'no class'})`;
    default:
      return `a ${typeof value}`;
  }
}

/** What `node:fs` calls the part of a buffer: to be said, since here it would be passed over. */
const NODE_FS_RANGE = new Set(['offset', 'length']);

function unknownOption(name: string, known: readonly string[], call: string): IscsiError {
  const message = `Cannot use option ${shown(name)} of ${call}: ${known.join(', ')} allowed`;
  return NODE_FS_RANGE.has(name)
    ? usage(message, 'give the part of the buffer: buffer.subarray(offset, offset + length)')
    : usage(message);
}

function usage(message: string, hint?: string): IscsiError {
  return new IscsiError('ISCSI_USAGE', message, hint === undefined ? {} : { hint });
}
