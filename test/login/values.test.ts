import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import {
  formatBase64Binary,
  formatBoolean,
  formatHexBinary,
  formatList,
  parseBinary,
  parseBoolean,
  parseList,
  parseNumber,
  parseNumericalValue,
  quote,
} from '../../src/login/values.ts';

test('parseBoolean() takes Yes and No, exactly', () => {
  assert.equal(parseBoolean('Yes'), true);
  assert.equal(parseBoolean('No'), false);
  for (const value of ['yes', 'NO', 'Y', '', ' Yes', '1', 'true']) assert.equal(parseBoolean(value), undefined, value);
  assert.deepEqual([formatBoolean(true), formatBoolean(false)], ['Yes', 'No']);
});

for (const [text, value] of [
  ['0', 0n],
  ['7', 7n],
  ['16777215', 16_777_215n],
  ['0x0', 0n],
  ['0x10000', 65_536n],
  ['0X00fF', 255n],
  ['0x000000000000000000000001', 1n],
  ['18446744073709551615', 18_446_744_073_709_551_615n],
  ['0xffffffffffffffff', 18_446_744_073_709_551_615n],
] as const) {
  test(`parseNumericalValue() reads ${text} (I-046, T-045)`, () => {
    assert.equal(parseNumericalValue(text), value);
  });
}

for (const text of [
  '',
  '00',
  '01',
  '-1',
  '+1',
  ' 1',
  '1 ',
  '1.0',
  '1e3',
  '0x',
  '0xg',
  'x10',
  '18446744073709551616',
  '0x10000000000000000',
  '9'.repeat(10_000),
  '١',
]) {
  test(`parseNumericalValue() refuses ${quote(text)}`, () => {
    assert.equal(parseNumericalValue(text), undefined);
  });
}

test('parseNumber() stops at 2^53 - 1', () => {
  assert.equal(parseNumber('9007199254740991'), 9_007_199_254_740_991);
  assert.equal(parseNumber('9007199254740992'), undefined);
});

test('parseList() keeps the order and skips empty items', () => {
  assert.deepEqual(parseList('Y-org.example,CRC32C,None'), ['Y-org.example', 'CRC32C', 'None']);
  assert.deepEqual(parseList(',None,'), ['None']);
  assert.deepEqual(parseList(''), []);
  assert.equal(formatList(['CRC32C', 'None']), 'CRC32C,None');
});

for (const [text, bytes] of [
  ['0x00', '00'],
  ['0xDEADbeef', 'de ad be ef'],
  ['0XfF01', 'ff 01'],
  ['0xf', '0f'], // an odd digit count: the first nibble is zero (§6.1)
  ['0x123', '01 23'],
  ['0bAA==', '00'],
  ['0B//8=', 'ff ff'],
  ['0bAAEC', '00 01 02'],
  ['0bAAECAwQFBgcICQoLDA0ODw==', '00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f'], // the vector of the CHAP challenge
] as const) {
  test(`parseBinary() reads ${text} (I-046, I-055, T-045)`, () => {
    assert.deepEqual(parseBinary(text), hex(bytes));
  });
}

for (const text of [
  '',
  '0x',
  '0b',
  'ff',
  '0xfg',
  '0x ff',
  '0bA',
  '0bAA',
  '0bAA=',
  '0bA===',
  '0bAA==AA==',
  '0bA-_A',
  '10',
  '0o7',
]) {
  test(`parseBinary() refuses ${quote(text)}`, () => {
    assert.equal(parseBinary(text), undefined);
  });
}

test('parseBinary() takes 1 to 1024 bytes (I-055)', () => {
  assert.equal(parseBinary(`0x${'ab'.repeat(1024)}`)?.length, 1024);
  assert.equal(parseBinary(`0x${'ab'.repeat(1024)}c`), undefined);
  assert.equal(parseBinary(`0b${Buffer.alloc(1024, 0xab).toString('base64')}`)?.length, 1024);
  assert.equal(parseBinary(`0b${Buffer.alloc(1025, 0xab).toString('base64')}`), undefined);
  assert.equal(parseBinary('0x0102', 1), undefined);
});

test('binary values are written in hex and base64 as the platform does', () => {
  for (let length = 0; length <= 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) & 0xff);
    assert.equal(formatHexBinary(bytes), `0x${Buffer.from(bytes).toString('hex')}`);
    assert.equal(formatBase64Binary(bytes), `0b${Buffer.from(bytes).toString('base64')}`);
    if (length === 0) continue;
    assert.equal(toHex(parseBinary(formatBase64Binary(bytes)) ?? hex('')), toHex(bytes));
  }
});

test('quote() makes one bounded line of any text', () => {
  assert.equal(quote('a\nb\0c'), '"a?b?c"');
  assert.equal(quote('x'.repeat(500)).length, 83);
});
