import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';
import { BLOCK, nodeWith, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

const WRITE = 0xa1; // F W, SIMPLE
const WRITE_MORE = 0x21; // W without F: unsolicited Data-Out follows

function loggedIn(keys: Record<string, string> = {}, policy = {}, limits = {}) {
  const setup = nodeWith(policy, limits);
  const i = new RawInitiator(setup.node);
  i.login({ keys });
  return { ...setup, i };
}

/** Answers an R2T with one Data-Out. */
function answer(i: RawInitiator, r2t: Pdu, data: Uint8Array): void {
  assert.equal(r2t.opcode, 0x31);
  i.dataOut(r2t.tag, r2t.transferTag, 0, r2t.offset, data.slice(r2t.offset, r2t.offset + r2t.count), 0x80);
}

test('T-087 T-089 an R2T asks for what immediate data did not bring, byte for byte', () => {
  const { i, device } = loggedIn();
  const data = pattern(1024);
  i.command(write10(8, 2), { flags: WRITE, edtl: 1024, tag: 5, lun: '0001000000000000', data: data.slice(0, 100) });
  const r2t = i.takeOnly();
  assert.notEqual(r2t.transferTag, NIL);
  r2t.view.setUint32(20, 0xaaaa_aaaa); // whatever tag it was
  const transferTag = 1;
  assert.deepEqual(
    r2t.header,
    hex(`
      31 80 00 00  00 00 00 00
      00 01 00 00 00 00 00 00                // LUN of the command
      00 00 00 05  aa aa aa aa
      00 00 00 02  00 00 00 02  00 00 00 80  // the next StatSN, ExpCmdSN, MaxCmdSN not moved yet
      00 00 00 00  00 00 00 64  00 00 03 9c  // R2TSN 0, from byte 100, 924 bytes`),
  );
  i.dataOut(5, transferTag, 0, 100, data.slice(100, 500), 0, '0001000000000000');
  i.dataOut(5, transferTag, 1, 500, new Uint8Array(0), 0, '0001000000000000'); // T-008
  i.dataOut(5, transferTag, 2, 500, data.slice(500), 0x80, '0001000000000000');
  const response = i.takeOnly();
  assert.deepEqual([response.opcode, response.flags, response.status, response.statSN], [0x21, 0x80, 0, 2]);
  assert.deepEqual(device.disk.slice(8 * BLOCK, 10 * BLOCK), data);
});

test('T-087 T-088 R2Ts keep to MaxBurstLength and MaxOutstandingR2T, numbered and contiguous', () => {
  const { i, device } = loggedIn({
    ImmediateData: 'No',
    InitialR2T: 'Yes',
    MaxBurstLength: '1024',
    MaxOutstandingR2T: '2',
  });
  const data = pattern(5 * 1024);
  i.command(write10(0, 10), { flags: WRITE, edtl: 5 * 1024 });
  const [first, second] = i.takeAll();
  assert.ok(first && second);
  assert.deepEqual(
    [first, second].map(({ dataSN, offset, count }) => [dataSN, offset, count]),
    [
      [0, 0, 1024],
      [1, 1024, 1024],
    ],
  );
  assert.notEqual(first.transferTag, second.transferTag);
  answer(i, first, data);
  const third = i.takeOnly();
  assert.deepEqual([third.dataSN, third.offset], [2, 2048]);
  answer(i, second, data);
  answer(i, third, data);
  const [fourth, fifth] = i.takeAll();
  assert.ok(fourth && fifth);
  answer(i, fourth, data);
  i.nothing();
  answer(i, fifth, data);
  assert.equal(i.takeOnly().status, 0);
  assert.deepEqual(device.disk.slice(0, data.length), data);
});

const COMBINATIONS = [
  { InitialR2T: 'No', ImmediateData: 'No' },
  { InitialR2T: 'No', ImmediateData: 'Yes' },
  { InitialR2T: 'Yes', ImmediateData: 'No' },
  { InitialR2T: 'Yes', ImmediateData: 'Yes' },
] as const;

for (const keys of COMBINATIONS) {
  test(`T-010 a write arrives whole with InitialR2T=${keys.InitialR2T} and ImmediateData=${keys.ImmediateData}`, () => {
    const { i, device } = loggedIn({ ...keys, FirstBurstLength: '2048', MaxBurstLength: '2048' });
    const data = pattern(4096, 7);
    const immediate = keys.ImmediateData === 'Yes' ? 1024 : 0;
    const burst = keys.InitialR2T === 'No' ? 2048 : immediate;
    const tag = i.command(write10(0, 8), {
      flags: burst > immediate ? WRITE_MORE : WRITE,
      edtl: 4096,
      data: data.slice(0, immediate),
    });
    if (burst > immediate) {
      i.nothing();
      i.dataOut(tag, NIL, 0, immediate, data.slice(immediate, burst));
    }
    while (i.pdus[0]?.opcode === 0x31) answer(i, i.take(), data);
    assert.equal(i.takeOnly().status, 0);
    assert.deepEqual(device.disk.slice(0, 4096), data);
  });
}

test('T-090 immediate data where none is allowed, and unsolicited data where none is, fail with 0B/0C/0C', () => {
  const immediate = loggedIn({ ImmediateData: 'No' });
  immediate.i.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(512) });
  assert.deepEqual([immediate.i.pdus[0]?.status, immediate.i.take().sense], [2, '0b/0c/0c']);

  const unsolicited = loggedIn({ InitialR2T: 'Yes' });
  const tag = unsolicited.i.command(write10(0, 1), { flags: WRITE_MORE, edtl: 512 });
  unsolicited.i.nothing(); // T-094: not before the final Data-Out
  unsolicited.i.dataOut(tag, NIL, 0, 0, pattern(512));
  assert.equal(unsolicited.i.takeOnly().sense, '0b/0c/0c');
  assert.equal(
    unsolicited.device.disk.some((byte) => byte !== 0),
    false,
  );
});

