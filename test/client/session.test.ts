/** Cancelling, timeouts, closing, and the raw layer over a real socket. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { connect, openSession } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { TASK_MANAGEMENT_FUNCTIONS } from '../../src/spec/iscsi-task-management.ts';
import { loopTime, PATIENCE } from '../support/loop-time.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { keyText } from '../support/speaker/data.ts';
import { NIL } from '../support/speaker/pdu.ts';
import { assertNoHandlesLeft } from './handles.ts';

const READ_10 = 0x28;
const WRITE_10 = 0x2a;

async function open(t: TestContext, options: RawTargetOptions = {}, connectOptions: ConnectOptions = {}) {
  const target = await RawTarget.listen(t, options);
  const lun = await connect(target.url(), connectOptions);
  t.after(() => lun.close());
  return { target, lun, disk: target.disk };
}

/** Leaves commands with this operation code unanswered. */
function silentAbout(...operations: readonly number[]): RawTargetOptions {
  return { onCommand: ({ cdb }) => operations.includes(cdb[0] ?? 0) };
}

async function until(condition: () => boolean): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    assert.ok(performance.now() - started < PATIENCE, 'it does not come about');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test('an abort by signal is ABORT TASK on the wire, and the session lives on', async (t) => {
  const { target, lun } = await open(t, silentAbout(READ_10));
  const stop = new AbortController();
  const reason = new Error('no longer needed');
  const read = lun.read(new Uint8Array(512), { position: 0, signal: stop.signal });
  await until(() => target.connection.sent.at(-1)?.header[32] === READ_10);
  const command = target.connection.sent.at(-1);
  stop.abort(reason);
  await assert.rejects(read, { code: 'ISCSI_ABORTED', cause: reason });
  const [abort, ...more] = target.connection.ofOpcode(0x02);
  assert.deepEqual([abort?.flags, abort?.word(20), more.length], [0x81, command?.tag, 0]);
  await lun.write(new Uint8Array(512).fill(1), { position: 0 });
  assert.equal(lun.session.open, true);
});

test('an abort before, after and twice does no harm', async (t) => {
  const { target, lun } = await open(t);
  const stop = new AbortController();
  await lun.read(new Uint8Array(512), { position: 0, signal: stop.signal });
  stop.abort();
  stop.abort();
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0, signal: stop.signal }), { code: 'ISCSI_ABORTED' });
  await assert.rejects(lun.write(new Uint8Array(5), { position: 0, signal: stop.signal }), { code: 'ISCSI_ABORTED' });
  await assert.rejects(lun.flush({ signal: stop.signal }), { code: 'ISCSI_ABORTED' });
  await lun.write(new Uint8Array(5), { position: 0 });
  assert.deepEqual(target.connection.ofOpcode(0x02), []);
});

test('one signal aborts many commands, one after the other; none is left under way', async (t) => {
  const { target, lun, disk } = await open(t, silentAbout(READ_10));
  const stop = new AbortController();
  const pieces = Array.from({ length: 30 }, (_, at) =>
    lun.read(new Uint8Array(512), { position: at * 512, signal: stop.signal }),
  );
  await until(() => target.connection.sent.filter(({ header }) => header[32] === READ_10).length === 30);
  stop.abort();
  const outcomes = await Promise.allSettled(pieces);
  assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'ISCSI_ABORTED'));
  assert.equal(target.connection.ofOpcode(0x02).length, 30);
  assert.equal(lun.session.core.tasks.size, 0);
  assert.equal(disk.log.length, 0);
});

test('signals are let go of when their command has ended', async (t) => {
  const { lun } = await open(t);
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...parameters: Parameters<typeof add>): void => {
    listeners++;
    add(...parameters);
  };
  signal.removeEventListener = (...parameters: Parameters<typeof remove>): void => {
    listeners--;
    remove(...parameters);
  };
  for (let round = 0; round < 20; round++) await lun.read(new Uint8Array(700), { position: 9, signal });
  assert.equal(listeners, 0);
});

