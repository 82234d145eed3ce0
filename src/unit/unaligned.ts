import { moveManyBlocks, type TransferUnit } from './block-transfer.ts';
import type { PositionOptions, TransferOptions } from './options.ts';

/** Reads bytes that do not begin and end at block borders: whole blocks, then the part that was asked for. */
export async function readUnaligned(unit: TransferUnit, buffer: Uint8Array, options: PositionOptions): Promise<void> {
  const { blockSize } = unit;
  const first = Math.floor(options.position / blockSize);
  const end = Math.ceil((options.position + buffer.length) / blockSize);
  const head = options.position - first * blockSize;
  const blocks = new Uint8Array((end - first) * blockSize);
  await moveManyBlocks(unit, 'read', blocks, first * blockSize, options);
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
  if (headLength > 0) {
    const block = (wholeFrom - 1) * blockSize;
    await patch(unit, block, blockSize - headLength, buffer.subarray(0, headLength), options);
  }
  const middle = buffer.subarray(headLength, buffer.length - tailLength);
  if (middle.length > 0) await moveManyBlocks(unit, 'write', middle, wholeFrom * blockSize, options);
  if (tailLength > 0) await patch(unit, wholeTo * blockSize, 0, buffer.subarray(buffer.length - tailLength), options);
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
