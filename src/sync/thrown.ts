/**
 * Errors on their way from the thread to the caller: as plain values, since a structured clone keeps neither the class
 * nor the members of an error.
 */
import { ValueError } from '../bytes/value-error.ts';
import { DigestError, EndedByFunctionError, IscsiError, LoginError, ProtocolError, RejectError } from '../errors.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';

/** What a class has to be for an error to be made one of its objects without a call of its constructor. */
interface ErrorClass {
  readonly name: string;
  readonly prototype: object;
}

/** Classes that errors keep. One that is not here becomes what it extends: the nearest that is. */
const KEPT: readonly ErrorClass[] = [
  IscsiError,
  ProtocolError,
  DigestError,
  LoginError,
  RejectError,
  EndedByFunctionError,
  ScsiStatusError,
  ValueError,
  AggregateError,
  RangeError,
  TypeError,
  SyntaxError,
  Error,
];
/** Causes of causes that are kept. */
const DEEPEST = 16;
/** Members that are written by name. */
const WRITTEN = new Set(['message', 'stack', 'cause', 'errors']);

/** An error as plain values. */
export interface WrittenError {
  /** Its class and those that it extends, the nearest first. */
  readonly classes: readonly string[];
  readonly message: string;
  readonly stack: string;
  /** Its further members, such as `code` and `sense`. */
  readonly members: readonly (readonly [name: string, value: unknown, enumerable: boolean])[];
  /** What caused it. */
  readonly cause: WrittenValue | undefined;
  /** Those that an AggregateError is about. */
  readonly errors: readonly WrittenValue[];
}

/** What was thrown: an error, or anything else. */
export type WrittenValue = { readonly error: WrittenError } | { readonly value: unknown };

/** Writes what was thrown as plain values. What cannot be cloned of it is left out. */
export function writeThrown(thrown: unknown, depth = 0): WrittenValue {
  if (!(thrown instanceof Error)) return { value: cloneable(thrown) ? thrown : String(thrown) };
  if (depth === DEEPEST) return { value: thrown.message };
  const own = Object.getOwnPropertyDescriptors(thrown) as Readonly<Record<string, PropertyDescriptor>>;
  const members = Object.entries(own).flatMap(([name, { value, enumerable = false }]) =>
    WRITTEN.has(name) || !cloneable(value) ? [] : [[name, value as unknown, enumerable] as const],
  );
  return {
    error: {
      classes: classesOf(thrown),
      message: thrown.message,
      stack: String(thrown.stack),
      members,
      cause: 'cause' in own ? writeThrown(thrown.cause, depth + 1) : undefined,
      errors: thrown instanceof AggregateError ? thrown.errors.map((one) => writeThrown(one, depth + 1)) : [],
    },
  };
}

/**
 * What was thrown, as it was: of the same class, with the same members and causes.
 *
 * @param above The function that is to be left out of the stack, with all that it called: the stack of what is thrown
 *   leads to the caller. Causes keep the stack that they had.
 */
export function readThrown(written: WrittenValue, above?: (...given: never[]) => unknown): unknown {
  if ('value' in written) return written.value;
  const { classes, message, stack, members, cause, errors } = written.error;
  const kept = classes.flatMap((name) => KEPT.find((one) => one.name === name) ?? []);
  // An Error from the start, so that it is shown as one.
  const error = Object.setPrototypeOf(new Error(message), kept[0]?.prototype ?? Error.prototype) as Error;
  const define = (name: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
  };
  for (const [name, value, enumerable] of members) define(name, value, enumerable);
  if (cause !== undefined) define('cause', readThrown(cause), false);
  if (error instanceof AggregateError)
    define(
      'errors',
      errors.map((one) => readThrown(one)),
      false,
    );
  if (above === undefined) define('stack', stack, false);
  else {
    Error.captureStackTrace(error, above);
    // A fault of the library's own is found by where it happened.
    if (!('code' in error)) define('stack', `${error.stack}\n  in the thread of tsiscsi/sync:\n${stack}`, false);
  }
  return error;
}

function classesOf(error: Error): readonly string[] {
  const names: string[] = [];
  for (let one: object | null = Object.getPrototypeOf(error); one !== null; one = Object.getPrototypeOf(one)) {
    if (one.constructor !== Object) names.push(one.constructor.name);
  }
  return names;
}

function cloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
