import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordRing } from '../../src/capture/record-ring.ts';
import type { Direction } from '../../src/capture/sink.ts';
import { Random } from '../simulated/random.ts';
import { seedOfRun } from '../support/pattern.ts';

const seed = seedOfRun();
test(`the ring gives back the end of what was added, in its order, whatever the lengths and places; seed ${seed}`, () => {
  const random = new Random(seed);
  for (let round = 0; round < 100; round++) {
    const ring = new RecordRing(1024 + random.below(1000));
    const source = Uint8Array.from({ length: 3000 }, () => random.below(256));
    const sources = [source, source.subarray(1), source.subarray(4)];
    const added: { direction: Direction; time: number; bytes: number[] }[] = [];
    for (let times = random.below(300); times > 0; times--) {
      const bytes = sources[random.below(3)] ?? source;
      const length = random.onceIn(2) ? 4 * random.below(60) + 4 : 1 + random.below(900);
      const from = random.onceIn(2) ? 4 * random.below(100) : random.below(400);
      const direction: Direction = random.onceIn(2) ? 0 : 1;
      const time = added.length >> 1;
      ring.add(7, direction, time, bytes, from, from + length);
      added.push({ direction, time, bytes: [...bytes.subarray(from, from + length)] });
    }
    const runs = [...ring.runs()];
    const kept = runs.flatMap(({ bytes }) => [...bytes]);
    const all = added.flatMap(({ bytes }) => bytes);
    assert.deepEqual(kept, all.slice(all.length - kept.length), `round ${round}`);
    assert.ok(all.length < 900 || kept.length > 0);
    for (const { connection, time, direction, bytes } of runs) {
      assert.equal(connection, 7);
      const mine = added.filter((one) => one.time === time && one.direction === direction);
      assert.ok(
        mine
          .flatMap((one) => one.bytes)
          .join()
          .includes([...bytes].join()),
      );
    }
    assert.equal(runs.length, ring.count - ring.oldest);
  }
});

test('what is longer than the ring is left out, and harms nothing', () => {
  const ring = new RecordRing(1024);
  ring.add(0, 1, 1, new Uint8Array(5000), 0, 5000);
  ring.add(0, 1, 2, Uint8Array.of(1, 2, 3, 4), 0, 4);
  assert.deepEqual(
    [...ring.runs()].map(({ bytes }) => [...bytes]).filter(({ length }) => length > 0),
    [[1, 2, 3, 4]],
  );
});
