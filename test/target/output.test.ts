import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeWith, read10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

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
