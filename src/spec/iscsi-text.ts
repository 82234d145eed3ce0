/** Finding the words for a number of an iSCSI table. */

/** Name and meaning of one code. */
export interface CodeText {
  /** As the standard names it. */
  readonly name: string;
  /** One sentence fragment for people. */
  readonly text: string;
}

/** A function from code to words, for a table of numbers and a table of words with the same keys. */
export function byCode<K extends string, T extends CodeText = CodeText>(
  codes: Readonly<Record<K, number>>,
  words: Readonly<Record<K, T>>,
): (code: number) => T | undefined {
  const found = new Map<number, T>();
  for (const key of Object.keys(codes) as K[]) found.set(codes[key], words[key]);
  return (code) => found.get(code);
}

/** `0x0a`, with as many digits as asked for. */
export function hexCode(code: number, digits = 2): string {
  return `0x${code.toString(16).padStart(digits, '0')}`;
}
