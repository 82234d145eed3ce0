/**
 * A caller gets its buffer back only when nothing of it can go out any more (promise 1; convention 13 of the house).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';

/** A write of 64 KiB as immediate data, handed to the socket, which has not taken it yet. */
function halfSent(): { readonly rig: InitiatorRig; readonly write: Submitted } {
  const rig = InitiatorRig.loggedIn({
    answers: { ImmediateData: 'Yes', MaxRecvDataSegmentLength: '262144', FirstBurstLength: '262144' },
  });
  const write = rig.submit({ dataOut: new Uint8Array(65_536).fill(7), timeout: 1000 });
  assert.ok(rig.connection.drain().length > 0);
  return { rig, write };
}

test('a write that is answered before the socket took its data settles when it has taken it', () => {
  const { rig, write } = halfSent();
  rig.give(rig.voice.scsiResponse(write.tag));
  assert.equal(write.settled, 0);
  rig.connection.flushed();
  assert.equal(write.settled, 1);
  assert.equal(write.status, 0);
  rig.assertAlive();
});

test('a second answer to it is dropped', () => {
  const { rig, write } = halfSent();
  rig.give(rig.voice.scsiResponse(write.tag), rig.voice.scsiResponse(write.tag));
  rig.connection.flushed();
  assert.equal(write.settled, 1);
  rig.assertAlive();
});

test('when the connection ends instead, it settles with its answer', () => {
  const { rig, write } = halfSent();
  rig.give(rig.voice.scsiResponse(write.tag));
  rig.connection.ended(new Error('reset'));
  assert.equal(write.settled, 1);
  assert.equal(write.error, undefined);
});

test('a socket that never takes it costs the session at the deadline, and the task settles within it', () => {
  const { rig, write } = halfSent();
  rig.give(rig.voice.scsiResponse(write.tag));
  rig.advance(1001);
  assert.equal(write.settled, 1);
  rig.assertEnded('ISCSI_TIMEOUT');
});

test('when whoever is told of one of them ends the session, each settles once and is one task in the pool', () => {
  const rig = InitiatorRig.loggedIn({
    answers: { ImmediateData: 'Yes', MaxRecvDataSegmentLength: '262144', FirstBurstLength: '262144' },
  });
  const dataOut = new Uint8Array(65_536);
  const first = rig.submit({ dataOut, onSettled: () => rig.session.close(undefined) });
  const second = rig.submit({ dataOut });
  rig.connection.drain();
  rig.give(rig.voice.scsiResponse(first.tag), rig.voice.scsiResponse(second.tag));
  rig.connection.flushed();
  assert.deepEqual([first.settled, second.settled], [1, 1]);
  const tasks = Array.from({ length: 4 }, () => rig.session.newTask());
  assert.equal(new Set(tasks).size, 4);
});
