import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLOCK, nodeWith, read10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

function loggedIn(keys: Record<string, string> = {}, policy = {}) {
  const setup = nodeWith(policy);
  setup.device.disk.set(pattern(setup.device.disk.length));
  const i = new RawInitiator(setup.node);
  i.login({ keys });
  return { ...setup, i };
}

test('T-082 T-083 T-084 Data-In keeps to MaxRecvDataSegmentLength and MaxBurstLength, numbered and contiguous', () => {
  const { i, device } = loggedIn({ MaxRecvDataSegmentLength: '512', MaxBurstLength: '4096', FirstBurstLength: '4096' });
  i.command(read10(2, 64), { edtl: 64 * BLOCK });
  const pdus = i.takeAll();
  assert.equal(pdus.length, 64);
  pdus.forEach((pdu, n) => {
    const last = n === 63;
    assert.deepEqual([pdu.opcode, pdu.dataSN, pdu.offset, pdu.data.length], [0x25, n, n * 512, 512]);
    assert.equal(
      pdu.flags,
      last ? 0x81 : n % 8 === 7 ? 0x80 : 0,
      `F at the end of each burst, S with the last: PDU ${n}`,
    );
    assert.equal(pdu.statSN, last ? 2 : 0, 'T-080: StatSN with S only');
    assert.deepEqual(pdu.data, device.disk.slice((2 + n) * BLOCK, (3 + n) * BLOCK));
  });
});

test('T-082 lengths that are no multiple of four are rounded down where more data follows', () => {
  const { i } = loggedIn({ MaxRecvDataSegmentLength: '1023', MaxBurstLength: '2047' });
  i.command(read10(0, 5), { edtl: 5 * BLOCK });
  assert.deepEqual(
    i.takeAll().map(({ data, final }) => [data.length, final]),
    [
      [1020, false],
      [1020, false],
      [4, true],
      [516, true],
    ],
  );
});

test('T-096 less than expected is an underflow, more an overflow, both with the exact count', () => {
  const { i } = loggedIn();
  const outcome = (blocks: number, edtl: number) => {
    i.command(read10(0, blocks), { edtl });
    const pdus = i.takeAll();
    const last = pdus.at(-1);
    return [pdus.reduce((sum, { data }) => sum + data.length, 0), last?.flags, last?.count];
  };
  assert.deepEqual(outcome(4, 4096), [2048, 0x83, 2048], 'U');
  assert.deepEqual(outcome(4, 1500), [1500, 0x85, 548], 'O');
  assert.deepEqual(outcome(4, 2048), [2048, 0x81, 0], 'neither');
});

test('T-096 a read for which nothing is expected moves nothing and overflows', () => {
  const { i } = loggedIn();
  i.command(read10(0, 2), { flags: 0x81, edtl: 0 });
  const response = i.takeOnly();
  assert.deepEqual([response.opcode, response.flags, response.status, response.count], [0x21, 0x84, 0, 1024]);
});

test('T-097 data that the allocation length cuts is no overflow', () => {
  const { i } = loggedIn();
  i.command('a00000000000 00000010', { edtl: 16 });
  const cut = i.takeOnly();
  assert.deepEqual([cut.flags, cut.data.length, cut.count], [0x81, 16, 0]);
  i.command('a00000000000 00000100', { edtl: 256 });
  const short = i.takeOnly();
  assert.deepEqual([short.flags, short.data.length, short.count], [0x83, 24, 232]);
});

test('T-085 T-096 a read past the end has no Data-In, CHECK CONDITION, and underflows by all of it', () => {
  const { i } = loggedIn();
  i.command(read10(4095, 2), { edtl: 1024 });
  const response = i.takeOnly();
  assert.deepEqual([response.opcode, response.flags, response.status, response.count], [0x21, 0x82, 0x02, 1024]);
  assert.equal(response.dataSN, 0, 'ExpDataSN: no Data-In was sent');
  assert.equal(response.sense, '05/21/00');
});

test('T-085 a bidirectional command gets its status in a PDU of its own, with both residuals', () => {
  const { i } = loggedIn();
  // REPORT LUNS, of all things, with data in both directions: 24 bytes are read, none are taken.
  const ahs = Uint8Array.from([0, 5, 2, 0, 0, 0, 1, 0]);
  i.command('a00000000000 00000100', { flags: 0xe1, edtl: 8, ahs, data: pattern(8) });
  const [dataIn, response] = i.takeAll();
  assert.deepEqual([dataIn?.opcode, dataIn?.flags, dataIn?.data.length], [0x25, 0x80, 24]);
  assert.deepEqual([response?.opcode, response?.flags, response?.count], [0x21, 0x80 | 0x08 | 0x02, 8]);
  assert.equal(response?.offset, 232, 'Bidirectional Read Residual Count');
  assert.equal(response?.dataSN, 1, 'ExpDataSN');
});

test('large data that is handed over as bytes is sent in pieces of what the initiator takes', () => {
  const { i, device } = loggedIn({ MaxRecvDataSegmentLength: '65536' });
  const bytes = pattern(200_000);
  device.answer = (task) => task.dataIn(bytes, bytes.length);
  i.command(read10(0, 1), { edtl: 200_000 });
  const pdus = i.takeAll();
  assert.deepEqual(
    pdus.map(({ data }) => data.length),
    [65536, 65536, 65536, 3392],
  );
  assert.deepEqual(Buffer.concat(pdus.map(({ data }) => data)), Buffer.from(bytes));
});

test('a source that fails in the middle of a PDU ends the connection: nothing can follow half a PDU', () => {
  const { i, device, node } = loggedIn();
  device.answer = (task) => {
    const copyTo = () => {
      throw new Error('unreadable');
    };
    assert.throws(() => task.dataInFrom({ copyTo }, 0, 512), /unreadable/);
    task.checkCondition(new Uint8Array(18));
  };
  i.command(read10(0, 1), { edtl: 512 });
  assert.equal(i.core.finished, true);
  assert.equal(node.sessions.length, 0);
});
