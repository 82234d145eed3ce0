import { ValueError } from '../bytes/value-error.ts';
import { randomBytes } from './random.ts';

/**
 * A random secret for CHAP that is text.
 *
 * @param bits How much of it is random: 128, the default, are 22 characters; 96, the least, are 16, which is the most
 *   that some initiators take.
 * @throws {ValueError} When it is not 96 to 1024.
 * @example
 * generateChapSecret().length; // 22
 */
export function generateChapSecret(bits = 128): string {
  if (!(bits >= 96 && bits <= 1024)) throw new ValueError(`Cannot make a secret of ${bits} bits: 96..1024 allowed`);
  return Buffer.from(randomBytes(Math.ceil(bits / 8))).toString('base64url');
}
