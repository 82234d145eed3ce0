import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { unitNamesOf } from '../../src/device/unit-names.ts';

test('the same serial number always gives the same NAA, which is locally assigned', () => {
  // Fixed here: a disk that changes its name after an update of this library is another disk to its initiators.
  assert.equal(toHex(unitNamesOf('serial-1').naa), '3921dbd229996f3f');
  assert.equal(unitNamesOf('serial-1', { vendor: 'OTHER' }).naa.length, 8);
  assert.equal(toHex(unitNamesOf('serial-1').naa)[0], '3');
});

test('serial numbers that differ a little give NAAs that differ a lot', () => {
  const names = new Set<string>();
  const firstBytes = new Set<string>();
  for (let number = 0; number < 2000; number++) {
    const naa = toHex(unitNamesOf(`disk-${number}`).naa);
    names.add(naa);
    firstBytes.add(naa.slice(1, 4));
  }
  assert.equal(names.size, 2000);
  assert.ok(firstBytes.size > 1000, `${firstBytes.size} of 4096 beginnings`);
});

test('texts that do not fit their fields are refused', () => {
  assert.throws(() => unitNamesOf(''), /serial number: 1 to 244 printable ASCII characters allowed/);
  assert.throws(() => unitNamesOf('x'.repeat(245)), RangeError);
  assert.throws(() => unitNamesOf('ü'), RangeError);
  assert.throws(() => unitNamesOf('a\n'), RangeError);
  assert.throws(() => unitNamesOf('a', { vendor: 'NINECHARS' }), /vendor identification: 1 to 8/);
  assert.throws(() => unitNamesOf('a', { product: 'x'.repeat(17) }), /product identification: 1 to 16/);
  assert.throws(() => unitNamesOf('a', { revision: '00001' }), /product revision level: 1 to 4/);
});
