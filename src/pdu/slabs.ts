/** How long a slab is: room for some 2,700 headers, or 31 blocks of 4 KiB with theirs. */
export const SLAB_LENGTH = 128 * 1024;

/**
 * How many empty slabs are kept for later, by the whole process: 8 MiB, made only when they are needed. With fewer,
 * long reads spend their time in getting fresh memory: 256 KiB reads were a third slower with 8.
 */
const KEPT_SLABS = 64;

/** Memory in which an outbox collects headers and short payload. */
export interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Shared by all outboxes, so that one that has nothing to send holds nothing. */
const spare: Slab[] = [];

/** A slab that nobody else has. What it holds is not defined. */
export function takeSlab(): Slab {
  return spare.pop() ?? newSlab();
}

/** Gives a slab back. Nobody may read or write it any more, the operating system included. */
export function giveSlab(slab: Slab): void {
  if (spare.length < KEPT_SLABS) spare.push(slab);
}

function newSlab(): Slab {
  const bytes = new Uint8Array(SLAB_LENGTH);
  return { bytes, view: new DataView(bytes.buffer) };
}
