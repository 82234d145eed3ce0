/** One budget for the memory of all connections: promise 8. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { TARGET_POLICY } from '../../src/login/policy.ts';
import { MemoryBudget, type MemoryShare, memoryBudgetOf } from '../../src/target/memory-budget.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { HeldStore } from '../device/stores.ts';
import { Random } from '../simulated/random.ts';
import { FakeDevice, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));
const MiB = 1024 * 1024;

function nothing(): void {
  // Nobody waits.
}

/** Takes as much as it gets. */
function fill(share: MemoryShare, step: number): number {
  while (share.hasRoom(step)) share.add(step);
  return share.used;
}

test('one alone gets half of the budget, two a third each, and there is room for whoever comes late', () => {
  const alone = fill(new MemoryBudget(64 * MiB).share(nothing), 1024);
  assert.ok(Math.abs(alone - 16 * MiB) < MiB, `${alone}: half of the half that is for all`);
  const budget = new MemoryBudget(64 * MiB);
  const shares = Array.from({ length: 200 }, () => budget.share(nothing));
  for (const share of shares) fill(share, 64 * 1024);
  assert.ok(budget.used <= 64 * MiB);
  assert.ok(budget.share(nothing).hasRoom(32 * 1024), 'its own part is always there');
});

test(`however shares grow and shrink, no more than the budget is in use, and everybody has the own part (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const budget = new MemoryBudget(64 * MiB);
  const shares = Array.from({ length: 1024 }, () => budget.share(nothing));
  for (let step = 0; step < 100_000; step++) {
    const share = shares[random.below(shares.length)];
    if (share === undefined) continue;
    const bytes = 1 + random.below(random.below(4) === 0 ? 8 * MiB : 64 * 1024);
    if (share.used > 0 && random.below(3) === 0) share.add(-Math.min(share.used, bytes));
    else if (share.hasRoom(bytes)) share.add(bytes);
    assert.ok(budget.used <= budget.limit, `SEED=${SEED}, step ${step}: ${budget.used} bytes`);
    const other = shares[random.below(shares.length)];
    if (other !== undefined && other.used < budget.ownPart)
      assert.ok(other.hasRoom(budget.ownPart - other.used), `SEED=${SEED}`);
  }
  for (const share of shares) share.add(-share.used);
  assert.deepEqual([budget.used, budget.sharedLeft], [0, 32 * MiB]);
});

test('who waits is told when something was given back, in turn, and not after its end', () => {
  const budget = new MemoryBudget(64 * MiB);
  const told: string[] = [];
  const full = budget.share(nothing);
  fill(full, 1024);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => {
    const share: MemoryShare = budget.share(() => {
      told.push(name);
      if (name === 'a') share.wait();
    });
    share.wait();
    return share;
  });
  assert.ok(a && b && c);
  b.close();
  full.add(-1024);
  assert.deepEqual(told, ['a', 'c']);
  full.add(-1024);
  assert.deepEqual(told, ['a', 'c', 'a']);
});

test('a budget that would not let the longest command pass is refused', () => {
  for (const bytes of [0, 32 * MiB - 1, Number.NaN, 1e300])
    assert.throws(() => memoryBudgetOf(bytes), { code: 'ISCSI_USAGE' });
  assert.equal(memoryBudgetOf(32 * MiB).limit, 32 * MiB);
});

/** A disk that answers when the test lets it. */
function slowDisk(budget: MemoryBudget) {
  const store = new HeldStore();
  const device = new DeviceServer({ name: TARGET_NAME });
  device.attach(0, new DeviceLogicalUnit(store, { serial: 'slow' }));
  const node = new TargetNode({ targets: [{ name: TARGET_NAME, device }], budget, limits: { unsentBytes: MiB } });
  const i = new RawInitiator(node);
  i.login({ keys: { MaxRecvDataSegmentLength: '262144' } });
  i.command('00');
  i.takeAll();
  return { store, node, i };
}

test('a read counts from its start on: what is being read and what waits to be sent together stay within the limit', async () => {
  const budget = new MemoryBudget(64 * MiB);
  const { store, i } = slowDisk(budget);
  i.flushes = false;
  for (let n = 0; n < 20; n++) i.command(read10(0, 512), { edtl: 512 }); // 256 KiB each, whatever is expected
  assert.equal(store.held.length, 4);
  assert.equal(budget.used, MiB);
  const waiting = i.command(read10(0, 512), { edtl: 512, cmdSN: i.cmdSN });
  i.taskManagement(1, waiting);
  assert.equal(i.takeAll().at(-1)?.opcode, 0x22, 'requests are still taken');
  let answered = 0;
  while (store.held.length > 0) {
    await store.releaseNext();
    i.flush().collect().flush();
    answered += i
      .collect()
      .takeAll()
      .filter(({ opcode }) => opcode === 0x25).length;
    assert.ok(budget.used <= 2 * MiB, `${budget.used} bytes`);
  }
  assert.equal(answered, 20, 'all were answered');
  i.flush();
  assert.equal(budget.used, 0);
});

test('what an initiator leaves behind is given back: reads on their way, unsent data, data of writes, pings before their turn', async () => {
  const budget = new MemoryBudget(64 * MiB);
  const { store, i } = slowDisk(budget);
  i.flushes = false;
  i.command(read10(0, 512), { edtl: 262_144 });
  i.command(write10(0, 64), { flags: 0xa1, edtl: 32_768, data: pattern(8192) });
  i.ping(pattern(3000), { immediate: false, cmdSN: (i.cmdSN + 3) >>> 0 });
  i.ping(pattern(3000));
  i.sendBytes(i.encode(i.pingRequest(pattern(5000))).subarray(0, 2000));
  assert.ok(budget.used > 262_144 + 32_768 + 3000, `${budget.used} bytes`);
  i.core.ended();
  assert.equal(budget.used, 262_144, 'the store still has the read');
  await store.releaseNext();
  assert.equal(budget.used, 0);
});

test('where memory is short, R2Ts wait, data that comes unasked ends with BUSY, and both go on when there is room', () => {
  const budget = new MemoryBudget(64 * MiB);
  const device = new FakeDevice();
  const policy = { ...TARGET_POLICY, initialR2T: false };
  const node = new TargetNode({ targets: [{ name: TARGET_NAME, device }], budget, policy });
  const i = new RawInitiator(node);
  i.login({ keys: { InitialR2T: 'No', ImmediateData: 'Yes', MaxRecvDataSegmentLength: '262144' } });
  const others = Array.from({ length: 300 }, () => budget.share(nothing));
  for (const share of others) fill(share, 4096);
  const asking = i.command(write10(0, 200), { flags: 0xa1, edtl: 102_400 });
  i.nothing();
  const busy = i.command(write10(0, 128), { flags: 0xa1, edtl: 65_536, data: pattern(65_536) });
  const response = i.takeOnly();
  assert.deepEqual([response.opcode, response.tag, response.status], [0x21, busy, 0x08]);
  i.command(write10(0, 8), { flags: 0xa1, edtl: 4096, data: pattern(4096) });
  assert.deepEqual([i.take().status, i.pdus.length], [0, 0], 'there is room for a short one in the own part');
  for (const share of others) share.add(-share.used);
  assert.deepEqual([i.collect().take().opcode], [0x31]);
  assert.equal(node.sessions[0]?.tasks.get(asking)?.capacity, 102_400);
  assert.deepEqual(device.disk.subarray(0, 4096), pattern(4096));
});

test('a session that needs nothing holds nothing after a burst', () => {
  const budget = new MemoryBudget(64 * MiB);
  const device = new FakeDevice();
  const i = new RawInitiator(new TargetNode({ targets: [{ name: TARGET_NAME, device }], budget }));
  i.login();
  for (let round = 0; round < 8; round++) {
    for (let n = 0; n < 16; n++) i.command(write10(0, 128), { flags: 0xa1, edtl: 65_536 });
    for (const r2t of i.takeAll()) i.dataOut(r2t.tag, r2t.transferTag, 0, 0, pattern(65_536));
    assert.equal(i.takeAll().length, 16);
    for (let n = 0; n < 16; n++) i.command(read10(0, 128), { edtl: 65_536 });
    i.takeAll();
  }
  assert.equal(budget.used, 0);
  assert.ok(budget.buffers.kept <= budget.limit / 16, 'what is kept for later is for all sessions together');
});
