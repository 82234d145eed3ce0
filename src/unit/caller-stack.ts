import { copyOf, IscsiError } from '../errors.ts';

/**
 * Errors that come from a socket or a timer have a stack that leads there, and not to the line of the program that has
 * to do with it. When a call fails, and only then, its error gets the stack of whoever awaits the call: V8 finds it by
 * way of the promises, once these are joined.
 */

/** Two turns of the microtask queue: by then a promise that was resolved with this one's function is joined to it. */
export async function joinCaller(): Promise<void> {
  await undefined;
  await undefined;
}

/** Rejects with `error`, as whoever awaits the call is to see it. */
export async function failCall(error: IscsiError): Promise<never> {
  await joinCaller();
  throw atCaller(error);
}

/**
 * The same error, with the stack of the running function: to be thrown from an async function after `joinCaller`. A
 * copy, since one error can be the reason of many calls. What is no error of this library is given back as it is.
 */
export function atCaller<E>(error: E): E {
  const { captureStackTrace } = Error as { captureStackTrace?: (target: object, above: unknown) => void };
  if (!(error instanceof IscsiError) || captureStackTrace === undefined) return error;
  const copy = copyOf(error);
  captureStackTrace(copy, atCaller);
  void copy.stack; // as in IscsiError: a stack that was never read holds on to what it went through
  return copy;
}
