/** When tasks enter the task set of their logical unit: promise 8, and the order that ORDERED asks for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskSet } from '../../src/device/task-set.ts';
import { TASK_ATTRIBUTES } from '../../src/scsi/scsi-task.ts';
import { nodeWith, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

const READ = { edtl: 512 };
const WRITE = { edtl: 512, flags: 0xa1 };
const ORDERED_READ = { edtl: 512, flags: 0xc2 };
const ORDERED_WRITE = { edtl: 512, flags: 0xa2 };

function loggedIn(setup: ReturnType<typeof nodeWith>, session = 1) {
  const i = new RawInitiator(setup.node);
  i.login({ isid: `80000000000${session}` });
  return i;
}

/** The LBAs of the commands that the device has had, in order. */
function executed({ device }: ReturnType<typeof nodeWith>): number[] {
  return device.log.filter((line) => line.startsWith('execute')).map((line) => Number(line.split(' ')[2]));
}

test('an ORDERED write whose data never comes keeps no other session waiting, and new ones log in and read', () => {
  const setup = nodeWith();
  const stalling = loggedIn(setup, 1);
  const innocent = loggedIn(setup, 2);
  stalling.command(write10(0, 1), ORDERED_WRITE);
  innocent.command(read10(1, 1), READ);
  innocent.command(read10(2, 1), ORDERED_READ);
  assert.deepEqual(
    innocent.takeAll().map(({ opcode }) => opcode),
    [0x25, 0x25],
  );
  const late = loggedIn(setup, 3);
  late.command(read10(3, 1), READ);
  assert.equal(late.takeOnly().opcode, 0x25);
  assert.deepEqual(executed(setup), [1, 2, 3]);
});

test('within a session nothing passes an ORDERED write whose data is still to come, and it passes nothing itself', () => {
  const setup = nodeWith();
  const i = loggedIn(setup);
  const first = i.command(write10(1, 1), WRITE);
  const ordered = i.command(write10(2, 1), ORDERED_WRITE);
  const behind = i.command(write10(3, 1), WRITE);
  i.command(read10(4, 1), READ);
  i.command(read10(5, 1), { ...READ, lun: '0001000000000000' });
  i.command(read10(6, 1), { edtl: 512, flags: 0xc3 });
  assert.deepEqual(executed(setup), [5, 6], 'another logical unit, and HEAD OF QUEUE');
  const r2ts = new Map(i.takeAll().map((pdu) => [pdu.tag, pdu.transferTag]));
  const send = (tag: number) => i.dataOut(tag, r2ts.get(tag) ?? 0, 0, 0, pattern(512));
  send(behind);
  send(ordered);
  assert.deepEqual(executed(setup), [5, 6]);
  send(first);
  assert.deepEqual(executed(setup), [5, 6, 1, 2, 3, 4]);
});

test('an ORDERED write that is aborted before its data came lets those behind it go on', () => {
  const setup = nodeWith();
  const i = loggedIn(setup);
  const ordered = i.command(write10(1, 1), ORDERED_WRITE);
  i.command(read10(2, 1), READ);
  const waiting = i.command(read10(3, 1), ORDERED_READ);
  i.command(read10(4, 1), READ);
  i.taskManagement(1, waiting);
  assert.deepEqual(executed(setup), []);
  i.taskManagement(1, ordered);
  assert.deepEqual(executed(setup), [2, 4]);
});

test('of 2,000 sessions with commands behind an ORDERED one, every command is answered', () => {
  const setup = nodeWith({}, { connections: 2001 });
  const { device } = setup;
  const first = loggedIn(setup);
  device.holds = true;
  first.command(read10(0, 1), ORDERED_READ);
  const sessions = Array.from({ length: 2000 }, (_, n) => {
    const i = new RawInitiator(setup.node);
    i.login({ isid: (0x8000_0000_1000 + n).toString(16) });
    for (let k = 0; k < 2; k++) i.command(read10(n % 4096, 1), READ);
    return i;
  });
  device.holds = false;
  device.next();
  for (const i of sessions) {
    const answers = i.collect().takeAll();
    assert.deepEqual([answers.length, answers[0]?.opcode, answers[1]?.status], [2, 0x25, 0]);
  }
});

test('what a task costs does not grow with the number that wait: 200,000 enter, half give up, the others run', () => {
  const set = new TaskSet();
  const blocker = { attribute: TASK_ATTRIBUTES.ordered, enable: () => {} };
  set.enter(blocker);
  let ran = 0;
  const waiting = Array.from({ length: 200_000 }, () => {
    const task = {
      attribute: TASK_ATTRIBUTES.ordered,
      enable: () => {
        ran++;
        set.leave(task);
      },
    };
    set.enter(task);
    return task;
  });
  const begun = performance.now();
  for (let n = waiting.length - 2; n >= 0; n -= 2) set.withdraw(waiting[n] as (typeof waiting)[number]);
  set.leave(blocker);
  assert.equal(ran, 100_000);
  assert.ok(performance.now() - begun < 3000, 'with the number of those who wait it would be minutes');
});
