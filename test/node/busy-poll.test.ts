import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BusyPoll } from '../../src/node/busy-poll.ts';
import { watchPolls } from './polls.ts';

const TRIAL = 32;
const FIRST_BACK_OFF = 64;

/** Lets the poll run out. */
async function inVain(poll: BusyPoll, polling: () => boolean): Promise<void> {
  poll.expect();
  while (polling()) await nextTurn();
}

test('expect() keeps the loop going until the time is up, and no longer', async (t) => {
  const polling = watchPolls(t);
  const started = performance.now();
  const poll = new BusyPoll(2000);
  poll.expect();
  assert.ok(polling());
  while (polling()) await nextTurn(); // for ever, if it kept the loop going longer
  assert.ok(performance.now() - started >= 2);
});

test('0 never polls', (t) => {
  const polling = watchPolls(t);
  new BusyPoll(0).expect();
  assert.ok(!polling());
});

test('stop() leaves nothing behind', (t) => {
  const polling = watchPolls(t);
  const poll = new BusyPoll(1_000_000);
  poll.expect();
  poll.stop();
  assert.ok(!polling());
});

test('an answer ends the poll early', async (t) => {
  const polling = watchPolls(t);
  const poll = new BusyPoll(1_000_000);
  poll.expect();
  poll.heard();
  await nextTurn();
  assert.ok(!polling());
});

test('after a trial in vain it lets occasions pass, twice as many each time, and then tries again', async (t) => {
  const polling = watchPolls(t);
  const poll = new BusyPoll(1);
  for (const pass of [FIRST_BACK_OFF, FIRST_BACK_OFF * 2]) {
    for (let attempt = 0; attempt < TRIAL; attempt++) await inVain(poll, polling);
    for (let occasion = 0; occasion < pass; occasion++) {
      poll.expect();
      assert.ok(!polling(), `occasion ${occasion} of ${pass}`);
    }
  }
  poll.expect();
  assert.ok(polling());
  poll.stop();
});

test('answers in time keep it polling', async (t) => {
  const polling = watchPolls(t);
  const poll = new BusyPoll(1_000_000);
  for (let attempt = 0; attempt < 3 * TRIAL; attempt++) {
    poll.expect();
    assert.ok(polling(), `attempt ${attempt}`);
    poll.heard();
    await nextTurn();
  }
  poll.stop();
});
