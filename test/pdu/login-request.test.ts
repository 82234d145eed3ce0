import { test } from 'node:test';
import { checkLoginRequest, readLoginRequest, writeLoginRequest } from '../../src/pdu/login-request.ts';
import { loginRequest } from '../fixtures/login-request.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(loginRequest, { name: 'LoginRequest', read: readLoginRequest, write: writeLoginRequest });

const [LAST, FIRST] = loginRequest.examples.map(({ bytes }) => bytes) as [string, string];

test('checkLoginRequest() takes the stages 0, 1 and 3', () => {
  assertTaken(checkLoginRequest, LAST);
  assertTaken(checkLoginRequest, FIRST);
  assertTaken(checkLoginRequest, changed(LAST, 1, '81')); // T, from 0 to 1
});

test('checkLoginRequest() refuses AHS and the reserved Initiator Task Tag', () => {
  assertRefused(checkLoginRequest, changed(FIRST, 4, '01'), '11.2.1.5');
  assertRefused(checkLoginRequest, changed(FIRST, 16, 'ff ff ff ff'), '11.2.1.8');
});

test('checkLoginRequest() refuses T together with C', () => {
  assertRefused(checkLoginRequest, changed(LAST, 1, 'c7'), '11.12.2');
});

test('checkLoginRequest() refuses the reserved stage 2, as NSG only where T makes it valid', () => {
  assertRefused(checkLoginRequest, changed(LAST, 1, '08'), '11.12.3');
  assertRefused(checkLoginRequest, changed(LAST, 1, '82'), '11.12.3');
  assertTaken(checkLoginRequest, changed(LAST, 1, '02'));
});
