import { randomBytes } from '../node/random.ts';

/** A new ISID of the random type (RFC 7143 §11.12.5). A session keeps its own for all its logins. */
export function newIsid(): Uint8Array {
  return Uint8Array.of(0x80, ...randomBytes(3), 0, 0);
}
