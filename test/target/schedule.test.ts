/** The time of the process is shared: promise 8. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schedule, type Slice } from '../../src/target/schedule.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { FakeDevice, read10 } from './fake-device.ts';
import { RawInitiator, TARGET_NAME } from './raw-initiator.ts';

/** A process in which time passes when the test says so. */
class Loop {
  time = 0;
  readonly deferred: (() => void)[] = [];
  readonly schedule = new Schedule({ now: () => this.time, defer: (then) => this.deferred.push(then) });

  /** Everybody else has had a turn. */
  goRound(): void {
    for (const then of this.deferred.splice(0)) then();
  }

  /** Somebody with so many pieces of work, each of which takes so many milliseconds. */
  worker(name: string, pieces: number, milliseconds: number, log: string[]): () => void {
    let left = pieces;
    const slice: Slice = this.schedule.slice(() => work());
    const work = (): void => {
      while (left > 0 && !slice.isOver) {
        left--;
        slice.weigh(1024);
        this.time += milliseconds;
        log.push(name);
      }
    };
    return work;
  }
}

test('when a turn is over everything waits until the loop has gone round, and those go first who have used least', () => {
  const loop = new Loop();
  const log: string[] = [];
  const greedy = loop.worker('greedy', 30, 3, log);
  const modest = loop.worker('modest', 1, 1, log);
  greedy();
  assert.equal(log.length, 5, '10 ms, looked at before each piece');
  modest();
  assert.equal(log.length, 5);
  loop.goRound();
  assert.equal(log[5], 'modest');
  while (loop.deferred.length > 0) loop.goRound();
  assert.equal(log.filter((name) => name === 'greedy').length, 30, 'nobody is forgotten');
});

test('of many greedy ones none keeps a modest one waiting for more than two turns and a piece', () => {
  const loop = new Loop();
  const log: string[] = [];
  for (let n = 0; n < 100; n++) loop.worker('greedy', 1000, 2, log)();
  for (let round = 0; round < 50; round++) {
    loop.goRound();
    const begun = loop.time;
    const before = log.length;
    loop.worker('modest', 1, 0.01, log)();
    while (!log.slice(before).includes('modest')) loop.goRound();
    assert.ok(loop.time - begun <= 2 * 10 + 2 * 2 + 1, `${loop.time - begun} ms in round ${round}`);
  }
});

test('who has used little of late goes on although the turn is over, but not for long', () => {
  const loop = new Loop();
  const log: string[] = [];
  const modest = loop.schedule.slice(() => {});
  const busy = loop.schedule.slice(() => {});
  busy.weigh(600);
  loop.worker('greedy', 30, 1, log)();
  assert.equal(log.length, 11, 'the turn is over');
  assert.deepEqual([modest.isOver, busy.isOver], [false, true]);
  loop.time += 0.5;
  assert.equal(modest.isOver, false);
  loop.time += 1;
  assert.equal(modest.isOver, true, 'those who have used little have had their part as well');
});

test('what was used long ago does not count', () => {
  const loop = new Loop();
  const slice = loop.schedule.slice(() => {});
  slice.weigh(100_000);
  loop.time = 10_000;
  loop.schedule.wait(slice);
  assert.equal(slice.used, 0);
});

test('a connection leaves what it was sent when the turn is over, reads nothing more, and goes on where it was', () => {
  const loop = new Loop();
  const device = new FakeDevice();
  const { answer } = device;
  device.answer = (task) => {
    loop.time += 4;
    answer.call(device, task);
  };
  const node = new TargetNode({ targets: [{ name: TARGET_NAME, device }], schedule: loop.schedule });
  const i = new RawInitiator(node);
  i.login();
  i.takeAll();
  loop.goRound();
  loop.time = 1000;
  const requests = Array.from({ length: 120 }, (_, n) => i.encode(i.commandRequest(read10(n, 255), { edtl: 130_560 })));
  i.sendBytes(Buffer.concat(requests));
  const executed = () => device.log.filter((line) => line.startsWith('execute')).length;
  const first = executed();
  assert.ok(first < 80, `${first} of 120 in the first turn`);
  assert.equal(i.core.wantsData, false);
  for (let turns = 0; executed() < 120; turns++) {
    const before = loop.time;
    loop.goRound();
    assert.ok(loop.time - before <= 200, 'each turn is short');
    assert.ok(turns < 40);
    i.collect();
  }
  i.collect();
  while (loop.deferred.length > 0) loop.goRound();
  assert.equal(i.core.wantsData, true);
  const lbas = device.log.filter((line) => line.startsWith('execute')).map((line) => Number(line.split(' ')[2]));
  assert.deepEqual(
    lbas,
    Array.from({ length: 120 }, (_, n) => n),
  );
});

test('many bytes that are to be sent wait for the next turn when this one is over, and few do not', () => {
  const loop = new Loop();
  const node = new TargetNode({ targets: [{ name: TARGET_NAME, device: new FakeDevice() }], schedule: loop.schedule });
  const [greedy, short] = [new RawInitiator(node), new RawInitiator(node)];
  for (const [n, one] of [greedy, short].entries()) {
    one.login({ isid: `80000000000${n}` });
    one.takeAll();
  }
  loop.goRound();
  const send = (one: RawInitiator, blocks: number) => {
    const bytes = one.encode(one.commandRequest(read10(0, blocks), { edtl: blocks * 512 }));
    one.core.receive(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  };
  send(greedy, 255);
  send(short, 8);
  loop.worker('other', 30, 3, [])();
  assert.equal(loop.schedule.over, true);
  assert.equal(greedy.collect().takeAll().length, 0, '130,560 bytes wait');
  assert.ok(short.collect().takeAll().length > 0, '4096 do not');
  while (loop.deferred.length > 0) loop.goRound();
  assert.ok(greedy.collect().takeAll().length > 0);
});

test('a connection that is gone is not called any more', () => {
  const loop = new Loop();
  let called = 0;
  const slice = loop.schedule.slice(() => called++);
  loop.schedule.over = true;
  assert.equal(slice.isOver, true);
  slice.close();
  loop.goRound();
  assert.equal(called, 0);
});
