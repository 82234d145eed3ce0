import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { IscsiError } from '../../src/errors.ts';
import { ExpectationError } from '../../src/wire/expectation.ts';
import { WireInitiator } from '../../src/wire/initiator.ts';
import { WireListener } from '../../src/wire/listener.ts';
import { pair } from './pair.ts';

/** A time that is long enough for what comes at once, and short enough to wait for what never comes. */
const SHORT = 40;
const CODES = { pdu: 'ISCSI_PROTOCOL', end: 'ISCSI_CONNECTION_LOST', silence: 'ISCSI_TIMEOUT' };

/** Matches an expectation that failed because `saw` was seen, in words that match `text`. */
function failed(saw: keyof typeof CODES, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ExpectationError, String(error));
    assert.deepEqual([error.observation.saw, error.code], [saw, CODES[saw]]);
    assert.match(error.message, text);
    return true;
  };
}

test('what comes instead of what is expected is in the error, by name and by its fields', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.nop({ initiatorTaskTag: 77 });
  await assert.rejects(
    target.expect('SCSI_COMMAND'),
    failed(
      'pdu',
      /^Cannot see a PDU "SCSI Command": there came NOP-Out \(immediate, initiatorTaskTag 77, .*cmdSN 1\b.*\)$/,
    ),
  );
});

test('silence where a PDU is expected is an error at the deadline', async (t) => {
  const { target } = await pair(t);
  const begun = performance.now();
  await assert.rejects(
    target.expect({ opcode: 'NOP_OUT', initiatorTaskTag: 5 }, { within: SHORT }),
    failed('silence', /^Cannot see a PDU "NOP-Out" with initiatorTaskTag 5: nothing came within 40 ms$/),
  );
  assert.ok(performance.now() - begun >= SHORT - 1);
});

test('find() leaves what it passes over, and says what that was when it finds nothing', async (t) => {
  const { initiator, target } = await pair(t);
  for (const initiatorTaskTag of [1, 2, 3]) initiator.nop({ initiatorTaskTag });
  assert.equal((await target.find({ initiatorTaskTag: 3 })).initiatorTaskTag, 3);
  await assert.rejects(
    target.find('SNACK', { within: SHORT }),
    failed('silence', /within 40 ms but NOP-Out \(.*initiatorTaskTag 1,.*\); NOP-Out \(.*initiatorTaskTag 2,.*\)$/),
  );
  assert.equal((await target.next()).initiatorTaskTag, 1);
  assert.equal(target.unread.length, 1);
});

test('nothing() holds for its whole time, and ends at once when a PDU or the end comes', async (t) => {
  const { initiator, target } = await pair(t);
  const begun = performance.now();
  await target.nothing(SHORT);
  assert.ok(performance.now() - begun >= SHORT - 1);
  initiator.nop();
  await assert.rejects(target.nothing(60_000), failed('pdu', /^Cannot see 60000 ms of silence: there came NOP-Out/));
  initiator.finish();
  await assert.rejects(target.nothing(60_000), failed('end', /silence: the peer closed the connection$/));
});

test('a peer that closes, resets, or stops in the middle of a PDU is an observation of its own', async (t) => {
  const closing = await pair(t);
  closing.initiator.nop({}, { length: 20 });
  closing.initiator.finish();
  const seen = await closing.target.observe();
  assert.ok(seen.saw === 'end');
  assert.deepEqual([seen.end.how, seen.end.cutOff], ['closed', 20]);
  await assert.rejects(
    closing.target.next(),
    failed('end', /^Cannot see a PDU: the peer closed the connection 20 bytes into a PDU$/),
  );

  const resetting = await pair(t);
  resetting.initiator.reset();
  const { how, error } = await resetting.target.ended();
  assert.equal(how, 'reset');
  assert.match(error?.message ?? '', /ECONNRESET/);
});

test('PDUs that came before the end are still there behind it', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.nop({ initiatorTaskTag: 1 });
  await initiator.flushed();
  await initiator.close();
  assert.equal((await target.ended()).how, 'closed');
  assert.equal((await target.next()).initiatorTaskTag, 1);
  assert.equal((await target.observe()).saw, 'end');
});

test('a peer that has ended its sending can still be talked to', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.finish();
  await target.ended();
  target.nop({ targetTransferTag: 0xffff_ffff });
  await initiator.expect('NOP_IN');

  const other = await pair(t);
  other.target.finish();
  await other.initiator.ended();
  other.initiator.nop();
  await other.target.expect('NOP_OUT');
});

test('ended() says what the peer did instead of closing', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.nop();
  await assert.rejects(
    target.ended({ within: SHORT }),
    failed('silence', /^Cannot see the end of the connection: nothing came within 40 ms but NOP-Out/),
  );
});

test('a segment beyond the limit makes the stream unreadable, and that is the end of it', async (t) => {
  const { initiator, target } = await pair(t, { target: { segmentLimit: 100 } });
  initiator.nop({ data: new Uint8Array(101) });
  initiator.nop();
  const { how, error } = await target.ended();
  assert.deepEqual([how, error?.message], ['unreadable', 'Cannot take a data segment of 101 bytes: 100 allowed']);
  assert.deepEqual(target.unread, []);
});

