import assert from 'node:assert/strict';
import test from 'node:test';
import { serialAdd, serialDistance, serialLess, serialLessOrEqual } from '../../src/bytes/serial.ts';

test('serialLess() orders numbers across the wrap (RFC 1982)', () => {
  assert.ok(serialLess(1, 2));
  assert.ok(!serialLess(2, 1));
  assert.ok(serialLess(0xffff_ffff, 0));
  assert.ok(serialLess(0xffff_fff0, 0x10));
  assert.ok(!serialLess(0, 0xffff_ffff));
  assert.ok(serialLess(0x7fff_ffff, 0x8000_0000));
  assert.ok(!serialLess(5, 5));
});

test('serialLessOrEqual() takes equal numbers too', () => {
  assert.ok(serialLessOrEqual(0xffff_ffff, 0xffff_ffff));
  assert.ok(serialLessOrEqual(0xffff_ffff, 0));
  assert.ok(!serialLessOrEqual(1, 0));
});

test('serialAdd() wraps both ways and stays unsigned', () => {
  assert.equal(serialAdd(0xffff_ffff, 1), 0);
  assert.equal(serialAdd(0, -1), 0xffff_ffff);
  assert.equal(serialAdd(0x7fff_ffff, 1), 0x8000_0000);
});

test('serialDistance() is signed', () => {
  assert.equal(serialDistance(2, 0xffff_ffff), 3);
  assert.equal(serialDistance(0xffff_ffff, 2), -3);
});
