import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { nodeWith, read10 } from './fake-device.ts';
import { RawInitiator } from './raw-initiator.ts';

function loggedIn(setup = nodeWith(), cmdSN = 1) {
  const i = new RawInitiator(setup.node);
  i.login({ cmdSN });
  return { ...setup, i };
}

test('a READ is answered by one Data-In with its status, byte for byte', () => {
  const { i } = loggedIn();
  i.sendBytes(
    hex(`
      01 c1 00 00  00 00 00 00               // SCSI Command, F R, SIMPLE
      00 00 00 00 00 00 00 00                // LUN 0
      00 00 00 07  00 00 02 00               // InitiatorTaskTag 7, 512 bytes expected
      00 00 00 01  00 00 00 02               // CmdSN 1, ExpStatSN
      28 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00`),
  );
  const { header, data } = i.takeOnly();
  assert.deepEqual(
    header,
    hex(`
      25 81 00 00  00 00 02 00               // SCSI Data-In, F S, GOOD, 512 bytes
      00 00 00 00 00 00 00 00                // LUN: reserved without A
      00 00 00 07  ff ff ff ff               // InitiatorTaskTag, no TargetTransferTag
      00 00 00 02  00 00 00 02  00 00 00 81  // StatSN, ExpCmdSN 2, MaxCmdSN one further
      00 00 00 00  00 00 00 00  00 00 00 00  // DataSN, BufferOffset, ResidualCount`),
  );
  assert.equal(data.length, 512);
});

test('a CHECK CONDITION is answered by a SCSI Response with SenseLength and sense data, byte for byte (T-098)', () => {
  const { i } = loggedIn();
  i.command('c1', { tag: 9, flags: 0x81 });
  const { header, data } = i.takeOnly();
  assert.deepEqual(
    header,
    hex(`
      21 80 00 02  00 00 00 14               // SCSI Response, completed, CHECK CONDITION, 20 bytes
      00 00 00 00 00 00 00 00
      00 00 00 09  00 00 00 00               // InitiatorTaskTag, no SNACK tag
      00 00 00 02  00 00 00 02  00 00 00 81
      00 00 00 00  00 00 00 00  00 00 00 00`),
  );
  assert.deepEqual(data, hex('00 12  70 00 05 00 00 00 00 0a 00 00 00 00 20 00 00 00 00 00'));
});

test('T-072 commands are executed in CmdSN order over the wrap, whatever the order of their arrival', () => {
  const { i, device } = loggedIn(nodeWith(), 0xffff_fffe);
  i.command(read10(3, 1), { cmdSN: 1, edtl: 512 });
  i.command(read10(1, 1), { cmdSN: 0xffff_ffff, edtl: 512 });
  i.command(read10(2, 1), { cmdSN: 0, edtl: 512 });
  i.nothing();
  i.command(read10(0, 1), { cmdSN: 0xffff_fffe, edtl: 512 });
  assert.deepEqual(
    device.log.filter((line) => line.startsWith('execute')),
    ['execute 28 0', 'execute 28 1', 'execute 28 2', 'execute 28 3'],
  );
  assert.deepEqual(
    i.takeAll().map(({ opcode, statSN }) => [opcode, statSN]),
    [2, 3, 4, 5].map((statSN) => [0x25, statSN]),
  );
});

test('T-072 requests of other kinds wait for their turn too', () => {
  const { i } = loggedIn();
  i.ping(undefined, { immediate: false, cmdSN: 2, tag: 0x22 });
  i.nothing();
  i.command(read10(0, 1), { cmdSN: 1, tag: 0x21, edtl: 512 });
  assert.deepEqual(
    i.takeAll().map(({ opcode, tag }) => [opcode, tag]),
    [
      [0x25, 0x21],
      [0x20, 0x22],
    ],
  );
});

