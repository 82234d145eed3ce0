import { test } from 'node:test';
import { checkLogoutResponse, readLogoutResponse, writeLogoutResponse } from '../../src/pdu/logout-response.ts';
import { logoutResponse } from '../fixtures/logout-response.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(logoutResponse, { name: 'LogoutResponse', read: readLogoutResponse, write: writeLogoutResponse });

const RESPONSE = logoutResponse.examples[0].bytes;

test('checkLogoutResponse() takes every response code', () => {
  for (const response of ['00', '03', '04', 'ff']) assertTaken(checkLogoutResponse, changed(RESPONSE, 2, response));
});

test('checkLogoutResponse() refuses AHS, data and the reserved Initiator Task Tag', () => {
  assertRefused(checkLogoutResponse, changed(RESPONSE, 4, '01'), '11.2.1.5');
  assertRefused(checkLogoutResponse, changed(RESPONSE, 7, '01'), '11.15.2');
  assertRefused(checkLogoutResponse, changed(RESPONSE, 16, 'ff ff ff ff'), '11.2.1.8');
});
