import { moveManyBlocks, type TransferUnit } from './block-transfer.ts';
import type { PositionOptions, TransferOptions } from './options.ts';
import { SentInPart } from './sent-in-part.ts';

/**
 * Bytes that are read by way of a buffer of our own, to spare a second command. Beyond, only the first and the last
 * block are: what lies between goes straight to its place.
 */
const MOST_COPIED = 256 * 1024;

/** Reads bytes that do not begin and end at block borders: whole blocks, then the part that was asked for. */
export async function readUnaligned(unit: TransferUnit, buffer: Uint8Array, options: PositionOptions): Promise<void> {
  const { position } = options;
  const { head, middle, tail } = piecesOf(unit.blockSize, position, buffer);
  if (buffer.length <= MOST_COPIED || middle.length === 0) return readPart(unit, buffer, position, options);
  const tailAt = position + buffer.length - tail.length;
  const work = [
    head.length > 0 ? readPart(unit, head, position, options) : undefined,
    moveManyBlocks(unit, 'read', middle, position + head.length, options),
    tail.length > 0 ? readPart(unit, tail, tailAt, options) : undefined,
  ];
  // Nothing may be under way any more when it fails: the buffer is the caller's again.
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Writes bytes that do not begin and end at block borders: the first and the last block are read, changed and written
 * back, what lies between is written from `buffer`. No other write of this unit may be under way.
 */
export async function writeUnaligned(unit: TransferUnit, buffer: Uint8Array, options: PositionOptions): Promise<void> {
  const { blockSize } = unit;
  const { position } = options;
  const { head, middle, tail } = piecesOf(blockSize, position, buffer);
  const middleAt = position + head.length;
  const headAt = position - (position % blockSize);
  const whole = new SentInPart();
  try {
    if (head.length > 0) await whole.step(patch(unit, headAt, position % blockSize, head, options));
    if (middle.length > 0) await whole.step(moveManyBlocks(unit, 'write', middle, middleAt, options));
    if (tail.length > 0) await whole.step(patch(unit, middleAt + middle.length, 0, tail, options));
  } catch (error) {
    throw whole.errorOf(error);
  }
}

/**
 * The bytes up to the first block border, the whole blocks, and the bytes behind the last border. Bytes inside a single
 * block are all head.
 */
function piecesOf(blockSize: number, position: number, buffer: Uint8Array) {
  const before = Math.min(buffer.length, (blockSize - (position % blockSize)) % blockSize);
  const rest = buffer.length - before;
  const after = rest % blockSize;
  return {
    head: buffer.subarray(0, before),
    middle: buffer.subarray(before, buffer.length - after),
    tail: buffer.subarray(buffer.length - after),
  };
}

/** Reads the blocks that hold `part`, and takes it out of them. */
async function readPart(unit: TransferUnit, part: Uint8Array, position: number, call: TransferOptions): Promise<void> {
  const { blockSize } = unit;
  const offset = position % blockSize;
  const blocks = new Uint8Array(Math.ceil((offset + part.length) / blockSize) * blockSize);
  await moveManyBlocks(unit, 'read', blocks, position - offset, call);
  part.set(blocks.subarray(offset, offset + part.length));
}

/** Changes bytes of the block at `position`: those from `offset` on become `bytes`. */
async function patch(
  unit: TransferUnit,
  position: number,
  offset: number,
  bytes: Uint8Array,
  call: TransferOptions,
): Promise<void> {
  const block = new Uint8Array(unit.blockSize);
  await moveManyBlocks(unit, 'read', block, position, call);
  block.set(bytes, offset);
  await moveManyBlocks(unit, 'write', block, position, call);
}
