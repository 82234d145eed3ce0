import { moveManyBlocks, type TransferUnit } from './block-transfer.ts';
import type { PositionOptions } from './options.ts';
import { SentInPart } from './sent-in-part.ts';

/** Reads bytes that do not begin and end at block borders: whole blocks, then the part that was asked for. */
export async function readUnaligned(unit: TransferUnit, buffer: Uint8Array, options: PositionOptions): Promise<void> {
  const { blockSize } = unit;
  const first = Math.floor(options.position / blockSize);
  const end = Math.ceil((options.position + buffer.length) / blockSize);
  const head = options.position - first * blockSize;
  const blocks = new Uint8Array((end - first) * blockSize);
  await moveManyBlocks(unit, 'read', blocks, { ...options, position: first * blockSize });
  buffer.set(blocks.subarray(head, head + buffer.length));
}

/**
 * Writes bytes that do not begin and end at block borders: the first and the last block are read, changed and written
 * back, what lies between is written from `buffer`. No other write of this unit may be under way.
 */
export async function writeUnaligned(unit: TransferUnit, buffer: Uint8Array, options: PositionOptions): Promise<void> {
  const { blockSize } = unit;
  const { position } = options;
  const end = position + buffer.length;
  const wholeFrom = Math.ceil(position / blockSize);
  const wholeTo = Math.floor(end / blockSize);
  if (wholeFrom > wholeTo) {
    await patch(unit, wholeTo * blockSize, position % blockSize, buffer, options); // inside one block
    return;
  }
  const headLength = wholeFrom * blockSize - position;
  const tailLength = end - wholeTo * blockSize;
  const head = buffer.subarray(0, headLength);
  const middle = buffer.subarray(headLength, buffer.length - tailLength);
  const tail = buffer.subarray(buffer.length - tailLength);
  const there = { ...options, position: wholeFrom * blockSize };
  const whole = new SentInPart();
  try {
    if (headLength > 0)
      await whole.step(patch(unit, there.position - blockSize, blockSize - headLength, head, options));
    if (middle.length > 0) await whole.step(moveManyBlocks(unit, 'write', middle, there));
    if (tailLength > 0) await whole.step(patch(unit, wholeTo * blockSize, 0, tail, options));
  } catch (error) {
    throw whole.errorOf(error);
  }
}

/** Changes bytes of the block at `position`: those from `offset` on become `bytes`. */
async function patch(
  unit: TransferUnit,
  position: number,
  offset: number,
  bytes: Uint8Array,
  options: PositionOptions,
): Promise<void> {
  const block = new Uint8Array(unit.blockSize);
  const there = { ...options, position };
  await moveManyBlocks(unit, 'read', block, there);
  block.set(bytes, offset);
  await moveManyBlocks(unit, 'write', block, there);
}
