import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pattern, sha256OfFile } from './pattern.ts';
import { temporaryDirectory } from './temporary.ts';

test('a pattern is the same wherever one starts to read it', () => {
  const pattern = new Pattern(7);
  const whole = pattern.bytes(0, 4096);
  for (const position of [16, 512, 4080]) {
    assert.deepEqual(pattern.bytes(position, 4096 - position), whole.subarray(position));
  }
  assert.throws(() => pattern.bytes(8, 16), RangeError);
});

test('patterns of different seeds differ, and no block of one repeats', () => {
  assert.notDeepEqual(new Pattern(1).bytes(0, 16), new Pattern(2).bytes(0, 16));
  const blocks = Array.from({ length: 256 }, (_, index) => new Pattern(1).bytes(index * 512, 512).toString('hex'));
  assert.equal(new Set(blocks).size, 256);
});

test('writeTo() and sha256OfFile() agree with sha256(), also beyond one chunk', async (t) => {
  const pattern = new Pattern(3);
  const path = join(await temporaryDirectory(t), 'pattern');
  const length = 2 ** 20 + 512;
  await pattern.writeTo(path, length);
  assert.equal((await stat(path)).size, length);
  assert.equal(await sha256OfFile(path), pattern.sha256(length));
  assert.notEqual(await sha256OfFile(path), new Pattern(4).sha256(length));
});
