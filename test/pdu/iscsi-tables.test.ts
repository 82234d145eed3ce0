import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asyncEventText } from '../../src/spec/iscsi-async-events.ts';
import { LOGIN_STATUS, loginStatusText } from '../../src/spec/iscsi-login-status.ts';
import { logoutReasonText, logoutResponseText } from '../../src/spec/iscsi-logout.ts';
import { OPCODES } from '../../src/spec/iscsi-opcodes.ts';
import { rejectReasonText } from '../../src/spec/iscsi-reject-reasons.ts';
import { snackTypeText } from '../../src/spec/iscsi-snack.ts';
import { taskManagementFunctionText, taskManagementResponseText } from '../../src/spec/iscsi-task-management.ts';

test('the opcodes are those of RFC 7143 §11.2.1.2', () => {
  const initiator = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10];
  const target = [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f];
  assert.deepEqual(Object.values(OPCODES), [...initiator, ...target]);
});

test('loginStatusText() names each status by class and detail', () => {
  assert.equal(loginStatusText(0, 0).name, 'Success');
  assert.equal(loginStatusText(2, 1).name, 'Authentication failure');
  assert.equal(loginStatusText(2, 3).name, 'Not found');
  assert.equal(loginStatusText(2, 11).name, 'Invalid during login');
  assert.equal(loginStatusText(3, 2).name, 'Out of resources');
  assert.equal(LOGIN_STATUS.SESSION_DOES_NOT_EXIST, 0x020a);
});

test('loginStatusText() describes an unknown detail by its class, and a reserved class as such', () => {
  assert.deepEqual(loginStatusText(3, 9), {
    name: 'Target error 0x0309',
    text: 'the target cannot fulfil the request at present',
  });
  assert.equal(loginStatusText(1, 0).name, 'Redirection 0x0100');
  assert.equal(loginStatusText(9, 1).name, 'Unknown status 0x0901');
});

test('the task management tables know the functions 1 to 12 and the responses 0 to 7 and 255', () => {
  assert.equal(taskManagementFunctionText(1).name, 'ABORT TASK');
  assert.equal(taskManagementFunctionText(5).name, 'LOGICAL UNIT RESET');
  assert.equal(taskManagementFunctionText(8).name, 'TASK REASSIGN');
  assert.equal(taskManagementFunctionText(12).name, 'QUERY ASYNCHRONOUS EVENT');
  assert.equal(taskManagementFunctionText(13).name, 'Function 13');
  assert.equal(taskManagementResponseText(2).name, 'LUN does not exist');
  assert.equal(taskManagementResponseText(255).name, 'Function rejected');
  assert.equal(taskManagementResponseText(8).name, 'Response 8');
});

test('asyncEventText() tells the events 0 to 5, vendor events and unassigned ones', () => {
  assert.equal(asyncEventText(0).name, 'SCSI Async Event');
  assert.equal(asyncEventText(5).name, 'Task Termination');
  assert.equal(asyncEventText(6).name, 'Event 6');
  assert.equal(asyncEventText(247).name, 'Event 247');
  assert.equal(asyncEventText(248).name, 'Vendor event 248');
});

test('rejectReasonText() says whether the PDU may be sent again', () => {
  const may = Array.from({ length: 16 }, (_, reason) => reason).filter(
    (reason) => rejectReasonText(reason).resendAllowed,
  );
  assert.deepEqual(may, [0x02, 0x03, 0x06, 0x0a]);
  assert.equal(rejectReasonText(0x09).name, 'Invalid PDU field');
  assert.equal(rejectReasonText(0x01).name, 'Reason 0x01');
});

test('the logout and SNACK tables name their codes', () => {
  assert.equal(logoutReasonText(2).name, 'remove the connection for recovery');
  assert.equal(logoutReasonText(3).name, 'Reason 3');
  assert.equal(logoutResponseText(3).name, 'cleanup failed');
  assert.equal(logoutResponseText(4).name, 'Response 4');
  assert.equal(snackTypeText(3).name, 'R-Data SNACK');
  assert.equal(snackTypeText(4).name, 'Type 4');
});
