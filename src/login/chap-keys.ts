/**
 * The keys of CHAP (RFC 7143 §12.1.3) as the steps have them. Each step has exactly its keys: what is missing or too
 * much, or a value that is none, ends the login (§9.2). Who refuses how is the caller's to say.
 */
import type { TextPair } from '../pdu/text.ts';
import type { ChapChallenge } from './chap-algorithms.ts';
import { formatBase64Binary, formatHexBinary, parseBinary, parseNumber } from './values.ts';

/** A key of CHAP. */
export type ChapKey = 'CHAP_A' | 'CHAP_I' | 'CHAP_C' | 'CHAP_N' | 'CHAP_R';

/** What a text says about CHAP, and what else it says. */
export interface ChapText {
  readonly keys: ReadonlyMap<ChapKey, string>;
  readonly rest: readonly TextPair[];
  /** A key that stands more than once. */
  readonly repeated: ChapKey | undefined;
}

const KEYS: ReadonlySet<string> = new Set(['CHAP_A', 'CHAP_I', 'CHAP_C', 'CHAP_N', 'CHAP_R'] satisfies ChapKey[]);
const LARGEST_IDENTIFIER = 255;

/** Takes the keys of CHAP out of a text. */
export function chapText(pairs: readonly TextPair[]): ChapText {
  const keys = new Map<ChapKey, string>();
  const rest: TextPair[] = [];
  let repeated: ChapKey | undefined;
  for (const pair of pairs) {
    if (!isChapKey(pair[0])) rest.push(pair);
    else if (keys.has(pair[0])) repeated = pair[0];
    else keys.set(pair[0], pair[1]);
  }
  return { keys, rest, repeated };
}

/** The values of the keys that a step must have; undefined when one is missing. */
export function valuesOf<K extends ChapKey>(
  keys: ReadonlyMap<ChapKey, string>,
  ...wanted: readonly K[]
): Readonly<Record<K, string>> | undefined {
  const found = wanted.map((key) => [key, keys.get(key)] as const);
  if (found.some(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(found) as Record<K, string>;
}

/** The first key that a step must not have. */
export function extraKey(keys: ReadonlyMap<ChapKey, string>, ...allowed: readonly ChapKey[]): ChapKey | undefined {
  return [...keys.keys()].find((key) => !allowed.includes(key));
}

/** Identifier and challenge; undefined when one is none. */
export function readChallenge(identifier: string, challenge: string): ChapChallenge | undefined {
  const number = parseNumber(identifier);
  const bytes = parseBinary(challenge);
  if (number === undefined || number > LARGEST_IDENTIFIER || bytes === undefined) return undefined;
  return { identifier: number, bytes };
}

/** Whether a binary value stands in base64: whoever writes it so reads it so, and is answered so. */
export function isBase64(value: string): boolean {
  return value.startsWith('0b') || value.startsWith('0B');
}

/** A binary value, in the form that the other side uses. */
export function formatBinary(bytes: Uint8Array, base64: boolean): string {
  return base64 ? formatBase64Binary(bytes) : formatHexBinary(bytes);
}

function isChapKey(name: string): name is ChapKey {
  return KEYS.has(name);
}
