/** What a target says unasked reaches the caller with its meaning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASYNC_EVENTS, openSession, type TargetEvent } from '../../src/index.ts';
import { RawTarget } from '../support/raw-target.ts';
import { senseData, senseSegment } from '../support/speaker/data.ts';

test('an event has a name among ASYNC_EVENTS, words, and its sense data decoded as that of a command', async (t) => {
  const target = await RawTarget.listen(t);
  const events: TargetEvent[] = [];
  const session = await openSession(target.url(), { onEvent: (event) => events.push(event) });
  t.after(() => session.close());
  const { connection } = target;
  connection.send(connection.voice.asyncMessage(0, [0, 0, 0], senseSegment(senseData(6, 0x2a, 0x09))));
  connection.send(connection.voice.asyncMessage(248, [1, 2, 3]));
  while (events.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const [capacity, vendor] = events;
  assert.equal(capacity?.asyncEvent, ASYNC_EVENTS.SCSI_EVENT);
  assert.deepEqual([capacity?.sense?.senseKey, capacity?.sense?.asc, capacity?.sense?.ascq], [6, 0x2a, 0x09]);
  assert.match(capacity?.text ?? '', /SCSI/);
  assert.deepEqual([vendor?.asyncEvent, vendor?.parameters, vendor?.sense], [248, [1, 2, 3], undefined]);
});
