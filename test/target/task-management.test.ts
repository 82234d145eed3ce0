import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NIL } from '../support/speaker/pdu.ts';
import { nodeWith, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

const WRITE = 0xa1;
const ABORT_TASK = 1;
const ABORT_TASK_SET = 2;
const CLEAR_TASK_SET = 4;
const LOGICAL_UNIT_RESET = 5;

function loggedIn(setup = nodeWith(), isid = '800000000001') {
  const i = new RawInitiator(setup.node);
  i.login({ isid });
  return { ...setup, i };
}

/** The response of the only PDU, which must answer `tag`. */
function responseTo(i: RawInitiator, tag: number): number {
  const pdu = i.collect().takeOnly();
  assert.deepEqual([pdu.opcode, pdu.tag], [0x22, tag]);
  return pdu.byte2;
}

test('T-099 T-105 ABORT TASK of a command that is executing is answered when the command can have no more effect, and nothing follows', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  const tag = i.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(512) });
  const abort = i.taskManagement(ABORT_TASK, tag);
  i.nothing();
  assert.equal(device.tasks[0]?.aborted, true);
  device.next();
  assert.equal(responseTo(i, abort), 0);
  assert.equal(
    device.disk.some((byte) => byte !== 0),
    false,
  );
  const again = i.taskManagement(ABORT_TASK, tag);
  assert.equal(responseTo(i, again), 1, 'it does not exist any more');
});

test('T-095 T-099 ABORT TASK of a write that waits for data is answered at once, and its data is dropped without a word', () => {
  const { i, device } = loggedIn();
  const tag = i.command(write10(0, 1), { flags: WRITE, edtl: 512 });
  const r2t = i.take();
  const abort = i.taskManagement(ABORT_TASK, tag);
  assert.equal(responseTo(i, abort), 0);
  i.dataOut(tag, r2t.transferTag, 0, 0, pattern(512));
  i.nothing();
  assert.equal(
    device.log.some((line) => line.startsWith('execute')),
    false,
  );
  i.command(read10(0, 1), { edtl: 512, tag });
  assert.equal(i.takeOnly().opcode, 0x25, 'the tag can be used again');
});

test('T-100 ABORT TASK of a command that never came plugs its hole', () => {
  const { i, device } = loggedIn();
  i.command(read10(5, 1), { cmdSN: 2, edtl: 512 });
  i.nothing();
  const abort = i.taskManagement(ABORT_TASK, 0x999, { refCmdSN: 1, cmdSN: 3 });
  const [read, response] = i.takeAll();
  assert.deepEqual([read?.opcode, read?.expCmdSN], [0x25, 3]);
  assert.deepEqual([response?.opcode, response?.tag, response?.byte2], [0x22, abort, 0]);
  i.command(read10(6, 1), { cmdSN: 1, edtl: 512 });
  i.nothing();
  assert.equal(device.log.includes('execute 28 6'), false, 'the plugged command is a duplicate now');
});

test('T-100 a hole behind another hole is plugged when its turn comes', () => {
  const { i } = loggedIn();
  i.taskManagement(ABORT_TASK, 0x999, { refCmdSN: 2, cmdSN: 3 });
  assert.equal(i.takeOnly().expCmdSN, 1);
  i.command(read10(0, 1), { cmdSN: 1, edtl: 512 });
  i.command(read10(0, 1), { cmdSN: 3, edtl: 512 });
  assert.deepEqual(
    i.takeAll().map(({ expCmdSN }) => expCmdSN),
    [3, 4],
  );
});

test('T-101 ABORT TASK of an unknown command outside the window is answered with 1', () => {
  const { i } = loggedIn();
  assert.equal(responseTo(i, i.taskManagement(ABORT_TASK, 0x999, { refCmdSN: 0 })), 1);
  assert.equal(
    responseTo(i, i.taskManagement(ABORT_TASK, 0x999, { refCmdSN: 1, cmdSN: 1 })),
    1,
    'not before the request itself',
  );
});

test('T-102 ABORT TASK of a task management function is rejected', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  const set = i.taskManagement(ABORT_TASK_SET);
  assert.equal(responseTo(i, i.taskManagement(ABORT_TASK, set)), 255);
  assert.equal(responseTo(i, i.taskManagement(ABORT_TASK, 0x777, { tag: 0x777 })), 255, 'nor of itself');
  device.next();
  assert.equal(responseTo(i, set), 0);
});

