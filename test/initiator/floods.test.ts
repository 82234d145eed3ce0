/**
 * A target that says one thing after the other: deadlines are kept all the same, nothing piles up, and one that says
 * nothing but what nobody waits for is given up (promises 3, 5 and 8).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewOf } from '../../src/bytes/hex.ts';
import { Queue } from '../../src/initiator/queue.ts';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';

const TIMEOUT = 1500;
/** More than is put up with in a second. */
const FLOOD = 110_000;
const AT_ONCE = 1000;

interface Started {
  readonly rig: InitiatorRig;
  readonly read: Submitted;
  readonly command: Pdu;
  /** The tag of a command that was answered. */
  readonly over: number;
}

/** A read under way, and one that is over. */
function reading(): Started {
  const rig = InitiatorRig.loggedIn();
  const over = rig.submit();
  rig.take();
  rig.give(rig.voice.scsiResponse(over.tag));
  const read = rig.submit({ dataIn: new Uint8Array(512), timeout: TIMEOUT });
  return { rig, read, command: rig.takeOne(0x01), over: over.tag };
}

/** PDUs that bring no command nearer to its end. */
const NOISE: Readonly<Record<string, (started: Started, turn: number) => Uint8Array>> = {
  'Rejects of its command': ({ rig, command }) => rig.voice.reject(0x09, command.header),
  'Rejects of nothing': ({ rig, command }) => {
    const header = command.header.slice();
    viewOf(header).setUint32(16, NIL);
    return rig.voice.reject(0x09, header);
  },
  'Rejects of a Data-Out': ({ rig, command }) => {
    const header = command.header.slice();
    header[0] = 0x05;
    return rig.voice.reject(0x09, header);
  },
  'NOP-Ins': ({ rig }) => rig.voice.nopIn(),
  pings: ({ rig }) => rig.voice.nopIn({ transferTag: 7 }),
  'unknown events': ({ rig }) => rig.voice.asyncMessage(99),
  'SCSI events': ({ rig }) => rig.voice.asyncMessage(0),
  'requests to negotiate': ({ rig }) => rig.voice.asyncMessage(4, [0, 0, 0xffff]),
  'empty Data-Ins': ({ rig, read }, turn) => rig.voice.dataIn(read.tag, new Uint8Array(0), { dataSN: turn }),
  'answers to a command that is over': ({ rig, over }) => rig.voice.scsiResponse(over),
};

/** One PDU many times over; a Data-In with the DataSN that comes next, from `dataSN` on. */
function repeated(pdu: Uint8Array, dataSN: number): Uint8Array {
  const bytes = new Uint8Array(AT_ONCE * pdu.length);
  for (let at = 0; at < AT_ONCE; at++) {
    bytes.set(pdu, at * pdu.length);
    if (pdu[0] === 0x25) viewOf(bytes).setUint32(at * pdu.length + 36, dataSN + at);
  }
  return bytes;
}

for (const [kind, noise] of Object.entries(NOISE)) {
  test(`a read is given up in time although ${kind} keep the timers from their turn`, () => {
    const started = reading();
    const { rig, read } = started;
    const begun = rig.now;
    for (let turn = 0; turn < 400 && rig.ends.length === 0; turn++) {
      rig.now += 10;
      rig.give(noise(started, turn)); // and nobody calls tick()
      rig.take();
    }
    assert.equal(read.settled, 1);
    assert.ok(read.settledAt - begun <= TIMEOUT + 10, `after ${read.settledAt - begun} ms`);
  });

  test(`a target that says nothing but ${kind}, as fast as it can, is given up, and little is kept of it`, () => {
    const started = reading();
    const { rig } = started;
    for (let turn = 0; turn < FLOOD && rig.ends.length === 0; turn += AT_ONCE) {
      rig.give(repeated(noise(started, 0), turn));
      rig.take();
    }
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.ok(rig.connection.outbox.pendingBytes < 4 * 1024 * 1024);
  });
}

test('a target may say much that nobody waits for, if it takes its time', () => {
  const rig = InitiatorRig.loggedIn();
  for (let second = 0; second < 20; second++) {
    rig.now += 1000;
    for (let turn = 0; turn < 20; turn++) rig.give(repeated(rig.voice.nopIn(), 0));
  }
  rig.assertAlive();
});

test('an answer in empty parts that never ends is given up', () => {
  const rig = InitiatorRig.loggedIn();
  rig.ask((settle) => rig.session.text(new Uint8Array(0), 1e9, settle));
  const { tag } = rig.takeOne(0x04);
  for (let part = 0; part < FLOOD && rig.ends.length === 0; part += AT_ONCE) {
    rig.give(repeated(rig.voice.textResponse(tag, new Uint8Array(0), { flags: 0, transferTag: 5 }), 0));
    rig.take();
  }
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('a target that asks for crumbs of a write and takes none of them cannot make headers pile up', () => {
  const rig = InitiatorRig.loggedIn({
    policy: { initialR2T: true, immediateData: false },
    answers: { InitialR2T: 'Yes', ImmediateData: 'No' },
  });
  const write = rig.submit({ dataOut: new Uint8Array(1_000_000) });
  rig.take();
  for (let at = 0; at < 30_000 && rig.ends.length === 0; at++) {
    rig.give(rig.voice.r2t(write.tag, { r2tSN: at, offset: at, length: 1 }));
  }
  rig.assertEnded('ISCSI_PROTOCOL');
  assert.ok(rig.connection.outbox.pendingBytes < 4 * 1024 * 1024, `${rig.connection.outbox.pendingBytes} bytes`);
});

test('a target that asks for a logout again and again, each time with more time, does not put it off', () => {
  const rig = InitiatorRig.loggedIn();
  const read = rig.submit({ dataIn: new Uint8Array(512), timeout: 1_000_000 });
  rig.take();
  rig.give(rig.voice.asyncMessage(1, [0, 0, 4]));
  rig.give(rig.voice.asyncMessage(1, [0, 0, 0xffff]));
  rig.advance(4001);
  assert.equal(rig.ends.length, 1);
  assert.equal(read.settled, 1);
});

test('what waits in a queue is withdrawn in time that does not grow with its length', () => {
  const perItem = (length: number): number => {
    const items = Array.from({ length }, () => ({ queuedAt: 0 }));
    const queue = new Queue<{ queuedAt: number }>();
    for (const item of items) queue.push(item);
    const from = performance.now();
    for (let at = length - 1; at >= 0; at--) queue.remove(items[at] as { queuedAt: number });
    assert.ok(queue.empty);
    return (performance.now() - from) / length;
  };
  perItem(2000);
  const [few, many] = [Math.min(perItem(2000), perItem(2000)), Math.min(perItem(64_000), perItem(64_000))];
  assert.ok(many < 10 * few + 0.001, `${few} ms each of 2000, ${many} ms each of 64000`);
});