test('a timeout aborts its command in time, and the session lives on', async (t) => {
  const { target, lun } = await open(t, silentAbout(READ_10, WRITE_10));
  for (const work of [
    () => lun.read(new Uint8Array(512), { position: 0, timeout: 600 }),
    () => lun.write(new Uint8Array(512), { position: 0, timeout: 600 }),
    () => lun.execute(Uint8Array.of(READ_10, 0, 0, 0, 0, 0, 0, 0, 1, 0), { dataIn: new Uint8Array(512), timeout: 600 }),
  ]) {
    const [started, passed] = [performance.now(), loopTime()];
    await assert.rejects(work(), { code: 'ISCSI_TIMEOUT' });
    const took = performance.now() - started;
    assert.ok(took > 300 && passed() < 700, `${took} ms`);
  }
  assert.equal(target.connection.ofOpcode(0x02).length, 3);
  assert.equal(lun.session.open, true);
});

test('a time that cannot be is refused, and nothing is sent', async (t) => {
  const { target, lun } = await open(t);
  const before = target.connection.ofOpcode(0x01).length;
  for (const timeout of [Number.NaN, 0, -1]) {
    for (const work of [
      () => lun.read(new Uint8Array(512), { position: 0, timeout }),
      () => lun.write(new Uint8Array(512), { position: 0, timeout }),
      () => lun.write(new Uint8Array(5), { position: 0, timeout }),
      () => lun.flush({ timeout }),
      () => lun.session.nop(undefined, { timeout }),
      () => connect(target.url(), { timeout }),
      () => connect(target.url(), { connectTimeout: timeout }),
    ]) {
      await assert.rejects(work(), {
        code: 'ISCSI_USAGE',
        message: /imeout of (NaN|0|-1): milliseconds above 0 allowed/,
      });
    }
  }
  assert.equal(target.connection.ofOpcode(0x01).length, before);
  // no limit, and no gate left shut
  await lun.write(new Uint8Array(512), { position: 0, timeout: Number.POSITIVE_INFINITY });
});

test('a target that answers neither the command nor the abort loses the session, in time; everything else settles too', async (t) => {
  const { target, lun } = await open(t, {
    ...silentAbout(READ_10),
    onPdu: ({ opcode }) => opcode === 0x02,
  });
  const other = lun.read(new Uint8Array(512), { position: 0 });
  other.catch(() => undefined);
  const passed = loopTime();
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0, timeout: 200 }), { code: 'ISCSI_TIMEOUT' });
  await assert.rejects(other, { code: 'ISCSI_TIMEOUT' });
  assert.ok(passed() < 1000);
  assert.equal(lun.session.open, false);
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_CLOSED' });
  await until(() => target.connection.socket.destroyed || target.connection.socket.readableEnded);
});

test('a write that failed with its session is not sent on with what its buffer holds by then', async (t) => {
  // The target does not read: megabytes wait in the socket, by reference to the buffer.
  const { target, lun } = await open(t, {
    answers: { MaxRecvDataSegmentLength: '262144', FirstBurstLength: '262144' },
    window: 200,
  });
  const { socket } = target.connection;
  const position = target.connection.sent.length;
  socket.pause();
  const buffers = Array.from({ length: 100 }, () => new Uint8Array(120_000 - (120_000 % 512)).fill(0x33));
  const writes = buffers.map((buffer) => lun.write(buffer, { position: 0, timeout: 300 }));
  const outcomes = await Promise.allSettled(writes);
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  for (const buffer of buffers) buffer.fill(0xee); // they are ours again
  socket.resume();
  await until(() => socket.readableEnded || socket.destroyed);
  const data = target.connection.sent.slice(position).map((pdu) => pdu.data);
  assert.ok(data.length < 100);
  assert.ok(data.every((bytes) => !bytes.includes(0xee)));
});

test('close() waits for the commands under way, logs out, and leaves no socket and no timer', async (t) => {
  const target = await RawTarget.listen(t, {
    onCommand: (command, connection) => {
      if (command.cdb[0] !== READ_10) return false;
      setTimeout(() => connection.give(command, new Uint8Array(512).fill(4)), 50);
      return true;
    },
  });
  await assertNoHandlesLeft(async () => {
    const lun = await connect(target.url());
    const read = lun.read(new Uint8Array(512), { position: 0 });
    const closing = lun.close();
    await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_CLOSED' });
    assert.equal((await read).buffer[0], 4);
    await Promise.all([closing, lun.close(), lun.session.close()]);
  });
  const opcodes = target.connection.sent.map(({ opcode }) => opcode);
  assert.equal(opcodes.at(-1), 0x06);
  assert.equal(opcodes.filter((opcode) => opcode === 0x06).length, 1);
});

