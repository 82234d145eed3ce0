import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameLength } from '../../src/bytes/compare.ts';
import { seeded } from '../scsi/random.ts';

test('sameLength() tells where the first difference is, wherever the bytes lie in memory', () => {
  seeded((below) => {
    for (let round = 0; round < 2000; round++) {
      const length = below(70);
      const [aFrom, bFrom, aStart, bStart] = [below(9), below(9), below(9), below(9)];
      const a = new Uint8Array(aStart + aFrom + length + 5).subarray(aStart);
      const b = new Uint8Array(bStart + bFrom + length + 5).subarray(bStart);
      for (let at = 0; at < length; at++) a[aFrom + at] = b[bFrom + at] = below(256);
      a.fill(1, aFrom + length); // what lies behind does not count
      assert.equal(sameLength(a, aFrom, b, bFrom, length), length);
      if (length === 0) continue;
      const wrong = below(length);
      b[bFrom + wrong] = (b[bFrom + wrong] ?? 0) ^ (1 << below(8));
      assert.equal(sameLength(a, aFrom, b, bFrom, length), wrong);
    }
  });
});
