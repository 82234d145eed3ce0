/** Randomness for the cores, which have none of their own. */
import { randomBytes as secureBytes } from 'node:crypto';

/** `length` unpredictable bytes, owned by the caller: challenges, ISID qualifiers. */
export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length); // not a slice of Buffer's pool, which others would share
  bytes.set(secureBytes(length));
  return bytes;
}

/** An unpredictable number of 0..2^32-1: first sequence numbers and tags. */
export function randomUint32(): number {
  return secureBytes(4).readUInt32BE(0);
}
