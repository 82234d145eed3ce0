import { test } from 'node:test';
import { checkTextRequest, readTextRequest, writeTextRequest } from '../../src/pdu/text-request.ts';
import { textRequest } from '../fixtures/text-request.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(textRequest, { name: 'TextRequest', read: readTextRequest, write: writeTextRequest });

const [PART, WHOLE] = textRequest.examples.map(({ bytes }) => bytes) as [string, string];

test('checkTextRequest() takes a part and a whole', () => {
  assertTaken(checkTextRequest, PART);
  assertTaken(checkTextRequest, WHOLE);
});

test('checkTextRequest() refuses AHS and the reserved Initiator Task Tag', () => {
  assertRefused(checkTextRequest, changed(WHOLE, 4, '01'), '11.2.1.5');
  assertRefused(checkTextRequest, changed(WHOLE, 16, 'ff ff ff ff'), '11.2.1.8');
});

test('checkTextRequest() refuses F together with C', () => {
  assertRefused(checkTextRequest, changed(PART, 1, 'c0'), '11.10.2');
});
