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

test('when the connection ends instead, GOOD is not believed: the last of the data may never have left', () => {
  const { rig, write } = halfSent();
  rig.give(rig.voice.scsiResponse(write.tag));
  rig.connection.ended(new Error('reset'));
  assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_CONNECTION_LOST']);
  assert.equal(write.error?.commandSent, true);
});

test('when the connection ends instead, an answer that is an error stands', () => {
  const { rig, write } = halfSent();
  rig.give(rig.voice.scsiResponse(write.tag, { status: 0x18 }));
  rig.connection.ended(new Error('reset'));
  assert.deepEqual([write.settled, write.error, write.status], [1, undefined, 0x18]);
});

test('a write that was copied into the outbox waits for the socket as well', () => {
  const rig = InitiatorRig.loggedIn();
  const write = rig.submit({ dataOut: new Uint8Array(512) });
  assert.ok(rig.connection.drain().length > 0);
  rig.give(rig.voice.scsiResponse(write.tag));
  assert.equal(write.settled, 0);
  rig.connection.flushed();
  assert.deepEqual([write.settled, write.error], [1, undefined]);
});

test('GOOD that comes before the data was handed to the socket is an error, with immediate data and with an R2T', () => {
  for (const immediate of ['Yes', 'No']) {
    const rig = InitiatorRig.loggedIn({
      policy: { initialR2T: true },
      answers: { ImmediateData: immediate, InitialR2T: 'Yes' },
    });
    const write = rig.submit({ dataOut: new Uint8Array(512) });
    if (immediate === 'No') {
      rig.take();
      rig.give(rig.voice.r2t(write.tag, { length: 512 }), rig.voice.scsiResponse(write.tag));
    } else rig.give(rig.voice.scsiResponse(write.tag));
    rig.take();
    assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_PROTOCOL'], `ImmediateData=${immediate}`);
    rig.assertAlive();
  }
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
