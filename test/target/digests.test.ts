import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeWith, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

function loggedIn(header: string, data: string) {
  const setup = nodeWith();
  setup.device.disk.set(pattern(4096));
  const i = new RawInitiator(setup.node);
  i.login({ keys: { HeaderDigest: header, DataDigest: data } });
  return { ...setup, i };
}

/** The PDU with one bit of its last word, the data digest, turned. */
function damaged(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 0x10;
  return copy;
}

for (const header of ['None', 'CRC32C']) {
  for (const data of ['None', 'CRC32C']) {
    test(`T-010 T-003 reads, writes and pings with HeaderDigest=${header} and DataDigest=${data}`, () => {
      const { i, device } = loggedIn(header, data);
      const tag = i.command(write10(20, 2), { flags: 0xa1, edtl: 1024, data: pattern(509, 5) });
      const r2t = i.takeOnly();
      i.dataOut(tag, r2t.transferTag, 0, 509, pattern(515, 6));
      assert.equal(i.takeOnly().status, 0);
      assert.deepEqual(device.disk.slice(20 * 512, 20 * 512 + 509), pattern(509, 5));
      i.command(read10(0, 8), { edtl: 4093 });
      assert.deepEqual(i.takeOnly().data, pattern(4093)); // the digests are checked by the scripted initiator
      i.ping(pattern(5));
      assert.deepEqual(i.takeOnly().data, pattern(5));
      i.ping();
      assert.equal(i.takeOnly().data.length, 0);
      i.command('c1', { flags: 0x81 });
      assert.equal(i.takeOnly().sense, '05/20/00');
    });
  }
}

test('T-012 a header digest error closes the connection without an answer', () => {
  const { i, node } = loggedIn('CRC32C', 'None');
  i.sendBytes(damaged(i.encode({ opcode: 0x00, immediate: true, tag: 1 })));
  i.nothing();
  assert.equal(i.core.finished, true);
  assert.equal(node.sessions.length, 0);
});

test('T-013 damaged ping data, text and parameters are answered by Reject 0x02 with the header, and dropped', () => {
  for (const opcode of [0x00, 0x04]) {
    const { i } = loggedIn('None', 'CRC32C');
    i.sendBytes(damaged(i.encode({ opcode, immediate: true, tag: 0x55, data: pattern(8) })));
    const reject = i.takeOnly();
    assert.deepEqual([reject.opcode, reject.byte2, reject.data.length, reject.data[19]], [0x3f, 0x02, 48, 0x55]);
    i.ping(pattern(3));
    assert.deepEqual(i.takeOnly().data, pattern(3), 'nothing of the damaged data is left');
  }
});

test('T-014 a damaged Data-Out is rejected, and the command ends with 0B/47/05 once all that was asked for has come', () => {
  const { i, device } = loggedIn('CRC32C', 'CRC32C');
  const tag = i.command(write10(0, 2), { flags: 0xa1, edtl: 1024 });
  const r2t = i.take();
  const rest = (dataSN: number, offset: number) =>
    [0, dataSN, offset, 0].map((word) => word.toString(16).padStart(8, '0')).join('');
  i.sendBytes(
    damaged(i.encode({ opcode: 0x05, flags: 0, tag, word20: r2t.transferTag, rest: rest(0, 0), data: pattern(512) })),
  );
  const reject = i.takeOnly();
  assert.deepEqual([reject.opcode, reject.byte2], [0x3f, 0x02]);
  i.dataOut(tag, r2t.transferTag, 1, 512, pattern(512));
  const response = i.takeOnly();
  assert.deepEqual([response.status, response.sense], [2, '0b/47/05']);
  assert.equal(
    device.log.some((line) => line.startsWith('execute')),
    false,
  );
});

test('T-015 a command with damaged immediate data does not use up its CmdSN; sent again it is executed once', () => {
  const { i, device } = loggedIn('None', 'CRC32C');
  const request = {
    opcode: 0x01,
    flags: 0xa1,
    tag: 8,
    word20: 512,
    rest: write10(4, 1).padEnd(32, '0'),
    data: pattern(512, 9),
  };
  i.sendBytes(damaged(i.encode(request)));
  const reject = i.takeOnly();
  assert.deepEqual([reject.opcode, reject.byte2, reject.expCmdSN], [0x3f, 0x02, 1]);
  i.send(request);
  const response = i.takeOnly();
  assert.deepEqual([response.opcode, response.status, response.expCmdSN], [0x21, 0, 2]);
  assert.deepEqual(device.disk.slice(4 * 512, 5 * 512), pattern(512, 9));
  assert.equal(device.log.filter((line) => line.startsWith('execute')).length, 1);
});