test('close() leaves nothing behind when the target ends the connection itself, or leaves that to us', async (t) => {
  for (const reply of [true, false]) {
    const target = await RawTarget.listen(t, {
      onPdu: (pdu, connection) => {
        if (pdu.opcode !== 0x06) return false;
        if (reply) connection.send(connection.voice.logoutResponse(pdu.tag));
        else connection.socket.destroy();
        return true;
      },
    });
    await assertNoHandlesLeft(async () => {
      const lun = await connect(target.url());
      await lun.close();
    });
  }
});

test('close() of a session that was lost, and of one that a command is hanging in, comes to an end', async (t) => {
  const lost = await open(t);
  lost.target.connection.socket.destroy();
  await assert.rejects(lost.lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_CONNECTION_LOST' });
  await lost.lun.close();

  await assertNoHandlesLeft(async () => {
    const target = await RawTarget.listen(t, { ...silentAbout(READ_10), onPdu: ({ opcode }) => opcode === 0x06 });
    const lun = await connect(target.url(), { timeout: 300 });
    const read = lun.read(new Uint8Array(512), { position: 0, timeout: 1e6 });
    read.catch(() => undefined);
    const closing = lun.close();
    setTimeout(() => target.connection.socket.destroy(), 200);
    await closing;
    await assert.rejects(read, { code: 'ISCSI_CONNECTION_LOST' });
  });
});

test('await using closes the session', async (t) => {
  const target = await RawTarget.listen(t);
  {
    await using lun = await connect(target.url());
    await lun.testUnitReady();
  }
  assert.equal(target.connection.sent.at(-1)?.opcode, 0x06);
  {
    await using session = await openSession(target.url());
    const lun = await session.logicalUnit(0);
    await lun.close();
    assert.equal(session.open, true, 'a logical unit of a session leaves it open');
  }
});

test('a connection that breaks fails what is under way, and nothing is sent again', async (t) => {
  const { target, lun } = await open(t, silentAbout(WRITE_10));
  const writes = Array.from({ length: 5 }, (_, at) => lun.write(new Uint8Array(512), { position: at * 512 }));
  await until(() => target.connection.sent.filter(({ header }) => header[32] === WRITE_10).length === 5);
  target.connection.socket.resetAndDestroy();
  const outcomes = await Promise.allSettled(writes);
  assert.ok(
    outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'ISCSI_CONNECTION_LOST'),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(target.connections.length, 1);
});

test('garbage in the full feature phase fails what is under way with ISCSI_PROTOCOL, and close() returns', async (t) => {
  const { target, lun } = await open(t, {
    onCommand: ({ cdb }, { socket }) => {
      if (cdb[0] !== READ_10) return false;
      socket.write('HTTP/1.1 200 OK\r\n\r\n'.padEnd(64, 'x'));
      return true;
    },
  });
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_PROTOCOL' });
  await lun.close();
  await until(() => target.connection.socket.destroyed || target.connection.socket.readableEnded);
});

test('the raw layer: ping, task management, LUNs, a CDB of any length', async (t) => {
  const { target, lun } = await open(t);
  const { session } = lun;
  assert.deepEqual([...(await session.nop(Uint8Array.of(1, 2, 3)))], [1, 2, 3]);
  assert.equal(await session.taskManagement({ functionCode: 5, lun: 0 }), 0);
  assert.equal(target.connection.ofOpcode(0x02)[0]?.word(20), NIL);
  assert.deepEqual(
    (await session.reportLuns()).map(({ text }) => text),
    ['0'],
  );
  const unknown = await session.execute(0, { cdb: Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 0x7f : at)) });
  assert.equal(unknown.status, 2);
  assert.equal(target.connection.sent.at(-1)?.ahs.length, 20);
});

