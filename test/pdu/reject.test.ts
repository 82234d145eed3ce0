import { test } from 'node:test';
import { checkReject, readReject, writeReject } from '../../src/pdu/reject.ts';
import { reject } from '../fixtures/reject.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(reject, { name: 'Reject', read: readReject, write: writeReject });

const [FIRST, SNACK] = reject.examples.map(({ bytes }) => bytes) as [string, string];

test('checkReject() takes every reason, with and without the refused header', () => {
  assertTaken(checkReject, FIRST);
  assertTaken(checkReject, SNACK);
  assertTaken(checkReject, changed(changed(SNACK, 2, 'ff'), 7, '00'));
});

test('checkReject() refuses AHS', () => {
  assertRefused(checkReject, changed(SNACK, 4, '01'), '11.2.1.5');
});
