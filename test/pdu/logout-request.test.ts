import { test } from 'node:test';
import { checkLogoutRequest, readLogoutRequest, writeLogoutRequest } from '../../src/pdu/logout-request.ts';
import { logoutRequest } from '../fixtures/logout-request.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(logoutRequest, { name: 'LogoutRequest', read: readLogoutRequest, write: writeLogoutRequest });

const LOGOUT = logoutRequest.examples[0].bytes;

test('checkLogoutRequest() takes the three reasons', () => {
  for (const reason of ['80', '81', '82']) assertTaken(checkLogoutRequest, changed(LOGOUT, 1, reason));
});

test('checkLogoutRequest() refuses a reserved reason', () => {
  for (const reason of ['83', 'ff']) assertRefused(checkLogoutRequest, changed(LOGOUT, 1, reason), '11.14.1');
});

test('checkLogoutRequest() refuses AHS, data and the reserved Initiator Task Tag', () => {
  assertRefused(checkLogoutRequest, changed(LOGOUT, 4, '01'), '11.2.1.5');
  assertRefused(checkLogoutRequest, changed(LOGOUT, 7, '01'), '11.14.2');
  assertRefused(checkLogoutRequest, changed(LOGOUT, 16, 'ff ff ff ff'), '11.2.1.8');
});