test('a command under way is found by its buffer, and ABORT TASK by hand ends it and no other', async (t) => {
  const { target, lun } = await open(t, silentAbout(READ_10));
  const { session } = lun;
  const buffers = [new Uint8Array(512), new Uint8Array(1024)];
  const reads = buffers.map((buffer, at) => lun.read(buffer, { position: at * 4096 }));
  await until(() => target.connection.sent.filter(({ header }) => header[32] === READ_10).length === 2);
  const task = session.commandsUnderWay().find(({ dataIn }) => dataIn === buffers[1]);
  const sent = target.connection.sent.at(-1);
  assert.ok(task !== undefined);
  assert.deepEqual(
    [task.initiatorTaskTag, task.cmdSN, task.lun, task.cdb[0]],
    [sent?.tag, sent?.word(24), { high: 0, low: 0 }, READ_10],
  );
  const { ABORT_TASK } = TASK_MANAGEMENT_FUNCTIONS;
  assert.equal(await session.taskManagement({ functionCode: ABORT_TASK, task }), 0);
  const [abort] = target.connection.ofOpcode(0x02);
  assert.deepEqual([abort?.word(20), abort?.word(32)], [task.initiatorTaskTag, task.cmdSN]);
  await assert.rejects(reads[1] ?? assert.fail(), { code: 'ISCSI_ABORTED' });
  assert.deepEqual(
    session.commandsUnderWay().map(({ dataIn }) => dataIn),
    [buffers[0]],
  );
  const rest = session.commandsUnderWay().map((other) => session.taskManagement({ functionCode: 1, task: other }));
  await Promise.all(rest);
  await assert.rejects(reads[0] ?? assert.fail(), { code: 'ISCSI_ABORTED' });
  assert.deepEqual(session.commandsUnderWay(), []);
});

test('a command that waits for the window cannot be named to the target, which does not know it', async (t) => {
  const { target, lun } = await open(t, { ...silentAbout(READ_10), window: 1 });
  const stop = new AbortController();
  const buffers = [new Uint8Array(512), new Uint8Array(512)];
  const reads = buffers.map((buffer) => lun.read(buffer, { position: 0, signal: stop.signal }));
  await until(() => target.connection.sent.at(-1)?.header[32] === READ_10);
  const task = lun.session.commandsUnderWay().find(({ dataIn }) => dataIn === buffers[1]);
  assert.ok(task !== undefined);
  assert.equal(task.cmdSN, undefined);
  await assert.rejects(lun.session.taskManagement({ functionCode: 1, task }), { code: 'ISCSI_USAGE' });
  assert.deepEqual(target.connection.ofOpcode(0x02), []);
  stop.abort();
  for (const outcome of await Promise.allSettled(reads))
    assert.ok(outcome.status === 'rejected' && outcome.reason.code === 'ISCSI_ABORTED');
});

test('a signal ends the waiting for a ping, a text and a task management function at once; their answers may come later', async (t) => {
  const late: (() => void)[] = [];
  const { target, lun } = await open(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode === 0x00) late.push(() => connection.send(connection.voice.pong(pdu.tag, pdu.data.slice())));
      else if (pdu.opcode === 0x02) late.push(() => connection.send(connection.voice.taskManagementResponse(pdu.tag)));
      else if (pdu.opcode === 0x04)
        late.push(() => connection.send(connection.voice.textResponse(pdu.tag, keyText({ A: 'b' }))));
      else return false;
      return true;
    },
  });
  const { session } = lun;
  const stop = new AbortController();
  const { signal } = stop;
  const requests = [
    session.nop(undefined, { signal }),
    session.taskManagement({ functionCode: 5 }, { signal }),
    session.text('A=?\0', { signal }),
    session.text('B=?\0', { signal }), // waits for its turn
  ];
  await until(() => late.length === 3);
  const reason = new Error('no longer needed');
  stop.abort(reason);
  for (const outcome of await Promise.allSettled(requests)) {
    assert.ok(outcome.status === 'rejected');
    assert.deepEqual([outcome.reason.code, outcome.reason.cause], ['ISCSI_ABORTED', reason]);
  }
  for (const work of [
    () => session.nop(undefined, { signal }),
    () => session.text('C=?\0', { signal }),
    () => session.taskManagement({ functionCode: 5 }, { signal }),
  ]) {
    await assert.rejects(work(), { code: 'ISCSI_ABORTED' });
  }
  const next = session.text('D=?\0'); // only one text may be under way: this one waits for the answer to the first
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(target.connection.ofOpcode(0x04).length, 1);
  for (const answer of late.splice(0)) answer();
  await until(() => late.length === 1);
  for (const answer of late.splice(0)) answer();
  assert.deepEqual(Buffer.from(await next).toString(), 'A=b\0');
  assert.deepEqual(
    target.connection.ofOpcode(0x04).map(({ data }) => Buffer.from(data).toString()),
    ['A=?\0', 'D=?\0'],
  );
  await lun.read(new Uint8Array(512), { position: 0 });
});