test('T-090 unsolicited Data-Out that was not announced is rejected, and fails the command after its R2Ts', () => {
  const { i } = loggedIn();
  const data = pattern(1024);
  const tag = i.command(write10(0, 2), { flags: WRITE, edtl: 1024 });
  const r2t = i.take();
  i.dataOut(tag, NIL, 0, 0, data.slice(0, 512));
  const reject = i.takeOnly();
  assert.deepEqual([reject.opcode, reject.byte2], [0x3f, 0x09]);
  answer(i, r2t, data);
  assert.equal(i.takeOnly().sense, '0b/0c/0c');
});

test('T-091 unsolicited data of another total than announced fails with 0B/0C/0D', () => {
  const limits = { InitialR2T: 'No', FirstBurstLength: '1024', MaxBurstLength: '1024' };
  const tooMuchAtOnce = loggedIn(limits);
  tooMuchAtOnce.i.command(write10(0, 4), { flags: WRITE, edtl: 2048, data: pattern(1028) });
  assert.equal(tooMuchAtOnce.i.takeOnly().sense, '0b/0c/0d');

  for (const total of [512, 1536]) {
    const { i } = loggedIn(limits);
    const tag = i.command(write10(0, 4), { flags: WRITE_MORE, edtl: 2048 });
    i.dataOut(tag, NIL, 0, 0, pattern(256), 0);
    i.dataOut(tag, NIL, 1, 256, pattern(total - 256));
    assert.equal(i.takeOnly().sense, '0b/0c/0d', `${total} bytes instead of 1024`);
  }

  const beyond = loggedIn(limits);
  beyond.i.command(write10(0, 1), { flags: WRITE, edtl: 512, data: pattern(516) });
  assert.equal(beyond.i.takeOnly().sense, '0b/0c/0d', 'more than the Expected Data Transfer Length');
});

test('T-092 a short answer to an R2T fails with 0B/0C/0D, after all that was asked for has come', () => {
  const { i, device } = loggedIn({ ImmediateData: 'No', MaxBurstLength: '1024', MaxOutstandingR2T: '2' });
  const data = pattern(2048);
  const tag = i.command(write10(0, 4), { flags: WRITE, edtl: 2048 });
  const [first, second] = i.takeAll();
  assert.ok(first && second);
  i.dataOut(tag, first.transferTag, 0, 0, data.slice(0, 512));
  i.nothing();
  answer(i, second, data);
  assert.equal(i.takeOnly().sense, '0b/0c/0d');
  assert.equal(
    device.log.some((line) => line.startsWith('execute')),
    false,
  );
});

