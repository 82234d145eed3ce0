import { test } from 'node:test';
import { checkLoginResponse, readLoginResponse, writeLoginResponse } from '../../src/pdu/login-response.ts';
import { loginResponse } from '../fixtures/login-response.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(loginResponse, { name: 'LoginResponse', read: readLoginResponse, write: writeLoginResponse });

const [REFUSAL, PART] = loginResponse.examples.map(({ bytes }) => bytes) as [string, string];

test('checkLoginResponse() takes a part, the end, and a refusal whatever its flags and detail', () => {
  assertTaken(checkLoginResponse, PART);
  assertTaken(checkLoginResponse, changed(PART, 1, '87'));
  assertTaken(checkLoginResponse, REFUSAL);
  assertTaken(checkLoginResponse, changed(changed(REFUSAL, 1, 'ca'), 37, 'ff'));
});

test('checkLoginResponse() refuses AHS and a reserved status class', () => {
  assertRefused(checkLoginResponse, changed(PART, 4, '01'), '11.2.1.5');
  assertRefused(checkLoginResponse, changed(PART, 36, '04'), '11.13.5');
});

test('checkLoginResponse() refuses T together with C', () => {
  assertRefused(checkLoginResponse, changed(PART, 1, 'c1'), '11.13.7');
});

test('checkLoginResponse() refuses the reserved stage 2, as NSG only where T makes it valid', () => {
  assertRefused(checkLoginResponse, changed(PART, 1, '08'), '11.12.3');
  assertRefused(checkLoginResponse, changed(PART, 1, '82'), '11.12.3');
  assertTaken(checkLoginResponse, changed(PART, 1, '02'));
});
