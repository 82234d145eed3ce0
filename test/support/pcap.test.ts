import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { PcapInMemory, PcapWriter } from './pcap.ts';

const FILE_HEADER = `
  a1 b2 c3 d4   00 02 00 04    // big-endian, microseconds, version 2.4
  00 00 00 00   00 00 00 00
  00 04 00 00   00 00 00 65    // longest packet, link type 101: raw IP`;

/** Record header and both protocol headers of packet `n` (the time is n milliseconds). */
function packet(
  n: string,
  length: string,
  ends: 'up' | 'down',
  sequence: string,
  acknowledged: string,
  flags: string,
): string {
  const addresses = ends === 'up' ? '0a 00 00 01 0a 00 00 02' : '0a 00 00 02 0a 00 00 01';
  const ports = ends === 'up' ? '9c 40 0c bc' : '0c bc 9c 40'; // 40000, 3260
  return `
    00 00 00 00  ${n}  00 00 ${length}  00 00 ${length}
    45 00 ${length}  00 00 40 00  40 06 00 00  ${addresses}
    ${ports}  ${sequence}  ${acknowledged}  50 ${flags} ff ff  00 00 00 00`;
}

const HANDSHAKE = `${FILE_HEADER}
  ${packet('00 00 00 00', '00 28', 'up', '00 00 03 e8', '00 00 00 00', '02')}
  ${packet('00 00 03 e8', '00 28', 'down', '00 07 a1 20', '00 00 03 e9', '12')}
  ${packet('00 00 07 d0', '00 28', 'up', '00 00 03 e9', '00 07 a1 21', '10')}`;

test('a new PcapWriter holds the handshake', () => {
  const writer = new PcapWriter({ clientPort: 40_000, serverPort: 3260 }, new PcapInMemory());
  assert.equal(toHex(writer.file.bytes()), toHex(hex(HANDSHAKE)));
  assert.equal(writer.packets, 3);
});

test('fromInitiator() and fromTarget() go on with the sequence numbers of both sides', () => {
  const writer = new PcapWriter({ clientPort: 40_000, serverPort: 3260 }, new PcapInMemory());
  writer.fromInitiator(hex('01 02 03')).fromTarget(hex('04 05')).fromInitiator(hex('06'));
  const expected = `${HANDSHAKE}
    ${packet('00 00 0b b8', '00 2b', 'up', '00 00 03 e9', '00 07 a1 21', '18')}    01 02 03
    ${packet('00 00 0f a0', '00 2a', 'down', '00 07 a1 21', '00 00 03 ec', '18')}  04 05
    ${packet('00 00 13 88', '00 29', 'up', '00 00 03 ec', '00 07 a1 23', '18')}    06`;
  assert.equal(toHex(writer.file.bytes()), toHex(hex(expected)));
});

test('what does not fit into one packet goes into several', () => {
  const writer = new PcapWriter({ clientPort: 40_000, serverPort: 3260 }, new PcapInMemory());
  const before = writer.file.bytes().length;
  writer.fromInitiator(new Uint8Array(150_000).fill(0xab));
  assert.equal(writer.packets, 6);
  const file = writer.file.bytes();
  assert.equal(file.length, before + 3 * 56 + 150_000);
  assert.equal(file.filter((byte) => byte === 0xab).length, 150_000);
});

test('nothing sent is no packet', () => {
  const writer = new PcapWriter({ clientPort: 40_000, serverPort: 3260 }, new PcapInMemory());
  assert.equal(writer.fromTarget(new Uint8Array()).packets, 3);
});

test('the bytes that were given may change afterwards', () => {
  const bytes = hex('01 02 03');
  const writer = new PcapWriter({ clientPort: 40_000, serverPort: 3260 }, new PcapInMemory()).fromInitiator(bytes);
  bytes.fill(0xff);
  assert.equal(toHex(writer.file.bytes().subarray(-3)), '010203');
});

test('the time of a packet goes over a second', () => {
  const writer = new PcapWriter({ clientPort: 40_000, serverPort: 3260 }, new PcapInMemory());
  for (let sent = 0; sent < 1000; sent++) writer.fromTarget(hex('01'));
  const last = viewOf(writer.file.bytes().subarray(-57));
  assert.deepEqual([last.getUint32(0), last.getUint32(4)], [1, 2000]); // packet 1002 from 0
});
