import { test } from 'node:test';
import { checkNopIn, readNopIn, writeNopIn } from '../../src/pdu/nop-in.ts';
import { nopIn } from '../fixtures/nop-in.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(nopIn, { name: 'NopIn', read: readNopIn, write: writeNopIn });

const ANSWER = nopIn.examples[1].bytes;
const PING = changed(changed(ANSWER, 16, 'ff ff ff ff 00 00 00 07'), 7, '00');

test('checkNopIn() takes an answer, a ping, and a NOP-In that is neither', () => {
  assertTaken(checkNopIn, ANSWER);
  assertTaken(checkNopIn, PING);
  assertTaken(checkNopIn, changed(PING, 20, 'ff ff ff ff'));
});

test('checkNopIn() refuses AHS', () => {
  assertRefused(checkNopIn, changed(ANSWER, 4, '01'), '11.2.1.5');
});

test('checkNopIn() refuses both tags at once', () => {
  assertRefused(checkNopIn, changed(ANSWER, 20, '00 00 00 07'), '11.19');
});

test('checkNopIn() refuses data that answers nothing', () => {
  assertRefused(checkNopIn, changed(PING, 7, '01'), '11.19');
});
