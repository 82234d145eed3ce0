/** Long Data-In segments are read straight into the caller's buffer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';

const LENGTH = 100_000;

interface Reading {
  readonly rig: InitiatorRig;
  readonly read: Submitted;
  readonly into: Uint8Array;
  readonly pdu: Uint8Array;
}

/** A read whose Data-In has begun: header and `begun` bytes of data are in. */
function reading(begun: number, digests = false, length = LENGTH): Reading {
  const rig = InitiatorRig.loggedIn(digests ? { answers: { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' } } : {});
  const into = new Uint8Array(length);
  const read = rig.submit({ dataIn: into });
  rig.take();
  const data = Uint8Array.from({ length }, (_, at) => at * 13);
  const pdu = rig.voice.dataIn(read.tag, data, { status: 0 });
  feed(rig, pdu.subarray(0, 48 + (digests ? 4 : 0) + begun));
  return { rig, read, into, pdu };
}

function feed(rig: InitiatorRig, bytes: Uint8Array): void {
  const copy = bytes.slice();
  rig.connection.receive(copy, new DataView(copy.buffer), 0, copy.length);
}

/** Puts bytes of the PDU from `at` on to the room that the connection offers. Returns where the rest begins. */
function place({ rig, pdu }: Reading, at: number, most: number): number {
  const room = rig.connection.directRoom();
  assert.ok(room !== undefined);
  const length = Math.min(room.length, most);
  room.set(pdu.subarray(at, at + length));
  rig.connection.placed(room, length);
  return at + length;
}

test('the room is the rest of the segment in the buffer itself, and shrinks as it is filled', () => {
  const state = reading(1000);
  const room = state.rig.connection.directRoom();
  assert.equal(room?.buffer, state.into.buffer);
  assert.deepEqual([room?.byteOffset, room?.length], [1000, LENGTH - 1000]);
  const at = place(state, 1048, 50_000);
  assert.deepEqual([state.rig.connection.directRoom()?.byteOffset, state.read.settled], [51_000, 0]);
  place(state, at, LENGTH);
  assert.deepEqual([state.read.settled, state.read.status, state.read.received], [1, 0, LENGTH]);
  assert.deepEqual(state.into, state.pdu.slice(48, 48 + LENGTH));
  assert.equal(state.rig.connection.directRoom(), undefined);
});

test('the data digest covers what was read straight to its place, and a wrong one is found', () => {
  for (const damage of [0, 1]) {
    const state = reading(10, true);
    state.pdu[70_000] = (state.pdu[70_000] ?? 0) ^ damage;
    const at = place(state, 62, LENGTH);
    feed(state.rig, state.pdu.subarray(at));
    if (damage === 0) assert.deepEqual([state.read.settled, state.read.status], [1, 0]);
    else state.rig.assertEnded('ISCSI_DIGEST'); // its status is lost with it
  }
});

test('of a long segment any rest that is longer than a short read goes to its place, of others only a long one', () => {
  assert.equal(reading(LENGTH - 1024).rig.connection.directRoom()?.length, 1024);
  assert.equal(reading(0, false, 40_000).rig.connection.directRoom()?.length, 40_000);
  assert.equal(reading(20_000, false, 40_000).rig.connection.directRoom(), undefined);
});

test('there is no room for the short rest of a segment, between PDUs, and once the session has failed', () => {
  assert.equal(reading(LENGTH - 1000).rig.connection.directRoom(), undefined);
  const { rig } = reading(1000);
  rig.connection.ended(new Error('reset'));
  assert.equal(rig.connection.directRoom(), undefined);
  assert.equal(InitiatorRig.loggedIn().connection.directRoom(), undefined);
});
