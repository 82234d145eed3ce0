/** The state machine, event by event, and that no order of events leads astray. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { backOff, type RecoveryLimits } from '../../src/recovery/limits.ts';
import {
  afterEvent,
  connectedState,
  type RecoveryEvent,
  type RecoveryState,
} from '../../src/recovery/recovery-state.ts';
import { Random, seeds } from '../simulated/random.ts';

const LIMITS: RecoveryLimits = { maxAttempts: 3, maxTime: 10_000, firstDelay: 100, maxDelay: 400 };
const error = new IscsiError('ISCSI_CONNECTION_LOST', 'The connection ended');

const lost = (at: number, time2Wait = 0): RecoveryEvent => ({ kind: 'lost', at, error, time2Wait });
const socketClosed = (at: number): RecoveryEvent => ({ kind: 'socketClosed', at, random: 0 });
const tick = (at: number): RecoveryEvent => ({ kind: 'tick', at });
const failed = (at: number, final = false): RecoveryEvent => ({ kind: 'failed', at, random: 0, error, final });
const checked = (at: number): RecoveryEvent => ({ kind: 'checked', at });
const [loggedIn, reconnectNow, close, logoutRequested] = (
  ['loggedIn', 'reconnectNow', 'close', 'logoutRequested'] as const
).map((kind): RecoveryEvent => ({ kind })) as [RecoveryEvent, RecoveryEvent, RecoveryEvent, RecoveryEvent];

function after(...events: readonly RecoveryEvent[]): RecoveryState {
  return events.reduce((state, event) => afterEvent(state, event, LIMITS), connectedState(0));
}

test('the usual course: lost, the old socket closed, an attempt at once, checked, connected', () => {
  const course = [lost(9000), socketClosed(9001), tick(9001), loggedIn, checked(9050)];
  const names = course.map((_, at) => after(...course.slice(0, at + 1)).name);
  assert.deepEqual(names, ['lost', 'waiting', 'connecting', 'checking', 'connected']);
});

test('Time2Wait comes first, and reconnectNow() before it', () => {
  const waiting = after(lost(9000, 5000), socketClosed(9010));
  assert.ok(waiting.name === 'waiting' && waiting.until === 14_000);
  assert.equal(afterEvent(waiting, tick(13_999), LIMITS), waiting);
  assert.equal(afterEvent(waiting, tick(14_000), LIMITS).name, 'connecting');
  assert.equal(afterEvent(waiting, reconnectNow, LIMITS).name, 'connecting');
  const before = after(lost(9000, 5000), reconnectNow, socketClosed(9010));
  assert.ok(before.name === 'waiting' && before.until === 9010);
});

test('pauses double up to the longest, half of each by chance', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 50].map((n) => backOff(n, LIMITS, 0)),
    [0, 50, 100, 200, 200, 200],
  );
  assert.equal(backOff(3, LIMITS, 0.5), 300);
});

test('attempts end at their number, and at the time', () => {
  const attempts = [lost(9000), socketClosed(9000)];
  for (const at of [9000, 9100, 9300]) attempts.push(tick(at), failed(at));
  const end = after(...attempts);
  assert.ok(end.name === 'givenUp');
  assert.match(end.error.message, /^Cannot get the lost session back: The connection ended \(after attempt 3\)$/);
  assert.equal(end.error.cause, error);
  const late = after(lost(9000), socketClosed(9000), tick(9000), failed(18_990));
  assert.ok(late.name === 'givenUp' && /10000 ms were given/.test(late.error.message));
  const tooLong = after(lost(9000, 60_000), socketClosed(9000));
  assert.ok(tooLong.name === 'givenUp' && /^The session was lost/.test(tooLong.error.message));
  assert.equal(after(lost(9000), socketClosed(9000), tick(9000), failed(9001, true)).name, 'givenUp');
});

test('a session that does not stand for long is tried at once no more', () => {
  const back = [lost(9000), socketClosed(9000), tick(9000), loggedIn, checked(9010)];
  const again = after(...back, lost(9500), socketClosed(9500));
  assert.ok(again.name === 'waiting' && again.until === 9550);
  const later = after(...back, lost(20_000), socketClosed(20_000));
  assert.ok(later.name === 'waiting' && later.until === 20_000);
  const inCheck = after(...back.slice(0, 4), lost(9500), socketClosed(9500));
  assert.ok(inCheck.name === 'waiting' && inCheck.until === 9550 && inCheck.outage.since === 9000);
});

test('a logout that the target asks for ends in a loss like others', () => {
  assert.equal(after(logoutRequested).name, 'leaving');
  assert.equal(after(logoutRequested, logoutRequested).name, 'leaving');
  assert.equal(after(logoutRequested, lost(9000)).name, 'lost');
  const checking = [lost(9000), socketClosed(9000), tick(9000), loggedIn];
  assert.equal(after(...checking, logoutRequested).name, 'leaving');
});

test('close() wins in every state, and nothing follows it; nor giving up', () => {
  const course = [logoutRequested, lost(9000), socketClosed(9001), tick(9001), loggedIn, checked(9050)];
  for (let length = 0; length <= course.length; length++) {
    const closed = after(...course.slice(0, length), close);
    assert.equal(closed.name, 'closed');
    for (const event of [...course, reconnectNow, failed(1), close])
      assert.equal(afterEvent(closed, event, LIMITS), closed);
  }
  const givenUp = after(lost(9000, 60_000), socketClosed(9000));
  for (const event of [...course, reconnectNow, close]) assert.equal(afterEvent(givenUp, event, LIMITS), givenUp);
});

test('whatever the order of events: only the arrows of the picture are gone', () => {
  const arrows: Readonly<Record<string, readonly string[]>> = {
    connected: ['leaving', 'lost', 'closed'],
    leaving: ['lost', 'closed'],
    lost: ['lost', 'waiting', 'givenUp', 'closed'],
    waiting: ['connecting', 'closed'],
    connecting: ['waiting', 'checking', 'givenUp', 'closed'],
    checking: ['leaving', 'lost', 'connected', 'closed'],
    closed: [],
    givenUp: [],
  };
  for (const seed of seeds(200)) {
    const random = new Random(seed);
    let [state, at] = [connectedState(0), 0];
    for (let step = 0; step < 200; step++) {
      at += random.below(2000);
      const events = [lost(at, random.below(3000)), socketClosed(at), tick(at), failed(at), checked(at), loggedIn];
      events.push(reconnectNow, logoutRequested, ...(random.onceIn(50) ? [close] : []));
      const next = afterEvent(state, events[random.below(events.length)] ?? close, LIMITS);
      if (next === state) continue;
      assert.ok(arrows[state.name]?.includes(next.name), `SEED=${seed}: ${state.name} to ${next.name}`);
      state = next;
    }
  }
});
