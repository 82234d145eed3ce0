/** Reading and writing bytes at any position, compared with a plain array. */
import assert from 'node:assert/strict';
import type { BlockDevice } from '../../src/unit/block-device.ts';
import type { seededRandom } from '../pdu/random.ts';

/**
 * One batch: writes at the same time to ranges that share blocks but no byte, then reads at the same time of anything.
 */
export async function playBatch(
  lun: BlockDevice,
  model: Uint8Array,
  random: ReturnType<typeof seededRandom>,
): Promise<void> {
  const area = 1 + random.below(random.below(3) === 0 ? 20_000 : 3000);
  const start = random.below(model.length - area);
  const cuts = Array.from({ length: 2 + random.below(14) }, () => start + random.below(area)).sort((a, b) => a - b);
  const writes: Promise<unknown>[] = [];
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    const to = cuts[index + 1] ?? from;
    const bytes = random.bytes(to - from);
    model.set(bytes, from);
    writes.push(lun.write(bytes, { position: from }));
  }
  await Promise.all(writes);
  const reads = Array.from({ length: 6 }, async () => {
    const length = random.below(random.below(4) === 0 ? 30_000 : 2000);
    const position = random.below(model.length + 1000);
    const buffer = new Uint8Array(length + 2).fill(0x99);
    const { bytesRead } = await lun.read(buffer.subarray(1, 1 + length), { position });
    const wanted = model.subarray(position, position + length);
    assert.equal(bytesRead, wanted.length, random.note);
    assert.deepEqual(buffer.subarray(1, 1 + bytesRead), wanted, `${random.note}: ${length} bytes at ${position}`);
    assert.ok(buffer.subarray(1 + bytesRead).every((byte) => byte === 0x99) && buffer[0] === 0x99, random.note);
  });
  await Promise.all(reads);
}