test('T-103 an unknown LUN is answered with 2, an unsupported function with 5, TASK REASSIGN with 4 (T-109, T-111)', () => {
  const { i } = loggedIn();
  const lun = '0063000000000000';
  for (const code of [ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]) {
    assert.equal(responseTo(i, i.taskManagement(code, NIL, { lun })), 2, `function ${code}`);
  }
  for (const code of [3, 7, 9, 10, 11, 12, 50])
    assert.equal(responseTo(i, i.taskManagement(code)), 5, `function ${code}`);
  assert.equal(responseTo(i, i.taskManagement(8)), 4);
});

test('T-104 ABORT TASK SET waits for data that was asked for and for commands before it, and is answered last', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  const waiting = i.command(write10(0, 1), { flags: WRITE, edtl: 512 });
  const r2t = i.take();
  i.command(read10(1, 1), { edtl: 512 });
  i.command(read10(1, 1), { edtl: 512, lun: '0001000000000000' });
  const set = i.taskManagement(ABORT_TASK_SET, NIL, { cmdSN: 5 }); // CmdSN 4 has not come yet
  assert.deepEqual(
    device.tasks.map(({ aborted }) => aborted),
    [false, false],
  );
  i.command(read10(2, 1), { edtl: 512 });
  assert.deepEqual(
    device.tasks.map(({ aborted }) => aborted),
    [true, false, true],
    'LUN 1 is not concerned',
  );
  for (const task of device.tasks.splice(0)) device.answer(task);
  assert.deepEqual(
    i
      .collect()
      .takeAll()
      .map(({ opcode }) => opcode),
    [0x25],
    'LUN 1 only',
  );
  i.dataOut(waiting, r2t.transferTag, 0, 0, pattern(512), 0);
  i.nothing();
  i.dataOut(waiting, r2t.transferTag, 1, 512, new Uint8Array(0));
  assert.equal(responseTo(i, set), 0);
  assert.equal(device.tasks.length, 0, 'the write was never executed');
});

test('T-104 data that never comes is waited for no longer than the patience', () => {
  const never = Number.POSITIVE_INFINITY;
  const others = { keepAlive: never, sendPatience: never, dataPatience: never };
  const { i, node } = loggedIn(nodeWith({}, { abortPatience: 2000, ...others }));
  i.command(write10(0, 1), { flags: WRITE, edtl: 512 });
  i.take();
  const set = i.taskManagement(CLEAR_TASK_SET);
  i.nothing().pass(1999).nothing();
  i.pass(1);
  assert.equal(responseTo(i, set), 0);
  assert.equal(i.core.nextDeadline(), Number.POSITIVE_INFINITY);
  assert.equal(node.sessions[0]?.tasks.size, 0);
});

test('T-106 LOGICAL UNIT RESET ends the tasks of all initiators, then resets', () => {
  const setup = nodeWith();
  const { i, device } = loggedIn(setup);
  const other = loggedIn(setup, '800000000002').i;
  device.holds = true;
  const waiting = other.command(write10(0, 1), { flags: WRITE, edtl: 512 });
  const r2t = other.take();
  const reading = other.command(read10(0, 1), { edtl: 512 });
  i.command(read10(1, 1), { edtl: 512 });
  const reset = i.taskManagement(LOGICAL_UNIT_RESET);
  assert.equal(device.log.includes('reset 0'), false, 'not before the tasks are gone');
  device.next();
  i.collect().nothing();
  device.next();
  assert.equal(device.log.at(-1), 'reset 0');
  assert.equal(responseTo(i, reset), 0);
  const aborted = other.collect().takeOnly();
  assert.deepEqual([aborted.opcode, aborted.tag, aborted.status], [0x21, reading, 0x40], 'TASK ABORTED (TAS 1)');
  other.dataOut(waiting, r2t.transferTag, 0, 0, pattern(512));
  const late = other.takeOnly();
  assert.deepEqual([late.opcode, late.tag, late.status], [0x21, waiting, 0x40], 'after the data that was asked for');
  other.ping();
  assert.equal(other.takeOnly().maxCmdSN, 130, 'the window is open again');
});

test('ABORT TASK ends a task that waits for others, and one that came early', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  const ordered = i.command(read10(1, 1), { edtl: 512, flags: 0xc2 });
  i.command(read10(2, 1), { edtl: 512 });
  assert.equal(device.tasks.length, 1);
  assert.equal(responseTo(i, i.taskManagement(ABORT_TASK, ordered)), 0);
  assert.deepEqual(
    device.tasks.map(({ cdb }) => cdb.getUint32(2)),
    [0, 2],
    'the one behind it runs',
  );

  const early = i.command(read10(9, 1), { edtl: 512, cmdSN: 5 });
  assert.equal(responseTo(i, i.taskManagement(ABORT_TASK, early)), 0);
  i.command(read10(4, 1), { edtl: 512 });
  assert.deepEqual(
    device.tasks.map(({ cdb }) => cdb.getUint32(2)),
    [0, 2, 4],
  );
  i.ping();
  assert.equal(i.takeOnly().expCmdSN, 6);
});

