import { test } from 'node:test';
import {
  checkTaskManagementResponse,
  readTaskManagementResponse,
  writeTaskManagementResponse,
} from '../../src/pdu/task-management-response.ts';
import { taskManagementResponse } from '../fixtures/task-management-response.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(taskManagementResponse, {
  name: 'TaskManagementResponse',
  read: readTaskManagementResponse,
  write: writeTaskManagementResponse,
});

const RESPONSE = taskManagementResponse.examples[0].bytes;

test('checkTaskManagementResponse() takes the responses 0 to 7 and 255', () => {
  for (const response of ['00', '07', 'ff']) assertTaken(checkTaskManagementResponse, changed(RESPONSE, 2, response));
});

test('checkTaskManagementResponse() refuses the reserved responses 8 to 254', () => {
  for (const response of ['08', 'fe']) {
    assertRefused(checkTaskManagementResponse, changed(RESPONSE, 2, response), '11.6.1');
  }
});

test('checkTaskManagementResponse() refuses AHS, data and the reserved Initiator Task Tag', () => {
  assertRefused(checkTaskManagementResponse, changed(RESPONSE, 4, '01'), '11.2.1.5');
  assertRefused(checkTaskManagementResponse, changed(RESPONSE, 7, '01'), '11.6.2');
  assertRefused(checkTaskManagementResponse, changed(RESPONSE, 16, 'ff ff ff ff'), '11.2.1.8');
});
