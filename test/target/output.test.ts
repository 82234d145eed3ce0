import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '../../src/bytes/hex.ts';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { TARGET_POLICY } from '../../src/login/policy.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { nodeWith, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

function loggedIn(limits = {}) {
  const setup = nodeWith({}, limits);
  setup.device.disk.set(pattern(setup.device.disk.length));
  const i = new RawInitiator(setup.node);
  i.login({ keys: { MaxRecvDataSegmentLength: '262144' } });
  return { ...setup, i };
}

test('beyond the unsent bytes no command is started and nothing more is read, until half of it is gone', () => {
  const { i, device } = loggedIn({ unsentBytes: 100_000 });
  i.flushes = false;
  for (let n = 0; n < 5; n++) i.command(read10(n, 100), { edtl: 51_200 });
  const executed = () => device.log.filter((line) => line.startsWith('execute')).length;
  assert.equal(executed(), 2);
  assert.equal(i.core.wantsData, false);
  const wakes = i.wakes;
  i.flush();
  assert.ok(i.wakes > wakes, 'whoever drives it is told');
  assert.equal(i.core.wantsData, false, 'the next two have filled it again');
  i.collect().flush().collect().flush().collect();
  assert.equal(executed(), 5);
  assert.equal(i.core.wantsData, true);
  assert.deepEqual(
    i.takeAll().map(({ data }) => data.length),
    new Array(5).fill(51_200),
  );
});

test('commands that wait for room can be aborted', () => {
  const { i, device } = loggedIn({ unsentBytes: 1000 });
  i.flushes = false;
  i.command(read10(0, 4), { edtl: 2048 });
  const waiting = i.command(read10(1, 4), { edtl: 2048 });
  i.command(read10(2, 4), { edtl: 2048 });
  i.taskManagement(1, waiting);
  i.flushes = true;
  i.flush().collect();
  assert.deepEqual(device.log.slice(1), ['execute 28 0', 'execute 28 2']);
  assert.deepEqual(
    i.takeAll().map(({ opcode }) => opcode),
    [0x25, 0x22, 0x25],
  );
});

test('a read that is being sent is not changed by what is written meanwhile, nor is its memory held once it was sent or cannot be', () => {
  for (const ending of ['flushed', 'cut']) {
    const store = new MemoryStore({ size: 2 ** 20 });
    const before = pattern(65_536);
    store.write(0, before, 0, before.length);
    const device = new DeviceServer();
    device.attach(0, new DeviceLogicalUnit(store, { serial: 'lender' }));
    const i = new RawInitiator(new TargetNode({ targets: [{ name: TARGET_NAME, device }], policy: TARGET_POLICY }));
    i.login({ keys: { MaxRecvDataSegmentLength: '262144', ImmediateData: 'Yes' } });
    i.command('00'); // takes the unit attention
    i.takeAll();

    const handedOver: Uint8Array[] = [];
    const drain = i.core.drain.bind(i.core);
    i.core.drain = () => {
      const chunks = drain();
      handedOver.push(...chunks);
      return chunks;
    };
    i.flushes = false;
    i.command(read10(0, 128), { edtl: 65_536 });
    i.command(write10(0, 1), { flags: 0xa1, edtl: 512, data: new Uint8Array(512).fill(0x77) });
    assert.deepEqual(concat(...handedOver).subarray(48, 48 + before.length), before, ending);
    assert.equal(blockOf(store)[0], 0x77, 'it was written all the same');

    i.command(read10(0, 128), { edtl: 65_536 });
    if (ending === 'flushed') i.flush();
    else i.core.ended();
    const { buffer } = blockOf(store);
    store.write(0, before, 0, 512);
    assert.equal(blockOf(store).buffer, buffer, 'written in place');
  }
});

/** The first blocks, where they stand. */
function blockOf(store: MemoryStore): Uint8Array {
  const block = store.lend(0, 65_536);
  store.takeBack(block);
  return block;
}
