/**
 * The hashes of CHAP (RFC 1994, RFC 7143 §12.1.3) and what they need of the platform, which has the hashes and the
 * randomness: this room only knows what goes into them.
 */
import { parseNumber } from './values.ts';

/**
 * The hashes by their names, with the number that CHAP_A has for each (IANA registry "PPP Authentication Algorithms")
 * and the bytes of a response; the strongest first, which is the order in which they are offered.
 */
export const CHAP_ALGORITHMS = {
  'sha3-256': { number: 8, length: 32 },
  'sha-256': { number: 7, length: 32 },
  sha1: { number: 6, length: 20 },
  md5: { number: 5, length: 16 },
} as const satisfies Readonly<Record<string, { readonly number: number; readonly length: number }>>;

/** A hash for CHAP. `md5` is the one that every initiator and target has. */
export type ChapAlgorithm = keyof typeof CHAP_ALGORITHMS;

/** All of them, the strongest first. */
export const CHAP_ALGORITHM_NAMES = Object.keys(CHAP_ALGORITHMS) as readonly ChapAlgorithm[];

/** What one side asks the other: CHAP_I and CHAP_C. */
export interface ChapChallenge {
  /** 0..255. */
  readonly identifier: number;
  /** 1 to 1024 bytes. */
  readonly bytes: Uint8Array;
}

/** What CHAP needs of the platform. One for all logins in one role, so that it knows a challenge that comes back. */
export interface ChapCrypto {
  /** The hashes that the platform has, the strongest first. */
  readonly algorithms: readonly ChapAlgorithm[];
  /** The hash of some bytes. */
  hash(algorithm: ChapAlgorithm, bytes: Uint8Array): Uint8Array;
  /** Whether two values of the same length are the same, in a time that does not tell where they differ. */
  equal(one: Uint8Array, other: Uint8Array): boolean;
  /** A challenge that nobody can foresee, and that was never given before. */
  challenge(length: number): ChapChallenge;
  /** Whether these bytes are a challenge that was given here: then whoever sends them sends ours back. */
  gave(bytes: Uint8Array): boolean;
}

/**
 * The response to a challenge: the hash of identifier, secret and challenge (RFC 1994).
 * @param secret The bytes of the secret.
 */
export function chapResponse(
  crypto: ChapCrypto,
  algorithm: ChapAlgorithm,
  secret: Uint8Array,
  { identifier, bytes }: ChapChallenge,
): Uint8Array {
  const all = new Uint8Array(1 + secret.length + bytes.length);
  all[0] = identifier;
  all.set(secret, 1);
  all.set(bytes, 1 + secret.length);
  return crypto.hash(algorithm, all);
}

/** The hash with this number, as CHAP_A has it; undefined for one that is not known here. */
export function algorithmOfNumber(text: string): ChapAlgorithm | undefined {
  const number = parseNumber(text);
  return CHAP_ALGORITHM_NAMES.find((name) => CHAP_ALGORITHMS[name].number === number);
}