test('of a flood that nobody reads the newest is kept and the rest is counted', async (t) => {
  const { initiator, target } = await pair(t, { target: { inbox: { pdus: 10 } } });
  for (let initiatorTaskTag = 0; initiatorTaskTag < 1000; initiatorTaskTag++) initiator.nop({ initiatorTaskTag });
  await target.find({ initiatorTaskTag: 999 });
  assert.deepEqual([target.unread.length, target.dropped], [9, 990]);
  assert.equal((await target.next()).initiatorTaskTag, 990);
});

test('a PDU in pieces of any length arrives as one', async (t) => {
  const { initiator, target } = await pair(t);
  const bytes = initiator.nop({ data: Uint8Array.of(1, 2, 3), initiatorTaskTag: 1 }).bytes;
  await target.next();
  for (const pieceLength of [1, 7, 48, 100]) {
    await initiator.sendPieces(bytes, pieceLength);
    assert.equal(toHex((await target.expect('NOP_OUT')).data), '010203');
  }
  await assert.rejects(initiator.sendPieces(bytes, 0), RangeError);
});

test('a peer that reads nothing ends flushed() at its deadline', async (t) => {
  const server = createServer({ pauseOnConnect: true });
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  const initiator = await WireInitiator.connect({ host: '127.0.0.1', port: bound.port });
  t.after(() => initiator.close());
  initiator.sendBytes(new Uint8Array(64 * 1024 * 1024));
  await assert.rejects(initiator.flushed({ within: SHORT }), failed('silence', /^Cannot send what was to be sent: /));
  assert.ok(initiator.unflushed > 0);
});

test('every PDU is shown as it arrives, in its order', async (t) => {
  const names: string[] = [];
  const { initiator, target } = await pair(t, { initiator: { onArrival: (pdu) => names.push(pdu.name) } });
  target.nop();
  target.asyncMessage({ asyncEvent: 1, parameter3: 5 });
  await initiator.expect('ASYNC_MESSAGE');
  assert.deepEqual(names, ['NOP-In', 'Asynchronous Message']);
});

test('all bytes are shown in both directions, also those that are no PDU', async (t) => {
  const carried = { sent: 0, received: 0 };
  const onBytes = (direction: 'sent' | 'received', bytes: Uint8Array): void => {
    carried[direction] += bytes.length;
  };
  const { initiator, target } = await pair(t, { initiator: { onBytes } });
  initiator.sendBytes(Uint8Array.of(1, 2, 3));
  target.nop({}, { length: 30 });
  await target.close();
  await initiator.ended();
  assert.deepEqual(carried, { sent: 3, received: 30 });
});

test('a signal ends what waits, and a signal of the connection ends the connection', async (t) => {
  const one = new AbortController();
  const whole = new AbortController();
  const { initiator, target } = await pair(t, { initiator: { signal: whole.signal } });
  const waiting = initiator.next({ signal: one.signal });
  one.abort();
  await assert.rejects(waiting, (error) => error instanceof IscsiError && error.code === 'ISCSI_ABORTED');
  const next = initiator.next();
  whole.abort(new Error('no more'));
  await assert.rejects(next, failed('end', /: this side has closed the connection \(no more\)$/));
  await target.ended();
  assert.throws(
    () => initiator.nop(),
    (error) => error instanceof IscsiError && error.code === 'ISCSI_CLOSED',
  );
});

test('to a peer that is gone bytes go nowhere, and the end is seen', async (t) => {
  const { initiator, target } = await pair(t);
  await target.close();
  await initiator.ended();
  for (let sent = 0; sent < 3; sent++) {
    initiator.nop();
    await initiator.flushed();
  }
  assert.equal((await initiator.observe()).saw, 'end');
});

test('nobody listens, nobody comes: both say so', async () => {
  const listener = await WireListener.open();
  const { port } = listener.address;
  await assert.rejects(
    listener.accept({ within: SHORT }),
    /^IscsiError: Cannot accept a connection: none came within 40 ms$/,
  );
  await listener.close();
  await assert.rejects(WireInitiator.connect(`127.0.0.1:${port}`), (error) => {
    assert.ok(error instanceof IscsiError);
    assert.equal(error.code, 'ISCSI_REFUSED');
    assert.match(error.message, new RegExp(`^Cannot connect to 127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`));
    return true;
  });
  assert.throws(() => listener.address, { code: 'ISCSI_CLOSED' });
  const aborting = AbortSignal.abort();
  await assert.rejects(WireInitiator.connect('127.0.0.1', { signal: aborting }), { code: 'ISCSI_ABORTED' });
});

test('a listener that closes takes its connections with it', async (t) => {
  const listener = await WireListener.open();
  const initiator = await WireInitiator.connect(listener.address);
  t.after(() => initiator.close());
  const target = await listener.accept();
  await listener.close();
  assert.equal(target.end?.how, 'own');
  assert.notEqual((await initiator.ended()).how, 'own');
});