test('requests take a timeout that can be, and their own LUN', async (t) => {
  const { target, lun } = await open(t);
  for (const timeout of [Number.NaN, 0, -1]) {
    await assert.rejects(lun.session.text('A=?\0', { timeout }), { code: 'ISCSI_USAGE' });
    await assert.rejects(lun.session.taskManagement({ functionCode: 5 }, { timeout }), { code: 'ISCSI_USAGE' });
  }
  await lun.session.taskManagement({ functionCode: 5, lun: { high: 0x4001_0000, low: 0 } });
  assert.equal(target.connection.ofOpcode(0x02)[0]?.word(8), 0x4001_0000);
});

test('what cannot be sent is ISCSI_USAGE, and the session lives on', async (t) => {
  const { lun } = await open(t, { answers: { MaxRecvDataSegmentLength: '512' } });
  const { session } = lun;
  for (const length of [0, 5, 261, 2000]) {
    await assert.rejects(session.execute(0, { cdb: new Uint8Array(length) }), { code: 'ISCSI_USAGE' });
  }
  await assert.rejects(session.nop(new Uint8Array(513)), { code: 'ISCSI_USAGE' });
  await assert.rejects(session.text(`SendTargets=${'x'.repeat(600)}\0`), { code: 'ISCSI_USAGE' });
  await assert.rejects(session.execute(-1, { cdb: new Uint8Array(6) }));
  await lun.read(new Uint8Array(512), { position: 0 });
});

test('many commands at once, more than the window, all come to an end', async (t) => {
  for (const window of [1, 3]) {
    const { lun, disk } = await open(t, { window });
    const buffers = Array.from({ length: 300 }, (_, at) => new Uint8Array(512).fill(at));
    await Promise.all(buffers.map((buffer, at) => lun.write(buffer, { position: (at % 256) * 512 })));
    assert.equal(disk.log.length, 300);
  }
});

test('I-104: an ISID of ours is used for every login', async (t) => {
  const target = await RawTarget.listen(t);
  const isid = Uint8Array.of(0x80, 1, 2, 3, 0, 9);
  for (let round = 0; round < 2; round++) await (await connect(target.url(), { isid })).close();
  for (const { sent } of target.connections)
    assert.deepEqual([...(sent[0]?.header.subarray(8, 16) ?? [])], [...isid, 0, 0]);
});

test('I-049: sessions of our own making have ISIDs of the random kind, each another', async (t) => {
  const target = await RawTarget.listen(t);
  for (let round = 0; round < 3; round++) await (await connect(target.url())).close();
  const isids = target.connections.map(({ sent }) =>
    Buffer.from(sent[0]?.header.subarray(8, 14) ?? []).toString('hex'),
  );
  assert.equal(new Set(isids).size, 3);
  assert.ok(isids.every((isid) => /^80/.test(isid)));
});

test('everything works against our own target with digests, byte for byte', async (t) => {
  const target = createTarget({
    luns: [{ memory: '1M' }],
    parameters: { headerDigest: 'crc32c', dataDigest: 'crc32c' },
  });
  await target.listen({ port: 0 });
  t.after(() => target.close());
  const lun = await connect(target.url(), { headerDigest: 'crc32c', dataDigest: 'crc32c' });
  assert.deepEqual([lun.session.parameters.headerDigest, lun.session.parameters.dataDigest], [true, true]);
  const bytes = Uint8Array.from({ length: 300_001 }, (_, at) => at * 13);
  await lun.write(bytes, { position: 77 });
  const { buffer } = await lun.read(new Uint8Array(bytes.length), { position: 77 });
  assert.ok(Buffer.from(buffer).equals(bytes));
  await lun.close();
});

test('a logical unit and a session are shown in one line each', async (t) => {
  const { lun, target } = await open(t);
  assert.equal(inspect(lun), 'IscsiLogicalUnit { LUN 0 of iqn.2003-01.org.example:target, 256 blocks of 512 bytes }');
  const at = `Session { iqn.2003-01.org.example:target at 127.0.0.1:${target.port}`;
  assert.equal(inspect(lun.session), `${at}, open }`);
  assert.equal(
    inspect({ lun: lun.session }, { depth: 5, breakLength: Number.POSITIVE_INFINITY }),
    `{ lun: ${at}, open } }`,
  );
  await lun.close();
  assert.equal(inspect(lun.session), `${at}, closed }`);
});
