import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandWindow, POSITION } from '../../src/target/command-window.ts';

test('position() tells next, early and outside apart, also over the wrap', () => {
  const window = new CommandWindow(0xffff_fffe, 4); // up to 1
  const positions = [0xffff_fffd, 0xffff_fffe, 0xffff_ffff, 0, 1, 2].map((cmdSN) => window.position(cmdSN));
  const { NEXT, EARLY, OUTSIDE } = POSITION;
  assert.deepEqual(positions, [OUTSIDE, NEXT, EARLY, EARLY, EARLY, OUTSIDE]);
});

test('a closed window has no next', () => {
  const window = new CommandWindow(5, 1);
  window.advance();
  assert.deepEqual([window.expCmdSN, window.maxCmdSN], [6, 5]);
  assert.equal(window.position(6), POSITION.OUTSIDE);
  window.complete();
  assert.equal(window.position(6), POSITION.NEXT);
});

test('deliverEarly() runs what is due in order, past holes that were plugged', () => {
  const window = new CommandWindow(0, 16);
  const log: number[] = [];
  for (const cmdSN of [5, 1, 4]) window.hold(cmdSN, () => log.push(cmdSN));
  window.plug(2);
  assert.equal(window.position(2), POSITION.OUTSIDE);
  window.advance();
  window.deliverEarly();
  assert.deepEqual([log, window.expCmdSN], [[1], 3]);
  window.plug(3);
  assert.deepEqual([log, window.expCmdSN], [[1, 4, 5], 6]);
});

test('whenReceived() waits for all that comes before', () => {
  const window = new CommandWindow(0, 16);
  const log: string[] = [];
  window.whenReceived(0, () => log.push('at once'));
  window.whenReceived(2, () => log.push('after two'));
  window.advance();
  window.deliverEarly();
  assert.deepEqual(log, ['at once']);
  window.advance();
  window.deliverEarly();
  assert.deepEqual(log, ['at once', 'after two']);
});
