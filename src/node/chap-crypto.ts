/** What CHAP needs of the platform: hashes, randomness, comparison in constant time, and a memory of challenges. */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  CHAP_ALGORITHM_NAMES,
  type ChapAlgorithm,
  type ChapChallenge,
  type ChapCrypto,
} from '../login/chap-algorithms.ts';
import { randomBytes } from './random.ts';

/** The hashes as OpenSSL calls them. */
const HASHES = {
  'sha3-256': 'sha3-256',
  'sha-256': 'sha256',
  sha1: 'sha1',
  md5: 'md5',
} as const satisfies Readonly<Record<ChapAlgorithm, string>>;

/** Challenges that are remembered: more than there can be unanswered, in what the longest login takes. */
const REMEMBERED = 16_384;
/** Bytes by which a challenge is remembered: two of them are alike by chance once in 2^64. */
const MARK = 8;

/**
 * {@link ChapCrypto} with the hashes of Node.js.
 *
 * @example
 * const crypto = new NodeChapCrypto();
 * const { bytes } = crypto.challenge(16);
 * [bytes.length, crypto.gave(bytes), new NodeChapCrypto().gave(bytes)]; // [16, true, false]
 */
export class NodeChapCrypto implements ChapCrypto {
  readonly algorithms: readonly ChapAlgorithm[] = CHAP_ALGORITHM_NAMES.filter(isThere);
  /** The beginnings of the last challenges, oldest first. */
  readonly #given = new Set<string>();
  #identifier = randomBytes(1)[0] ?? 0;

  hash(algorithm: ChapAlgorithm, bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHash(HASHES[algorithm]).update(bytes).digest());
  }

  equal(one: Uint8Array, other: Uint8Array): boolean {
    return one.length === other.length && timingSafeEqual(one, other);
  }

  challenge(length: number): ChapChallenge {
    const bytes = randomBytes(length);
    if (this.gave(bytes)) return this.challenge(length); // never twice, however unlikely
    this.#given.add(markOf(bytes));
    for (const oldest of this.#given) {
      if (this.#given.size <= REMEMBERED) break;
      this.#given.delete(oldest);
    }
    this.#identifier = (this.#identifier + 1) & 0xff;
    return { identifier: this.#identifier, bytes };
  }

  gave(bytes: Uint8Array): boolean {
    return this.#given.has(markOf(bytes));
  }
}

/** For all initiators of this process: what one of them asked must not be answered by another. */
export const INITIATOR_CHAP: ChapCrypto = new NodeChapCrypto();

/** For all targets of this process. */
export const TARGET_CHAP: ChapCrypto = new NodeChapCrypto();

function markOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, MARK)).toString('hex');
}

/** A platform that is held to approved hashes has no MD5. */
function isThere(name: ChapAlgorithm): boolean {
  try {
    createHash(HASHES[name]);
    return true;
  } catch {
    return false;
  }
}
