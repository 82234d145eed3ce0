import { test } from 'node:test';
import {
  checkTaskManagementRequest,
  readTaskManagementRequest,
  writeTaskManagementRequest,
} from '../../src/pdu/task-management-request.ts';
import { taskManagementRequest } from '../fixtures/task-management-request.ts';
import { assertRefused, assertTaken, changed, testCodec } from './codec.ts';

testCodec(taskManagementRequest, {
  name: 'TaskManagementRequest',
  read: readTaskManagementRequest,
  write: writeTaskManagementRequest,
});

const [REASSIGN, RESET] = taskManagementRequest.examples.map(({ bytes }) => bytes) as [string, string];

test('checkTaskManagementRequest() takes known and unknown functions', () => {
  assertTaken(checkTaskManagementRequest, REASSIGN);
  assertTaken(checkTaskManagementRequest, RESET);
  assertTaken(checkTaskManagementRequest, changed(RESET, 1, 'ff'));
});

test('checkTaskManagementRequest() refuses AHS and data', () => {
  assertRefused(checkTaskManagementRequest, changed(RESET, 4, '01'), '11.2.1.5');
  assertRefused(checkTaskManagementRequest, changed(RESET, 7, '01'), '11.5.2');
});

test('checkTaskManagementRequest() refuses the reserved Initiator Task Tag', () => {
  assertRefused(checkTaskManagementRequest, changed(RESET, 16, 'ff ff ff ff'), '11.2.1.8');
});

test('checkTaskManagementRequest() refuses a TASK REASSIGN that is not immediate', () => {
  assertRefused(checkTaskManagementRequest, changed(REASSIGN, 0, '02'), '11.5.1');
});
