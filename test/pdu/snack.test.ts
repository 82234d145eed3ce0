import { test } from 'node:test';
import { checkSnack, readSnack, writeSnack } from '../../src/pdu/snack.ts';
import { snack } from '../fixtures/snack.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(snack, { name: 'Snack', read: readSnack, write: writeSnack });

const STATUS = snack.examples[1].bytes;
const TAG = '00 00 00 07';
const DATA = changed(changed(STATUS, 1, '80'), 16, TAG);
const DATA_ACK = changed(changed(changed(STATUS, 1, '82'), 20, TAG), 44, '00 00 00 00');
const R_DATA = changed(changed(changed(STATUS, 1, '83'), 16, `${TAG} ${TAG}`), 40, '00 00 00 00 00 00 00 00');

test('checkSnack() takes the four types', () => {
  for (const bytes of [STATUS, DATA, DATA_ACK, R_DATA]) assertTaken(checkSnack, bytes);
});

test('checkSnack() refuses AHS, data and a reserved type', () => {
  assertRefused(checkSnack, changed(STATUS, 4, '01'), '11.2.1.5');
  assertRefused(checkSnack, changed(STATUS, 7, '01'), '11.2.1.6');
  assertRefused(checkSnack, changed(STATUS, 1, '84'), '11.16.1');
});

test('checkSnack() wants an Initiator Task Tag exactly where a command is meant', () => {
  assertRefused(checkSnack, changed(DATA, 16, 'ff ff ff ff'), '11.16.4');
  assertRefused(checkSnack, changed(R_DATA, 16, 'ff ff ff ff'), '11.16.4');
  assertRefused(checkSnack, changed(STATUS, 16, TAG), '11.16.4');
  assertRefused(checkSnack, changed(DATA_ACK, 16, TAG), '11.16.4');
});

test('checkSnack() wants a tag exactly in DataACK and R-Data, and not 0 in R-Data', () => {
  assertRefused(checkSnack, changed(DATA_ACK, 20, 'ff ff ff ff'), '11.16.5');
  assertRefused(checkSnack, changed(R_DATA, 20, 'ff ff ff ff'), '11.16.5');
  assertRefused(checkSnack, changed(R_DATA, 20, '00 00 00 00'), '11.16.5');
  assertRefused(checkSnack, changed(STATUS, 20, TAG), '11.16.5');
  assertRefused(checkSnack, changed(DATA, 20, TAG), '11.16.5');
  assertTaken(checkSnack, changed(DATA_ACK, 20, '00 00 00 00'));
});

test('checkSnack() refuses runs where there are none', () => {
  assertRefused(checkSnack, changed(R_DATA, 43, '01'), '11.16.6');
  assertRefused(checkSnack, changed(R_DATA, 47, '01'), '11.16.7');
  assertRefused(checkSnack, changed(DATA_ACK, 47, '01'), '11.16.7');
});
