/** What the process that runs examples tells the one that started it. */

/** In front of each message: no text begins with it. */
export const MARK = '\u0001';

/** `problem` is about the example that began last. */
export type Message =
  | { readonly begins: number }
  | { readonly problem: string; readonly line?: number }
  | { readonly done: true };
