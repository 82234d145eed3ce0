import { test } from 'node:test';
import { checkNopOut, readNopOut, writeNopOut } from '../../src/pdu/nop-out.ts';
import { nopOut } from '../fixtures/nop-out.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(nopOut, { name: 'NopOut', read: readNopOut, write: writeNopOut });

const PING = nopOut.examples[1].bytes;

test('checkNopOut() takes a ping, immediate or not, and an immediate answer without Initiator Task Tag', () => {
  assertTaken(checkNopOut, PING);
  assertTaken(checkNopOut, changed(PING, 0, '00'));
  assertTaken(checkNopOut, changed(PING, 16, 'ff ff ff ff'));
});

test('checkNopOut() refuses AHS', () => {
  assertRefused(checkNopOut, changed(PING, 4, '01'), '11.2.1.5');
});

test('checkNopOut() refuses a NOP-Out without Initiator Task Tag that is not immediate', () => {
  assertRefused(checkNopOut, changed(changed(PING, 0, '00'), 16, 'ff ff ff ff'), '11.18.1');
});
