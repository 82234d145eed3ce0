/** Errors of commands: the same reason for many, and of each whether it was sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from 'node:util';
import { IscsiError, ProtocolError, withCommandSent } from '../src/errors.ts';

test('an error that says whether its command was sent is a real error of the same class, and leaves the reason alone', () => {
  const reason = new ProtocolError('Cannot go on', { clause: '7.8', hint: 'look', cause: new Error('why') });
  const error = withCommandSent(reason, false);
  assert.ok(error instanceof ProtocolError && types.isNativeError(error));
  assert.ok(structuredClone(error) instanceof Error, 'it can be sent to another thread');
  const { name, code, message, clause, hint, cause, stack, commandSent } = error;
  assert.deepEqual([name, code, message], ['ProtocolError', 'ISCSI_PROTOCOL', 'Cannot go on']);
  assert.deepEqual([clause, hint, cause, stack], ['7.8', 'look', reason.cause, reason.stack]);
  assert.deepEqual([commandSent, reason.commandSent], [false, undefined]);
  assert.equal(withCommandSent(error, false), error);
  assert.equal(new IscsiError('ISCSI_CLOSED', 'Over').commandSent, undefined);
});
