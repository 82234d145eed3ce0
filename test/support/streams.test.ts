import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { type Arrival, type Segment, StreamOrder } from './streams.ts';

/** Segments of one direction: frame numbers from 1, the sequence number and the bytes of each. */
function segments(...parts: readonly (readonly [sequence: number, payload: string])[]): Segment[] {
  return parts.map(([sequence, payload], index) => {
    return { frame: index + 1, stream: 0, byTarget: false, sequence, payload: hex(payload) };
  });
}

function inOrder(given: readonly Segment[]): { readonly arrivals: Arrival[]; readonly missing: Set<number> } {
  const order = new StreamOrder();
  return { arrivals: given.flatMap((segment) => order.take(segment)), missing: order.missing };
}

/** What arrived, as `frame:bytes`. */
function arrived(given: readonly Segment[]): string[] {
  return inOrder(given).arrivals.map(({ frame, bytes }) => `${frame}:${toHex(bytes)}`);
}

test('StreamOrder passes on what comes in order', () => {
  assert.deepEqual(arrived(segments([100, 'aabb'], [102, 'cc'])), ['1:aabb', '2:cc']);
});

test('StreamOrder holds back what comes too early', () => {
  const given = segments([100, 'aa'], [102, 'cc'], [103, 'dd'], [101, 'bb']);
  assert.deepEqual(arrived(given), ['1:aa', '4:bb', '4:cc', '4:dd']);
  assert.equal(inOrder(given).missing.size, 0);
});

test('StreamOrder leaves out what was sent again, whole or in part', () => {
  assert.deepEqual(arrived(segments([100, 'aabb'], [100, 'aabb'], [101, 'bbcc'], [99, 'ff'])), ['1:aabb', '3:cc']);
});

test('StreamOrder begins with the sequence number of an empty first segment', () => {
  assert.deepEqual(arrived(segments([100, ''], [102, 'cc'], [100, 'aabb'])), ['3:aabb', '3:cc']);
});

test('StreamOrder misses nothing before an empty segment whose number is further on, as after a FIN', () => {
  assert.equal(inOrder(segments([100, 'aa'], [102, ''])).missing.size, 0);
});

test('StreamOrder goes on when the sequence number wraps', () => {
  assert.deepEqual(arrived(segments([0xffff_ffff, 'aabb'], [1, 'cc'])), ['1:aabb', '2:cc']);
});

test('StreamOrder names the streams that have gaps', () => {
  const given = segments([100, 'aa'], [102, 'cc']);
  const other = given.map((segment) => ({ ...segment, stream: 7, sequence: segment.frame }));
  assert.deepEqual([...inOrder([...given, ...other]).missing], [0]);
});

test('StreamOrder keeps directions and connections apart', () => {
  const up = segments([100, 'aa']);
  const down = up.map((segment) => ({ ...segment, byTarget: true, sequence: 5 }));
  const other = up.map((segment) => ({ ...segment, stream: 1, sequence: 9 }));
  assert.equal(inOrder([...up, ...down, ...other]).arrivals.length, 3);
});