test('too many functions that wait are rejected', () => {
  const { i, device } = loggedIn(nodeWith({}, { taskManagementFunctions: 2 }));
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  const waiting = [i.taskManagement(ABORT_TASK_SET), i.taskManagement(ABORT_TASK_SET)];
  assert.equal(responseTo(i, i.taskManagement(ABORT_TASK_SET)), 255);
  device.next();
  assert.deepEqual(
    i
      .collect()
      .takeAll()
      .map(({ tag, byte2 }) => [tag, byte2]),
    waiting.map((tag) => [tag, 0]),
  );
});

test('a session that ends while a function waits leaves nothing behind', () => {
  const { i, device, node } = loggedIn();
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  i.taskManagement(ABORT_TASK_SET);
  i.core.ended();
  device.next();
  i.collect().nothing();
  assert.equal(node.sessions.length, 0);
  assert.equal(i.core.nextDeadline(), Number.POSITIVE_INFINITY);
});

test('a function whose tag has one under way is rejected, and the first one is answered all the same', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  const set = i.taskManagement(ABORT_TASK_SET);
  for (const code of [ABORT_TASK, ABORT_TASK_SET, CLEAR_TASK_SET, LOGICAL_UNIT_RESET]) {
    assert.equal(responseTo(i, i.taskManagement(code, NIL, { tag: set })), 255, `function ${code}`);
  }
  device.next();
  assert.equal(responseTo(i, set), 0);
});

test('however many functions wait for a command that is missing, each costs the same', { timeout: 60_000 }, () => {
  const { i, node } = loggedIn(nodeWith({}, { taskManagementFunctions: 32 }));
  const count = 20_000;
  for (const oneTag of [true, false]) {
    const before = process.memoryUsage().heapUsed;
    let rejected = 0;
    for (let n = 0; n < count; n++) {
      i.taskManagement(ABORT_TASK_SET, NIL, { cmdSN: 5, tag: oneTag ? 7 : 0x1000 + n });
      for (const { byte2 } of i.takeAll()) if (byte2 === 255) rejected++;
    }
    assert.equal(rejected, oneTag ? count - 1 : count - 31, 'one waits already');
    assert.ok((node.sessions[0]?.pendingFunctions.size ?? 0) <= 32);
    assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
  }
  for (const cmdSN of [1, 2, 3, 4]) i.command(read10(0, 1), { cmdSN, edtl: 512 });
  const answered = i.takeAll().filter(({ opcode, byte2 }) => opcode === 0x22 && byte2 === 0);
  assert.equal(answered.length, 32);
});

test('whatever is aborted before its turn, no more commands may come than the window has room for', () => {
  const { i } = loggedIn(nodeWith({}, { commands: 8 }));
  const room = () => {
    i.ping();
    const { expCmdSN, maxCmdSN } = i.takeAll().at(-1) ?? { expCmdSN: 0, maxCmdSN: 0 };
    return maxCmdSN - expCmdSN + 1;
  };
  for (let refCmdSN = 2; refCmdSN < 500; refCmdSN++) {
    i.taskManagement(ABORT_TASK, 0x999, { refCmdSN, cmdSN: refCmdSN + 1 }); // CmdSN 1 never comes
    assert.ok(room() <= 8, `${room()} after ABORT TASK with RefCmdSN ${refCmdSN}`);
  }
  const second = loggedIn(nodeWith({}, { commands: 8 })).i;
  for (let round = 0; round < 50; round++) {
    for (let cmdSN = 2; cmdSN <= 8; cmdSN++) {
      const early = second.command(read10(0, 1), { cmdSN, edtl: 512 });
      second.taskManagement(ABORT_TASK, early, { refCmdSN: cmdSN, cmdSN: 9 });
    }
    second.takeAll();
    second.ping();
    const { expCmdSN, maxCmdSN } = second.takeOnly();
    assert.deepEqual([expCmdSN, maxCmdSN], [1, 8]);
  }
  second.command(read10(0, 1), { cmdSN: 1, edtl: 512 });
  const { expCmdSN, maxCmdSN } = second.takeOnly();
  assert.deepEqual([expCmdSN, maxCmdSN], [9, 16], 'all of them count once their turn has come');
});