test('T-093 T-125 Data-Out with a wrong tag, offset, length or LUN is rejected with 0x09 and never hangs the command', () => {
  const wrong: Record<string, (i: RawInitiator, r2t: Pdu) => void> = {
    offset: (i, r2t) => i.dataOut(r2t.tag, r2t.transferTag, 0, 4, pattern(512)),
    length: (i, r2t) => i.dataOut(r2t.tag, r2t.transferTag, 0, 0, pattern(516)),
    LUN: (i, r2t) => i.dataOut(r2t.tag, r2t.transferTag, 0, 0, pattern(512), 0x80, '0001000000000000'),
  };
  for (const [what, send] of Object.entries(wrong)) {
    const { i } = loggedIn();
    i.command(write10(0, 1), { flags: WRITE, edtl: 512 });
    send(i, i.take());
    const [reject, response] = i.takeAll();
    assert.deepEqual([reject?.opcode, reject?.byte2], [0x3f, 0x09], what);
    assert.equal(response?.sense, '0b/0c/0d', what);
  }
  const { i } = loggedIn();
  i.command(write10(0, 1), { flags: WRITE, edtl: 512, tag: 5 });
  const r2t = i.take();
  i.dataOut(5, r2t.transferTag + 1, 0, 0, pattern(512));
  i.dataOut(6, r2t.transferTag, 0, 0, pattern(512));
  assert.deepEqual(
    i.takeAll().map(({ opcode, byte2 }) => [opcode, byte2]),
    [
      [0x3f, 0x09],
      [0x3f, 0x09],
    ],
  );
  answer(i, r2t, pattern(512));
  assert.equal(i.takeOnly().status, 0, 'another tag was not its business');
});

test('a DataSN out of order is a lost Data-Out: no Reject, and 0B/47/05 when all has come (RFC 7143 §7.9, §7.8)', () => {
  const data = pattern(2048);
  // What is sent: DataSN, where it begins, and its flags. The last one is final.
  const lost: Record<string, readonly (readonly [number, number])[]> = {
    'the first': [
      [1, 512],
      [2, 1024],
      [3, 1536],
    ],
    'one in the middle': [
      [0, 0],
      [2, 1024],
      [3, 1536],
    ],
    'one, and what follows begins where it should have': [
      [0, 0],
      [2, 512],
      [3, 1024],
    ],
    'none, but two changed places': [
      [1, 512],
      [0, 0],
      [2, 1024],
      [3, 1536],
    ],
    'none, but one came twice': [
      [0, 0],
      [0, 0],
      [1, 512],
      [2, 1024],
      [3, 1536],
    ],
  };
  for (const [what, sent] of Object.entries(lost)) {
    for (const solicited of [true, false]) {
      const { i, device } = loggedIn({ InitialR2T: 'No', FirstBurstLength: '2048' });
      const tag = i.command(write10(0, 4), { flags: solicited ? WRITE : WRITE_MORE, edtl: 2048 });
      const transferTag = solicited ? i.take().transferTag : NIL;
      for (const [index, [dataSN, offset]] of sent.entries()) {
        i.nothing();
        const final = index === sent.length - 1 ? 0x80 : 0;
        i.dataOut(tag, transferTag, dataSN, offset, data.slice(offset, offset + 512), final);
      }
      const response = i.takeOnly();
      assert.deepEqual([response.opcode, response.sense], [0x21, '0b/47/05'], `${what}, ${solicited}`);
      assert.equal(
        device.log.some((line) => line.startsWith('execute')),
        false,
      );
      i.command(read10(0, 1), { edtl: 512, tag });
      assert.equal(i.takeOnly().opcode, 0x25, 'the session goes on');
    }
  }
});

test('T-094 a write past the end is not answered before its unsolicited data has come, and gets no R2T', () => {
  const { i } = loggedIn({ InitialR2T: 'No' });
  const tag = i.command(write10(4095, 2), { flags: WRITE_MORE, edtl: 1024 });
  i.nothing();
  i.dataOut(tag, NIL, 0, 0, pattern(512), 0);
  i.nothing();
  i.dataOut(tag, NIL, 1, 512, pattern(512));
  const response = i.takeOnly();
  assert.deepEqual([response.status, response.sense, response.flags, response.count], [2, '05/21/00', 0x82, 1024]);
});