test('T-073 commands outside the window and duplicates are dropped without a word', () => {
  const { i, device } = loggedIn(nodeWith({}, { commands: 4 }));
  i.command(read10(0, 1), { cmdSN: 5, edtl: 512 }); // MaxCmdSN is 4
  i.command(read10(0, 1), { cmdSN: 0, edtl: 512 });
  i.command(read10(0, 1), { cmdSN: 3, edtl: 512 });
  i.command(read10(7, 1), { cmdSN: 3, edtl: 512 }); // held already
  i.nothing();
  i.command(read10(1, 1), { cmdSN: 1, edtl: 512 });
  i.command(read10(1, 1), { cmdSN: 1, edtl: 512 }); // done already
  assert.equal(i.takeAll().length, 1);
  i.command(read10(2, 1), { cmdSN: 2, edtl: 512 });
  assert.equal(i.takeAll().length, 2);
  assert.deepEqual(device.log.slice(1), ['execute 28 1', 'execute 28 2', 'execute 28 0']);
  assert.equal(i.core.finished, false);
});

test('T-074 T-075 the window moves by one with each command that ends, and never back', () => {
  const { i, device } = loggedIn(nodeWith({}, { commands: 4 }));
  device.holds = true;
  for (let n = 0; n < 4; n++) i.command(read10(n, 1), { edtl: 512 });
  i.command(read10(9, 1), { edtl: 512, cmdSN: 5 }); // the window is closed
  assert.equal(device.tasks.length, 4);
  i.ping();
  const ping = i.takeOnly();
  assert.deepEqual([ping.expCmdSN, ping.maxCmdSN], [5, 4], 'closed: MaxCmdSN = ExpCmdSN - 1');
  for (const maxCmdSN of [5, 6, 7, 8]) {
    device.next();
    assert.deepEqual([i.collect().take().maxCmdSN, i.pdus.length], [maxCmdSN, 0]);
  }
});

test('T-076 a window that opens with nothing else to send is told by a NOP-In that uses up no StatSN', () => {
  const setup = nodeWith();
  const { i } = loggedIn(setup);
  setup.device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  i.command(read10(1, 1), { edtl: 512 });
  i.taskManagement(2); // ABORT TASK SET, which is answered when both are gone
  setup.device.next();
  const news = i.collect().takeOnly();
  assert.deepEqual([news.opcode, news.tag, news.transferTag, news.data.length], [0x20, 0xffff_ffff, 0xffff_ffff, 0]);
  assert.equal(news.maxCmdSN, 129);
  i.ping();
  assert.equal(i.takeOnly().statSN, news.statSN, 'StatSN was shown, not used up');
});

test('T-077 T-078 immediate commands are taken with the window closed, up to their own limit', () => {
  const { i, device } = loggedIn(nodeWith({}, { commands: 1, immediateCommands: 2 }));
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512 });
  for (let n = 0; n < 3; n++) i.command(read10(n, 1), { edtl: 512, immediate: true, tag: 0x50 + n });
  assert.equal(device.tasks.length, 3);
  const reject = i.takeOnly();
  assert.deepEqual([reject.opcode, reject.byte2], [0x3f, 0x06]);
  assert.equal(reject.data[19], 0x52, 'T-124: the Reject holds the header');
  i.taskManagement(1, 0x51);
  device.tasks.splice(2, 1).forEach((task) => {
    device.answer(task);
  });
  i.collect();
  assert.equal(i.takeOnly().opcode, 0x22);
  i.command(read10(0, 1), { edtl: 512, immediate: true });
  assert.equal(device.tasks.length, 3, 'the aborted one has made room');
});

test('T-079 a second command with a tag in use is rejected with 0x07, the first goes on', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  i.command(read10(0, 1), { edtl: 512, tag: 0x30 });
  i.command(read10(1, 1), { edtl: 512, tag: 0x30 });
  const reject = i.takeOnly();
  assert.deepEqual([reject.opcode, reject.byte2], [0x3f, 0x07]);
  device.next();
  assert.equal(i.collect().takeOnly().opcode, 0x25);
});

