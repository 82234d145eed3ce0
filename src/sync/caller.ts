/** The function that the stack of an error begins above: the one that the program has called. */
export type Above = (...given: never[]) => unknown;

/** `error`, with a stack that leads to the caller of `above`. */
export function from<E>(above: Above, error: E): E {
  if (error instanceof Error) Error.captureStackTrace(error, above);
  return error;
}
