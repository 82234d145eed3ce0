import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { inOrder, type Segment } from './streams.ts';

/** Segments of one direction: frame numbers from 1, the sequence number and the bytes of each. */
function segments(...parts: readonly (readonly [sequence: number, payload: string])[]): Segment[] {
  return parts.map(([sequence, payload], index) => {
    return { frame: index + 1, stream: 0, byTarget: false, sequence, payload: hex(payload) };
  });
}

/** What arrived, as `frame:bytes`. */
function arrived(given: readonly Segment[]): string[] {
  return inOrder(given).arrivals.map(({ frame, bytes }) => `${frame}:${toHex(bytes)}`);
}

test('inOrder() passes on what comes in order', () => {
  assert.deepEqual(arrived(segments([100, 'aabb'], [102, 'cc'])), ['1:aabb', '2:cc']);
});

test('inOrder() holds back what comes too early', () => {
  const given = segments([100, 'aa'], [102, 'cc'], [103, 'dd'], [101, 'bb']);
  assert.deepEqual(arrived(given), ['1:aa', '4:bb', '4:cc', '4:dd']);
  assert.equal(inOrder(given).missing.size, 0);
});

test('inOrder() leaves out what was sent again, whole or in part', () => {
  assert.deepEqual(arrived(segments([100, 'aabb'], [100, 'aabb'], [101, 'bbcc'], [99, 'ff'])), ['1:aabb', '3:cc']);
});

test('inOrder() begins with the sequence number of an empty first segment', () => {
  assert.deepEqual(arrived(segments([100, ''], [102, 'cc'], [100, 'aabb'])), ['3:aabb', '3:cc']);
});

test('inOrder() misses nothing before an empty segment whose number is further on, as after a FIN', () => {
  assert.equal(inOrder(segments([100, 'aa'], [102, ''])).missing.size, 0);
});

test('inOrder() goes on when the sequence number wraps', () => {
  assert.deepEqual(arrived(segments([0xffff_ffff, 'aabb'], [1, 'cc'])), ['1:aabb', '2:cc']);
});

test('inOrder() names the streams that have gaps', () => {
  const given = segments([100, 'aa'], [102, 'cc']);
  const other = given.map((segment) => ({ ...segment, stream: 7, sequence: segment.frame }));
  assert.deepEqual([...inOrder([...given, ...other]).missing], [0]);
});

test('inOrder() keeps directions and connections apart', () => {
  const up = segments([100, 'aa']);
  const down = up.map((segment) => ({ ...segment, byTarget: true, sequence: 5 }));
  const other = up.map((segment) => ({ ...segment, stream: 1, sequence: 9 }));
  assert.equal(inOrder([...up, ...down, ...other]).arrivals.length, 3);
});
