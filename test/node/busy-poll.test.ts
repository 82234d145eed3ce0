import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BusyPoll } from '../../src/node/busy-poll.ts';

const TRIAL = 32;
const FIRST_BACK_OFF = 64;

function polling(): boolean {
  return process.getActiveResourcesInfo().includes('Immediate');
}

/** Lets the poll run out. */
async function inVain(poll: BusyPoll): Promise<void> {
  poll.expect();
  while (polling()) await sleep(0);
}

test('expect() keeps the loop going until the time is up, and no longer', async () => {
  const poll = new BusyPoll(2000);
  poll.expect();
  assert.ok(polling());
  await sleep(20);
  assert.ok(!polling());
});

test('0 never polls', () => {
  new BusyPoll(0).expect();
  assert.ok(!polling());
});

test('stop() leaves nothing behind', () => {
  const poll = new BusyPoll(1_000_000);
  poll.expect();
  poll.stop();
  assert.ok(!polling());
});

test('an answer ends the poll early', async () => {
  const poll = new BusyPoll(1_000_000);
  poll.expect();
  poll.heard();
  await sleep(1);
  assert.ok(!polling());
});

test('after a trial in vain it lets occasions pass, twice as many each time, and then tries again', async () => {
  const poll = new BusyPoll(1);
  for (const pass of [FIRST_BACK_OFF, FIRST_BACK_OFF * 2]) {
    for (let attempt = 0; attempt < TRIAL; attempt++) await inVain(poll);
    for (let occasion = 0; occasion < pass; occasion++) {
      poll.expect();
      assert.ok(!polling(), `occasion ${occasion} of ${pass}`);
    }
  }
  poll.expect();
  assert.ok(polling());
  poll.stop();
});

test('answers in time keep it polling', async () => {
  const poll = new BusyPoll(1_000_000);
  for (let attempt = 0; attempt < 3 * TRIAL; attempt++) {
    poll.expect();
    assert.ok(polling(), `attempt ${attempt}`);
    poll.heard();
    await sleep(0);
  }
  poll.stop();
});
