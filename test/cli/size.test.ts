import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from '../../src/bytes/size.ts';
import { formatSize } from '../../src/cli/size.ts';

test('formatSize() shows three digits and a binary unit', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1_048_575, '1 MiB'],
    [104_857_600, '100 MiB'],
    [3 * 1024 ** 4, '3 TiB'],
    [10.25 * 1024 ** 3, '10.3 GiB'],
    [2000 * 1024 ** 5, '2000 PiB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text);
});

test('parseSize() reads bytes and binary units', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['512', 512],
    ['64K', 65_536],
    ['64k', 65_536],
    ['1.5G', 1_610_612_736],
    ['10MiB', 10_485_760],
    ['2TB', 2_199_023_255_552],
    ['1P', 1_125_899_906_842_624],
  ];
  for (const [text, bytes] of cases) assert.equal(parseSize(text), bytes);
});

test('parseSize() refuses what is no size', () => {
  for (const text of ['', 'abc', '-512', '1Q', '1.0001', '0x10', '1e3', '9007199254740992', '1 M M', 'M']) {
    assert.throws(() => parseSize(text), RangeError, text);
  }
});
