/** Pseudo-random disk contents that are the same for the same seed, at any position, without being kept anywhere. */
import { createCipheriv, createHash, randomInt } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes of one cipher block: positions are multiples of it. */
const BLOCK = 16;
const CHUNK = 2 ** 20;

/** The seed of this run: that of the environment variable SEED, so that a failure can be had again, or a new one. */
export function seedOfRun(): number {
  const given = process.env['SEED'];
  return given === undefined ? randomInt(2 ** 31) : Number(given);
}

/** An endless stream of bytes (AES-128 in counter mode, which is fast) that can be read anywhere. */
export class Pattern {
  readonly seed: number;
  readonly #key: Uint8Array;

  constructor(seed: number) {
    this.seed = seed;
    this.#key = createHash('sha256').update(`pattern ${seed}`).digest().subarray(0, 16);
  }

  /** `length` bytes from `position`, a multiple of 16. Owned by the caller. */
  bytes(position: number, length: number): Buffer {
    if (position % BLOCK !== 0) throw new RangeError(`Cannot start at ${position}: a multiple of ${BLOCK} allowed`);
    const counter = Buffer.alloc(BLOCK);
    counter.writeBigUInt64BE(BigInt(position / BLOCK), 8);
    return createCipheriv('aes-128-ctr', this.#key, counter).update(Buffer.alloc(length));
  }

  /** Pieces of at most 1 MiB that add up to `length` bytes from position 0. */
  *chunks(length: number): Generator<{ readonly position: number; readonly bytes: Buffer }> {
    for (let position = 0; position < length; position += CHUNK) {
      yield { position, bytes: this.bytes(position, Math.min(CHUNK, length - position)) };
    }
  }

  /** SHA-256 of the first `length` bytes, in hex. */
  sha256(length: number): string {
    const hash = createHash('sha256');
    for (const { bytes } of this.chunks(length)) hash.update(bytes);
    return hash.digest('hex');
  }

  /** Writes the first `length` bytes to `path`, over what is there. */
  async writeTo(path: string, length: number): Promise<void> {
    const file = await open(path, 'a+').then(async (created) => {
      await created.close();
      return open(path, 'r+');
    });
    try {
      for (const { position, bytes } of this.chunks(length)) await file.write(bytes, 0, bytes.length, position);
    } finally {
      await file.close();
    }
  }
}

/** SHA-256 of a file, in hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const file = await open(path, 'r');
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ highWaterMark: CHUNK })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
