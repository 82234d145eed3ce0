import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeLun, encodeLun, formatLun, parseLun, sameLun } from '../../src/scsi/lun.ts';
import { seeded } from './random.ts';

test('encodeLun() takes the shortest method that holds the number', () => {
  assert.deepEqual(encodeLun(0), { high: 0, low: 0 });
  assert.deepEqual(encodeLun(1), { high: 0x0001_0000, low: 0 });
  assert.deepEqual(encodeLun(255), { high: 0x00ff_0000, low: 0 });
  assert.deepEqual(encodeLun(256), { high: 0x4100_0000, low: 0 });
  assert.deepEqual(encodeLun(16_383), { high: 0x7fff_0000, low: 0 });
  assert.deepEqual(encodeLun(16_384), { high: 0xd200_4000, low: 0 });
  assert.deepEqual(encodeLun(0xff_ffff), { high: 0xd2ff_ffff, low: 0 });
});

test('encodeLun() refuses what no method holds', () => {
  for (const bad of [-1, 0x100_0000, 0.5, Number.NaN]) {
    assert.throws(() => encodeLun(bad), {
      name: 'RangeError',
      message: `Cannot make a LUN of ${bad}: 0..16777215 allowed`,
    });
  }
});

test('decodeLun() gives every number back', () => {
  for (let number = 0; number <= 20_000; number++) {
    const { high, low } = encodeLun(number);
    assert.equal(decodeLun(high, low).number, number);
  }
});

test('decodeLun() understands each addressing method', () => {
  const rows: readonly (readonly [number, number, string, number | undefined, string])[] = [
    [0x0005_0000, 0, 'peripheral', 5, '5'],
    [0x0305_0000, 0, 'peripheral', undefined, 'bus 3, target 5'],
    [0x0005_0001, 0, 'peripheral', undefined, '0x0005000100000000'], // a second level
    [0x4005_0000, 0, 'flat', 5, '5'],
    [0x4005_0000, 1, 'flat', undefined, '0x4005000000000001'],
    [0x8346_0000, 0, 'logicalUnit', undefined, 'bus 2, target 3, LUN 6'],
    [0xc101_0000, 0, 'wellKnown', undefined, 'well known: REPORT LUNS'],
    [0xc177_0000, 0, 'wellKnown', undefined, 'well known: 119'],
    [0xd200_0007, 0, 'extendedFlat', 7, '7'],
    [0xd200_0007, 1, 'extendedFlat', undefined, '0xd200000700000001'],
    [0xc101_0000, 1, 'wellKnown', undefined, '0xc101000000000001'],
    [0xe200_0000, 0x0001_0001, 'extendedFlat', undefined, '0xe200000000010001'],
    [0x8346_0001, 0, 'logicalUnit', undefined, '0x8346000100000000'],
    [0xe201_0203, 0x0405_0000, 'extendedFlat', 0x01_0203_0405, '4328719365'],
    [0xffff_ffff, 0xffff_ffff, 'other', undefined, '0xffffffffffffffff'],
  ];
  for (const [high, low, kind, number, text] of rows) {
    assert.deepEqual(decodeLun(high, low), { kind, number, text }, text);
  }
});

test('formatLun() writes the number where it has this very encoding, else all bytes', () => {
  assert.equal(formatLun({ high: 0x0005_0000, low: 0 }), '5');
  assert.equal(formatLun({ high: 0x4005_0000, low: 0 }), '0x4005000000000000');
  assert.equal(formatLun({ high: 0x4100_0000, low: 0 }), '256');
  assert.equal(formatLun({ high: 0xe201_0203, low: 0x0405_0000 }), '0xe201020304050000');
});

test('parseLun() reads numbers and raw bytes, and nothing else', () => {
  assert.deepEqual(parseLun('300'), { high: 0x412c_0000, low: 0 });
  assert.deepEqual(parseLun('0x4005000000000001'), { high: 0x4005_0000, low: 1 });
  assert.deepEqual(parseLun('0XC101000000000000'), { high: 0xc101_0000, low: 0 });
  for (const bad of [
    '',
    ' 1',
    '-1',
    '1.5',
    '0x1',
    '0x40050000000000010',
    'x',
    '16777216',
    '1e3',
    '99999999999999999999',
  ]) {
    assert.throws(() => parseLun(bad), RangeError, `"${bad}"`);
  }
});

test('parseLun() reads back what formatLun() writes, for any eight bytes', () => {
  seeded((below) => {
    for (let run = 0; run < 3000; run++) {
      const low = below(3) ? 0 : below(2 ** 32);
      const lun = { high: below(2) ? below(2 ** 32) : (below(2 ** 16) << 16) >>> 0, low };
      assert.ok(sameLun(parseLun(formatLun(lun)), lun), JSON.stringify(lun));
    }
  });
});