test('T-096 residuals of writes: less announced than the CDB wants, and more', () => {
  const { i, device } = loggedIn();
  const data = pattern(2048);
  i.command(write10(0, 4), { flags: WRITE, edtl: 1024, data: data.slice(0, 1024) });
  const over = i.takeOnly();
  assert.deepEqual([over.flags, over.count], [0x84, 1024]);
  assert.deepEqual(device.disk.slice(0, 1024), data.slice(0, 1024));

  i.command(write10(16, 2), { flags: WRITE, edtl: 2048, data });
  const under = i.takeOnly();
  assert.deepEqual([under.flags, under.count], [0x82, 1024]);
  assert.deepEqual(
    device.disk.slice(16 * BLOCK, 20 * BLOCK),
    Uint8Array.from({ length: 2048 }, (_, at) => (at < 1024 ? (data[at] ?? 0) : 0)),
  );

  i.command(write10(0, 1), { flags: 0x81, edtl: 0 });
  const nothing = i.takeOnly();
  assert.deepEqual([nothing.flags, nothing.count], [0x84, 512], 'no data was announced at all');
});

test('R2Ts beyond the room for write data wait until a command before them has ended', () => {
  const { i } = loggedIn({ ImmediateData: 'No' }, {}, { writeBufferBytes: 4096 });
  const data = pattern(3072);
  const tags = [0, 1, 2].map((n) => i.command(write10(8 * n, 6), { flags: WRITE, edtl: 3072 }));
  const first = i.takeOnly();
  assert.equal(first.tag, tags[0]);
  i.command(write10(99, 20), { flags: WRITE, edtl: 10_240, tag: 0x999 }); // larger than all the room
  i.nothing();
  answer(i, first, data);
  const [done, second] = i.takeAll();
  assert.ok(done && second);
  assert.deepEqual([done.opcode, second.opcode, second.tag], [0x21, 0x31, tags[1]]);
  i.taskManagement(1, tags[2]); // one that waits can be aborted
  assert.equal(i.takeOnly().byte2, 0);
  answer(i, second, data);
  assert.deepEqual(
    i.takeAll().map(({ opcode, tag }) => [opcode, tag]),
    [
      [0x21, tags[1]],
      [0x31, 0x999],
    ],
    'alone it is let through',
  );
});

test('data of a write is taken wherever the stream is cut', () => {
  const data = pattern(600, 3);
  for (let cut = 1; cut < 700; cut += 7) {
    const { i, device } = loggedIn();
    const command = i.encode({
      opcode: 0x01,
      flags: WRITE,
      tag: 1,
      word20: 1024,
      rest: write10(0, 2).padEnd(32, '0'),
      data,
    });
    i.sendBytes(command.slice(0, cut)).sendBytes(command.slice(cut));
    const r2t = i.takeOnly();
    i.dataOut(1, r2t.transferTag, 0, 600, pattern(424, 9));
    assert.equal(i.takeOnly().status, 0, `cut at byte ${cut}`);
    assert.deepEqual(device.disk.slice(0, 600), data, `cut at byte ${cut}`);
    assert.deepEqual(device.disk.slice(600, 1024), pattern(424, 9));
  }
});

test('a command that is aborted while its data is coming in leaves nothing in the next one that uses its place', () => {
  const setup = nodeWith();
  const { i, device } = (() => {
    const initiator = new RawInitiator(setup.node);
    initiator.login();
    return { i: initiator, device: setup.device };
  })();
  const other = new RawInitiator(setup.node);
  other.login({ isid: '800000000002' });
  const tag = i.command(write10(0, 1), { flags: WRITE, edtl: 512 });
  const r2t = i.take();
  const rest = [0, 7, 0, 0].map((word) => word.toString(16).padStart(8, '0')).join(''); // a DataSN that is wrong, too
  const dataOut = i.encode({ opcode: 0x05, tag, word20: r2t.transferTag, rest, data: pattern(512) });
  i.sendBytes(dataOut.slice(0, 300));
  other.taskManagement(5);
  assert.equal(other.takeOnly().byte2, 0);
  i.collect().takeAll();
  i.sendBytes(dataOut.slice(300)).takeAll();
  i.command(write10(8, 1), { flags: WRITE, edtl: 512, data: pattern(512, 9) });
  assert.equal(i.takeOnly().status, 0);
  assert.deepEqual(device.disk.slice(8 * BLOCK, 9 * BLOCK), pattern(512, 9));
  assert.equal(
    device.disk.subarray(0, BLOCK).some((byte) => byte !== 0),
    false,
  );
});
