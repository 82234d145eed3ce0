import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { sizeInBytes } from '../../src/server/size.ts';

test('sizeInBytes() reads bytes and binary units', () => {
  const sizes = {
    '512': 512,
    '4K': 4096,
    '64M': 67_108_864,
    '64MB': 67_108_864,
    '1GiB': 1_073_741_824,
    '2T': 2_199_023_255_552,
    '1.5G': 1_610_612_736,
    '1g': 1_073_741_824,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(sizeInBytes(text), bytes, text);
  assert.equal(sizeInBytes(1_000_000), 1_000_000);
});

test('sizeInBytes() refuses everything else', () => {
  for (const size of [
    '',
    'M',
    '-1',
    '0',
    '1Gi',
    '0x10',
    '1.0001K',
    '1KK',
    '99999999999T',
    0,
    -1,
    1.5,
    Number.NaN,
    2 ** 53,
  ]) {
    assert.throws(
      () => sizeInBytes(size),
      (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE',
      String(size),
    );
  }
});