test('T-002 reserved bits are ignored', () => {
  const { i } = loggedIn();
  const bytes = i.encode({
    opcode: 0x01,
    flags: 0xd9,
    tag: 1,
    word20: 512,
    rest: '28000000000000000100'.padEnd(32, '0'),
  });
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  bytes[2] = 0x0f;
  bytes[3] = 0xff;
  i.sendBytes(bytes);
  assert.equal(i.takeOnly().opcode, 0x25);
});

test('T-006 an unknown opcode is rejected with 0x05 and the session goes on', () => {
  const { i } = loggedIn();
  i.send({ opcode: 0x07, tag: 0x77 });
  const reject = i.takeOnly();
  assert.deepEqual([reject.opcode, reject.byte2, reject.tag], [0x3f, 0x05, 0xffff_ffff]);
  assert.equal(reject.data.length, 48);
  i.ping();
  assert.equal(i.takeOnly().statSN, reject.statSN + 1, 'T-124: it used up a StatSN');
});

test('T-007 a header that makes no sense ends the session', () => {
  for (const [what, request] of Object.entries({
    'neither F nor W': { flags: 0x41, edtl: 512 },
    'a length without a direction': { flags: 0x81, edtl: 512 },
    'the reserved tag': { tag: 0xffff_ffff },
  })) {
    const { i, node } = loggedIn();
    i.command(read10(0, 1), request);
    assert.equal(i.core.finished, true, what);
    assert.equal(node.sessions.length, 0, what);
  }
});

test('T-008 a CDB of 32 bytes arrives whole', () => {
  const { i } = loggedIn();
  const ahs = hex('00 11 01 00  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f');
  i.command('7f0102030405060708090a0b0c0d0e0f', { edtl: 32, ahs });
  const { data } = i.takeOnly();
  assert.deepEqual(data, hex('7f0102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f'));
});

test('T-005 an AHS that overruns, or is of a reserved type, ends the session', () => {
  for (const ahs of [hex('00 ff 01 00'), hex('00 01 07 00'), new Uint8Array(1020)]) {
    const { i, device } = loggedIn();
    i.command(read10(0, 1), { edtl: 512, ahs });
    assert.equal(i.core.finished, true);
    assert.equal(device.log.includes('execute 28 0'), false);
  }
});

test('T-005 a data segment longer than declared ends the session before its data is taken', () => {
  const { i } = loggedIn(nodeWith({ maxRecvDataSegmentLength: 4096 }));
  i.send({ opcode: 0x00, immediate: true, tag: 1, length: 4097 });
  assert.equal(i.core.finished, true);
  i.nothing();
});

test('a device server that throws is answered with the response "target failure"', () => {
  const { i, device } = loggedIn();
  device.execute = () => {
    throw new Error('a fault');
  };
  i.command(read10(0, 1), { edtl: 512 });
  const response = i.takeOnly();
  assert.deepEqual([response.opcode, response.flags, response.byte2, response.status], [0x21, 0x80, 0x01, 0]);
  i.ping();
  assert.equal(i.takeOnly().opcode, 0x20);
});

test('ORDERED waits for what came before it, HEAD OF QUEUE for nothing', () => {
  const { i, device } = loggedIn();
  device.holds = true;
  const attributes = { simple: 0xc1, ordered: 0xc2, headOfQueue: 0xc3 };
  i.command(read10(0, 1), { edtl: 512, flags: attributes.simple });
  i.command(read10(1, 1), { edtl: 512, flags: attributes.ordered });
  i.command(read10(2, 1), { edtl: 512, flags: attributes.simple });
  i.command(read10(3, 1), { edtl: 512, flags: attributes.headOfQueue });
  i.command(read10(4, 1), { edtl: 512, flags: attributes.simple, lun: '0001000000000000' });
  const running = () => device.tasks.map(({ cdb }) => cdb.getUint32(2));
  assert.deepEqual(running(), [0, 3, 4], 'another logical unit is not concerned');
  device.next();
  assert.deepEqual(running(), [3, 4]);
  device.next();
  assert.deepEqual(running(), [4, 1]);
  device.tasks.reverse();
  device.next();
  assert.deepEqual(running(), [4, 2]);
});
