import { test } from 'node:test';
import { checkAsyncMessage, readAsyncMessage, writeAsyncMessage } from '../../src/pdu/async-message.ts';
import { asyncMessage } from '../fixtures/async-message.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(asyncMessage, { name: 'AsyncMessage', read: readAsyncMessage, write: writeAsyncMessage });

const MESSAGE = asyncMessage.examples[0].bytes;

test('checkAsyncMessage() takes every event', () => {
  for (const event of ['00', '05', '06', 'f7', 'ff']) assertTaken(checkAsyncMessage, changed(MESSAGE, 36, event));
});

test('checkAsyncMessage() refuses AHS, and a SCSI event whose data segment is too short for SenseLength', () => {
  assertRefused(checkAsyncMessage, changed(MESSAGE, 4, '01'), '11.2.1.5');
  const short = changed(MESSAGE, 5, '00 00 01');
  assertRefused(checkAsyncMessage, changed(short, 36, '00'), '11.9.4');
  assertTaken(checkAsyncMessage, short); // the vendor's event: nobody reads its data
});
