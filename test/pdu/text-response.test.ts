import { test } from 'node:test';
import { checkTextResponse, readTextResponse, writeTextResponse } from '../../src/pdu/text-response.ts';
import { textResponse } from '../fixtures/text-response.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(textResponse, { name: 'TextResponse', read: readTextResponse, write: writeTextResponse });

const [PART, END] = textResponse.examples.map(({ bytes }) => bytes) as [string, string];

test('checkTextResponse() takes a part and the end, even with a tag in the end', () => {
  assertTaken(checkTextResponse, PART);
  assertTaken(checkTextResponse, END);
  assertTaken(checkTextResponse, changed(END, 20, '00 00 00 07'));
});

test('checkTextResponse() refuses AHS and the reserved Initiator Task Tag', () => {
  assertRefused(checkTextResponse, changed(END, 4, '01'), '11.2.1.5');
  assertRefused(checkTextResponse, changed(END, 16, 'ff ff ff ff'), '11.2.1.8');
});

test('checkTextResponse() refuses F together with C', () => {
  assertRefused(checkTextResponse, changed(END, 1, 'c0'), '11.11.2');
});

test('checkTextResponse() refuses a response that is not final and has no Target Transfer Tag', () => {
  assertRefused(checkTextResponse, changed(PART, 20, 'ff ff ff ff'), '11.11.1');
});
