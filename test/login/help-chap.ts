/** What the tests of CHAP share: fixed challenges and vectors of independent making. */
import { createHash } from 'node:crypto';
import type { ChapAlgorithm, ChapChallenge, ChapCrypto } from '../../src/login/chap-algorithms.ts';
import type { Credentials } from '../../src/login/chap-credentials.ts';
import type { ChapAccount, TargetAuthentication } from '../../src/login/chap-target.ts';
import { Secret } from '../../src/login/secret.ts';
import type { TargetLoginConfig } from '../../src/login/target-types.ts';

/**
 * Responses to identifier 2a and the challenge 00 01 .. 0f with the secret "0123456789abcdef", by Python:
 *
 *     hashlib.new(name, bytes([0x2a]) + b'0123456789abcdef' + bytes(range(16))).hexdigest()
 *
 * and, for MD5, by `openssl dgst -md5` over the same 33 bytes.
 */
export const VECTORS: Readonly<Record<ChapAlgorithm, string>> = {
  md5: '0fbee2a235349701655e644832d106bf',
  sha1: '5617a555f0045171364ed82310b9c08c4d48faeb',
  'sha-256': 'd8c3aedd13f3e0017b09becc2da9c74a6d001ab22424256ad456063e668f5d14',
  'sha3-256': '972a2f638a858f5d97206e79fdf525a79b427550f3b79af445c6664fea05b508',
};
export const NUMBERS: Readonly<Record<ChapAlgorithm, number>> = { md5: 5, sha1: 6, 'sha-256': 7, 'sha3-256': 8 };
export const ALGORITHMS: readonly ChapAlgorithm[] = ['md5', 'sha1', 'sha-256', 'sha3-256'];

export const SECRET = '0123456789abcdef';
export const TARGET_SECRET = 'fedcba9876543210';
export const CHALLENGE: ChapChallenge = { identifier: 0x2a, bytes: Uint8Array.from({ length: 16 }, (_, at) => at) };
/** {@link CHALLENGE} as CHAP_C, in both forms. */
export const CHALLENGE_HEX = '0x000102030405060708090a0b0c0d0e0f';
export const CHALLENGE_BASE64 = '0bAAECAwQFBgcICQoLDA0ODw==';

const HASHES = { md5: 'md5', sha1: 'sha1', 'sha-256': 'sha256', 'sha3-256': 'sha3-256' } as const;

/** Always asks the same. What it gave is remembered. */
export function fixedCrypto(challenge = CHALLENGE): ChapCrypto {
  const given = new Set<string>();
  return {
    algorithms: ['sha3-256', 'sha-256', 'sha1', 'md5'],
    hash: (algorithm, bytes) => new Uint8Array(createHash(HASHES[algorithm]).update(bytes).digest()),
    equal: (one, other) => Buffer.from(one).equals(other),
    challenge: () => {
      given.add(Buffer.from(challenge.bytes).toString('hex'));
      return challenge;
    },
    gave: (bytes) => given.has(Buffer.from(bytes).toString('hex')),
  };
}

/** A response, put together here and not by the code under test. */
export function responseOf(
  algorithm: ChapAlgorithm,
  identifier: number,
  secret: string,
  challenge: Uint8Array,
): string {
  const all = Buffer.concat([Buffer.of(identifier), Buffer.from(secret), challenge]);
  return `0x${createHash(HASHES[algorithm]).update(all).digest('hex')}`;
}

export const ALICE: Credentials = { user: 'alice', secret: new Secret(SECRET) };
export const DISK = { user: 'disk', secret: new Secret(TARGET_SECRET) };
export const MUTUAL: Credentials = { ...ALICE, target: DISK };

/** A target that demands CHAP of everybody. */
export function demanding(
  fields: Partial<TargetAuthentication> = {},
  accounts: readonly ChapAccount[] = [{ ...ALICE, target: DISK }],
): Pick<TargetLoginConfig, 'resolveTarget'> {
  const authentication = { crypto: fixedCrypto(), accounts, ...fields };
  return { resolveTarget: () => ({ ok: true, portalGroupTag: 1, authentication }) };
}
