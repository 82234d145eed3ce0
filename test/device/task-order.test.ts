import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Access } from '../../src/device/claims.ts';
import { TaskOrder } from '../../src/device/task-order.ts';
import { randomBelow, SEED } from '../scsi/random.ts';
import { settle } from './stores.ts';

const NEXUS = {};

/** Commands whose work ends when the test says so. */
class Commands {
  readonly order = new TaskOrder();
  readonly started: string[] = [];
  readonly finished: string[] = [];
  readonly #ends = new Map<string, () => void>();

  add(name: string, access: Access, from: number, to: number, nexus: object = NEXUS): void {
    const work = () => {
      this.started.push(name);
      return new Promise<void>((resolve) => this.#ends.set(name, resolve));
    };
    const paced = name.startsWith('long ');
    this.order.run(nexus, { access, from, to, paced }, work, () => this.finished.push(name));
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await settle();
  }
}

test('commands that do not overlap run together', () => {
  const commands = new Commands();
  commands.add('a', 'write', 0, 10);
  commands.add('b', 'write', 10, 20);
  commands.add('c', 'read', 20, 30);
  assert.deepEqual(commands.started, ['a', 'b', 'c']);
});

test('reads of the same range run together', () => {
  const commands = new Commands();
  commands.add('a', 'read', 0, 10);
  commands.add('b', 'read', 0, 10);
  assert.deepEqual(commands.started, ['a', 'b']);
});

test('a write waits for earlier reads and writes that it overlaps, a read for earlier writes', async () => {
  const commands = new Commands();
  commands.add('read 1', 'read', 0, 10);
  commands.add('write 1', 'write', 5, 15);
  commands.add('read 2', 'read', 0, 10);
  commands.add('write 2', 'write', 14, 20);
  assert.deepEqual(commands.started, ['read 1']);
  await commands.end('read 1');
  assert.deepEqual(commands.started, ['read 1', 'write 1']);
  await commands.end('write 1');
  assert.deepEqual(commands.started, ['read 1', 'write 1', 'read 2', 'write 2']);
});

test('a command does not overtake one that still waits and that it overlaps', async () => {
  const commands = new Commands();
  commands.add('write 1', 'write', 0, 10);
  commands.add('write 2', 'write', 5, 20);
  commands.add('read', 'read', 15, 20);
  assert.deepEqual(commands.started, ['write 1']);
  await commands.end('write 1');
  assert.deepEqual(commands.started, ['write 1', 'write 2']);
  await commands.end('write 2');
  assert.deepEqual(commands.started, ['write 1', 'write 2', 'read']);
});

test('a flush waits for every earlier write, and keeps nobody waiting', async () => {
  const commands = new Commands();
  commands.add('write 1', 'write', 0, 10);
  commands.add('read', 'read', 50, 60);
  commands.add('flush', 'flush', 0, Number.POSITIVE_INFINITY);
  commands.add('write 2', 'write', 20, 30);
  assert.deepEqual(commands.started, ['write 1', 'read', 'write 2']);
  await commands.end('write 1');
  assert.deepEqual(commands.started, ['write 1', 'read', 'write 2', 'flush']);
  commands.add('write 3', 'write', 0, 10);
  assert.ok(commands.started.includes('write 3'));
});

test('an error reaches its own command only, thrown or rejected, also one without a reason', async () => {
  const order = new TaskOrder();
  const seen: unknown[] = [];
  const boom = new Error('boom');
  order.run(
    NEXUS,
    { access: 'write', from: 0, to: 1 },
    () => {
      throw boom;
    },
    (error) => seen.push(error),
  );
  order.run(
    NEXUS,
    { access: 'write', from: 0, to: 1 },
    () => Promise.reject(boom),
    (error) => seen.push(error),
  );
  order.run(
    NEXUS,
    { access: 'write', from: 0, to: 1 },
    () => Promise.reject(undefined),
    (error) => seen.push(error),
  );
  order.run(
    NEXUS,
    { access: 'write', from: 0, to: 1 },
    () => {},
    (error) => seen.push(error),
  );
  await order.whenIdle();
  assert.deepEqual([seen[0], seen[1], seen[3]], [boom, boom, undefined]);
  assert.ok(seen[2] instanceof Error);
});

test('whenIdle() ends when the last command has ended', async () => {
  const commands = new Commands();
  await commands.order.whenIdle();
  commands.add('a', 'write', 0, 10);
  commands.add('b', 'write', 0, 10);
  let idle = false;
  const waiting = commands.order.whenIdle().then(() => {
    idle = true;
  });
  await commands.end('a');
  assert.equal(idle, false);
  await commands.end('b');
  await waiting;
  assert.deepEqual(commands.finished, ['a', 'b']);
});

test('a long queue of commands that end at once needs no deep stack', async () => {
  const commands = new Commands();
  commands.add('first', 'write', 0, 10);
  let done = 0;
  for (let at = 0; at < 20_000; at++)
    commands.order.run(
      NEXUS,
      { access: 'read', from: at % 10, to: (at % 10) + 1 },
      () => {},
      () => done++,
    );
  assert.equal(done, 0);
  await commands.end('first');
  assert.equal(done, 20_000);
});

test('with random commands no two that conflict are ever in flight together, and all end', async () => {
  const below = randomBelow(SEED);
  const order = new TaskOrder();
  const running = new Set<{ from: number; to: number; write: boolean; number: number }>();
  const lastWriter = new Array<number>(64).fill(-1);
  const ends: (() => void)[] = [];
  let finished = 0;
  for (let number = 0; number < 500; number++) {
    const from = below(60);
    const entry = { from, to: from + 1 + below(4), write: below(2) === 0, number };
    const work = () => {
      for (const other of running) {
        const overlap = other.from < entry.to && entry.from < other.to;
        assert.ok(!overlap || !(other.write || entry.write), `SEED=${SEED}: ${other.number} and ${number}`);
      }
      running.add(entry);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    order.run(NEXUS, { access: entry.write ? 'write' : 'read', from, to: entry.to }, work, (error) => {
      assert.equal(error, undefined);
      running.delete(entry);
      finished++;
      if (!entry.write) return;
      for (let at = entry.from; at < entry.to; at++) {
        assert.ok((lastWriter[at] ?? 0) < number, `SEED=${SEED}: writes of ${at} in order`);
        lastWriter[at] = number;
      }
    });
    if (below(3) === 0 && ends.length > 0) {
      ends.splice(below(ends.length), 1)[0]?.();
      await settle();
    }
  }
  while (!order.idle) {
    ends.splice(below(ends.length), 1)[0]?.();
    await settle();
  }
  assert.equal(finished, 500);
});

test('a command starts as soon as no earlier one that conflicts with it is left, and never before', async () => {
  const below = randomBelow(SEED);
  const commands = new Commands();
  const all: { name: string; access: Access; from: number; to: number }[] = [];
  const due = () =>
    all
      .filter(({ name, access, from, to }, index) => {
        if (commands.finished.includes(name)) return false;
        return !all.slice(0, index).some((earlier) => {
          const overlap = earlier.from < to && from < earlier.to && !commands.finished.includes(earlier.name);
          return overlap && (earlier.access === 'write' || (earlier.access === 'read' && access === 'write'));
        });
      })
      .map(({ name }) => name);
  for (let round = 0; round < 600; round++) {
    if (below(5) < 3) {
      const from = below(40);
      const access = below(3) === 0 ? 'read' : below(8) === 0 ? 'flush' : 'write';
      const to = access === 'flush' ? Number.POSITIVE_INFINITY : from + 1 + below(below(4) === 0 ? 40 : 3);
      const command = { name: `${access} ${all.length}`, access, from: access === 'flush' ? 0 : from, to } as const;
      all.push(command);
      commands.add(command.name, command.access, command.from, command.to);
    } else {
      const running = commands.started.filter((name) => !commands.finished.includes(name));
      const one = running[below(Math.max(1, running.length))];
      if (one !== undefined) await commands.end(one);
    }
    const running = commands.started.filter((name) => !commands.finished.includes(name));
    assert.deepEqual(running.sort(), due().sort(), `SEED=${SEED}, round ${round}`);
  }
});

test('of many nexuses with long work and short, those of one that conflict keep their order, and all end', async () => {
  const below = randomBelow(SEED);
  const order = new TaskOrder();
  const nexuses = [{}, {}, {}, {}];
  const MiB = 1024 * 1024;
  const unfinished = new Set<{ nexus: number; from: number; to: number; access: Access; number: number }>();
  const running = new Set<number>();
  const ends: (() => void)[] = [];
  let finished = 0;
  for (let number = 0; number < 800; number++) {
    const from = below(16) * MiB;
    const access = (['read', 'write', 'write', 'flush'] as const)[below(4)] ?? 'read';
    const to = access === 'flush' ? Number.POSITIVE_INFINITY : from + MiB * (1 + below(8));
    const entry = { nexus: below(4), from: access === 'flush' ? 0 : from, to, access, number };
    const work = () => {
      for (const other of unfinished) {
        const overlap = other.from < entry.to && entry.from < other.to;
        const conflict = overlap && (other.access === 'write' || (entry.access === 'write' && other.access === 'read'));
        const before = other.nexus === entry.nexus && other.number < number;
        const beside = running.has(other.number) && entry.access !== 'flush';
        assert.ok(!conflict || !(before || beside), `SEED=${SEED}: ${number} runs while ${other.number} has not ended`);
      }
      running.add(number);
      return new Promise<void>((resolve) => ends.push(resolve));
    };
    unfinished.add(entry);
    order.run(nexuses[entry.nexus] ?? {}, { ...entry, paced: below(3) === 0 }, work, (error) => {
      assert.equal(error, undefined);
      unfinished.delete(entry);
      running.delete(number);
      finished++;
    });
    while (below(2) === 0 && ends.length > 0) {
      ends.splice(below(ends.length), 1)[0]?.();
      await settle();
    }
  }
  while (ends.length > 0) {
    ends.splice(below(ends.length), 1)[0]?.();
    await settle();
  }
  assert.deepEqual([finished, order.idle], [800, true], `SEED=${SEED}`);
});

test('what one nexus has sent and waits keeps no other waiting', async () => {
  const commands = new Commands();
  const [attacker, innocent] = [{}, {}];
  for (let at = 0; at < 100; at++) commands.add(`long ${at}`, 'write', 0, 1000, attacker);
  commands.add('read', 'read', 0, 10, innocent);
  assert.deepEqual(commands.started, ['long 0'], 'the store is in the middle of one');
  await commands.end('long 0');
  assert.deepEqual(commands.started, ['long 0', 'read'], 'the read was admitted before the second write');
  await commands.end('read');
  assert.deepEqual(commands.started, ['long 0', 'read', 'long 1']);
});

test('what came while there was long work of its nexus comes after it, and what does not conflict goes on', async () => {
  const commands = new Commands();
  commands.add('long 1', 'write', 0, 100);
  commands.add('long 2', 'write', 50, 150);
  commands.add('write', 'write', 140, 160);
  commands.add('read', 'read', 155, 170);
  commands.add('elsewhere', 'read', 500, 600);
  assert.deepEqual(commands.started, ['long 1', 'elsewhere']);
  await commands.end('long 1');
  assert.deepEqual(commands.started, ['long 1', 'elsewhere', 'long 2']);
  await commands.end('long 2');
  assert.deepEqual(commands.started.slice(3), ['write']);
  await commands.end('write');
  assert.deepEqual(commands.started.slice(4), ['read']);
});

test('of two writes of different nexuses none passes one that was admitted before it', async () => {
  const commands = new Commands();
  const [one, other] = [{}, {}];
  commands.add('a', 'write', 0, 10, one);
  commands.add('b', 'write', 0, 20, other);
  commands.add('c', 'write', 10, 20, one);
  assert.deepEqual(commands.started, ['a'], 'c waits for b, which covers its range and was admitted first');
  await commands.end('a');
  assert.deepEqual(commands.started, ['a', 'b']);
  await commands.end('b');
  assert.deepEqual(commands.started, ['a', 'b', 'c']);
});

test('a nexus that reads without end does not keep the write of another from its turn', async () => {
  const commands = new Commands();
  const [reader, writer] = [{}, {}];
  commands.add('read 0', 'read', 0, 10, reader);
  commands.add('write', 'write', 0, 10, writer);
  for (let at = 1; at <= 20; at++) {
    commands.add(`read ${at}`, 'read', 0, 10, reader);
    if (at === 1) await commands.end('read 0');
  }
  assert.deepEqual(commands.started, ['read 0', 'write'], 'the reads that came later wait behind it');
});

test('a nexus has no more than some MiB in the store, and a short read of another goes in between', async () => {
  const commands = new Commands();
  const MiB = 1024 * 1024;
  const readers = Array.from({ length: 16 }, () => ({}));
  for (const [nexus, reader] of readers.entries())
    for (let at = 0; at < 32; at++) commands.add(`${nexus}.${at}`, 'read', at * MiB, (at + 1) * MiB, reader);
  assert.equal(commands.started.length, 8, '8 MiB are on their way');
  assert.equal(commands.started.filter((name) => name.startsWith('0.')).length, 4, 'and half of that at most for one');
  commands.add('short', 'read', 0, 4096, {});
  let ended = 0;
  for (; !commands.started.includes('short'); ended++) await commands.end(commands.started[ended] ?? '');
  assert.ok(ended <= 2 + readers.length / 4, `it waited for ${ended} others`);
  while (!commands.order.idle) await commands.end(commands.started[ended++] ?? '');
  assert.equal(commands.finished.length, 16 * 32 + 1, 'and all the others have had their turn');
});

test('commands whose work is paced take no room from those of others', () => {
  const commands = new Commands();
  const MiB = 1024 * 1024;
  const work = () => new Promise<void>(() => {});
  for (let at = 0; at < 64; at++)
    commands.order.run({}, { access: 'read', from: 0, to: 8 * MiB, paced: true }, work, () => {});
  commands.add('read', 'read', 0, 4096, {});
  assert.deepEqual(commands.started, ['read']);
});

// With work for each command that grows with the number of those that wait, each of these takes minutes.
const CROWDS: Readonly<Record<string, (at: number, count: number) => readonly [Access, number, number]>> = {
  'writes that each conflict with the last of many reads only': (at, count) =>
    at < count / 2 ? ['read', at, at + 1] : ['write', count / 2 - 1, count / 2],
  'writes of one block': () => ['write', 0, 1],
  'small writes side by side, and reads over all of them': (at, count) =>
    at < count / 2 ? ['write', at, at + 1] : ['read', 0, count],
  'reads and writes of everything in turns': (at, count) => [at % 2 === 0 ? 'read' : 'write', 0, count],
  'small writes side by side, and flushes': (at, count) =>
    at < count / 2 ? ['write', at, at + 1] : ['flush', 0, Number.POSITIVE_INFINITY],
};

for (const [name, commandAt] of Object.entries(CROWDS)) {
  test(`of 20,000 commands all end within seconds: ${name}`, { timeout: 30_000 }, () => allEnd(commandAt, 1));
  test(`of 20,000 commands of 100 nexuses all end within seconds: ${name}`, { timeout: 30_000 }, () =>
    allEnd(commandAt, 100),
  );
}

async function allEnd(commandAt: (typeof CROWDS)[string], nexuses: number): Promise<void> {
  const below = randomBelow(SEED);
  const count = 20_000;
  const order = new TaskOrder();
  const all = Array.from({ length: nexuses }, () => ({}));
  const running: (() => void)[] = [];
  let done = 0;
  for (let at = 0; at < count; at++) {
    const [access, from, to] = commandAt(at, count);
    const work = () => new Promise<void>((resolve) => running.push(resolve));
    order.run(all[at % nexuses] ?? NEXUS, { access, from, to }, work, () => done++);
  }
  while (running.length > 0) {
    const one = below(running.length); // they end in any order
    const last = running.pop();
    const ended = running[one] ?? last;
    if (running[one] !== undefined && last !== undefined) running[one] = last;
    ended?.();
    await Promise.resolve();
    if (running.length === 0) await settle();
  }
  assert.equal(done, count, `SEED=${SEED}`);
}
