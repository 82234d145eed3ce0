import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopPace } from '../../src/node/pace.ts';
import { settle } from '../device/stores.ts';

const SLICE = 256 * 1024;

test('a little work is done at once', async () => {
  const pace = new LoopPace();
  for (let round = 0; round < 3; round++) {
    for (let slice = 0; slice < 4; slice++) assert.equal(pace.turn(SLICE), undefined);
    await settle();
    await settle();
  }
});

test('however many want to work, one turn of the event loop sees a bounded part of it, in the order in which they asked', async () => {
  const pace = new LoopPace();
  const done: number[] = [];
  for (let one = 0; one < 1000; one++) {
    const turn = pace.turn(SLICE);
    if (turn === undefined) done.push(one);
    else void turn.then(() => done.push(one));
  }
  assert.equal(done.length, 4);
  let turns = 0;
  for (let before = done.length; done.length < 1000; before = done.length, turns++) {
    await settle();
    assert.ok(done.length - before <= 8, `${done.length - before} in one turn`);
  }
  assert.ok(turns >= 120, `${turns} turns`);
  assert.deepEqual(
    done,
    done.map((_, index) => index),
  );
});
