import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, viewOf } from '../../src/bytes/hex.ts';
import { ipBytes, ipText } from '../../src/capture/ip-address.ts';
import type { CapturedPacket } from '../../src/capture/pcapng-write.ts';
import { SharedBudget, TcpOrder } from '../../src/capture/tcp-order.ts';
import { TcpPackets } from '../../src/capture/tcp-packets.ts';
import { knowsLink, tcpSegment } from '../../src/capture/tcp-segment.ts';
import { Random } from '../simulated/random.ts';
import { seedOfRun } from '../support/pattern.ts';

const PAYLOAD = Uint8Array.from({ length: 100 }, (_, at) => at);

/** Packets of a connection that carries `PAYLOAD`. */
function packets(local: string, remote: string): CapturedPacket[] {
  const found: CapturedPacket[] = [];
  const ends = { local: { address: local, port: 40_000 }, remote: { address: remote, port: 3260 }, client: true };
  const tcp = new TcpPackets(ends, (packet) => found.push(packet));
  tcp.open(1);
  tcp.data(0, 2, PAYLOAD, 10, 60, 0);
  tcp.data(1, 3, PAYLOAD, 0, 20, 80);
  tcp.close(4, true);
  return found;
}

test('addresses become bytes and text again', () => {
  for (const text of [
    '127.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    '2001:db8::8:800:200c:417a',
    '1:2:3:4:5:6:7:8',
  ]) {
    assert.equal(ipText(ipBytes(text)), text);
  }
  assert.equal(ipText(ipBytes('fe80::1%eth0')), 'fe80::1');
  assert.equal(ipText(ipBytes('::ffff:192.0.2.1')), '192.0.2.1');
  assert.equal(ipText(ipBytes('1::')), '1::');
  assert.equal(ipText(ipBytes('no address')), '0.0.0.0');
});

for (const [local, remote, from] of [
  ['192.0.2.1', '192.0.2.2', '192.0.2.1:40000'],
  ['2001:db8::1', '2001:db8::2', '[2001:db8::1]:40000'],
  ['::1', '192.0.2.2', '[::1]:40000'],
] as const) {
  test(`packets from ${local} to ${remote} are read as they were made`, () => {
    const [syn, synAck, ack, data, answer, reset] = packets(local, remote).map(({ bytes, originalLength }) =>
      tcpSegment(1, bytes, originalLength),
    );
    assert.deepEqual([syn?.syn, syn?.ack, syn?.from], [true, false, from]);
    assert.deepEqual([synAck?.syn, synAck?.ack], [true, true]);
    assert.deepEqual([ack?.syn, ack?.ack, ack?.payloadLength], [false, true, 0]);
    assert.deepEqual(data?.payload, PAYLOAD.subarray(10, 60));
    assert.equal(data?.sequence, ((syn?.sequence ?? 0) + 1) >>> 0);
    assert.deepEqual(answer?.payload, PAYLOAD.subarray(0, 20));
    assert.equal(answer?.payloadLength, 100, 'the rest was there and is not shown');
    assert.deepEqual([reset?.rst, reset?.sequence], [true, (data?.sequence ?? 0) + 50]);
  });
}

test('the same packet is found behind every link header, VLAN tags and IPv6 extensions', () => {
  const [, , , { bytes, originalLength }] = packets('192.0.2.1', '192.0.2.2') as [
    CapturedPacket,
    CapturedPacket,
    CapturedPacket,
    CapturedPacket,
  ];
  const ip = bytes.subarray(14);
  const expected = tcpSegment(1, bytes, originalLength);
  const behind = (linkType: number, header: Uint8Array) =>
    tcpSegment(linkType, concat(header, ip), header.length + ip.length);
  for (const linkType of [12, 14, 101, 228, 229]) assert.deepEqual(behind(linkType, new Uint8Array(0)), expected);
  for (const linkType of [0, 108]) assert.deepEqual(behind(linkType, new Uint8Array(4)), expected);
  assert.deepEqual(behind(113, new Uint8Array(16)), expected);
  assert.deepEqual(behind(276, new Uint8Array(20)), expected);
  const tags = concat(bytes.subarray(0, 12), Uint8Array.of(0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x08, 0));
  assert.deepEqual(behind(1, tags), expected);
  assert.equal(knowsLink(105), false);
  assert.equal(behind(105, new Uint8Array(0)), undefined);

  const [, , , six] = packets('2001:db8::1', '2001:db8::2');
  assert.ok(six);
  const header = six.bytes.slice(0, 54);
  viewOf(header).setUint16(18, viewOf(header).getUint16(18) + 16);
  header[20] = 0; // hop-by-hop, then destination options, then TCP
  const extensions = Uint8Array.of(60, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0);
  const long = concat(header, extensions, six.bytes.subarray(54));
  assert.deepEqual(tcpSegment(1, long, long.length)?.payload, PAYLOAD.subarray(10, 60));
});

test('fragments, other protocols and packets that are cut before their payload give nothing', () => {
  const [, , , packet] = packets('192.0.2.1', '192.0.2.2');
  assert.ok(packet);
  const changed = (at: number, value: number) => {
    const bytes = packet.bytes.slice();
    bytes[at] = value;
    return tcpSegment(1, bytes, packet.originalLength);
  };
  assert.equal(changed(20, 0x20), undefined, 'more fragments');
  assert.equal(changed(23, 17), undefined, 'UDP');
  assert.equal(changed(14, 0x55), undefined, 'IP version 5');
  assert.equal(changed(14, 0x42), undefined, 'a header of 8 bytes');
  assert.equal(changed(46, 0x10), undefined, 'a TCP header of 4 bytes');
  assert.equal(changed(12, 0x86), undefined, 'another protocol than IP');
  for (let end = 0; end < 54; end++) assert.equal(tcpSegment(1, packet.bytes.slice(0, end), end), undefined);
  const zero = packet.bytes.slice();
  viewOf(zero).setUint16(16, 0);
  assert.equal(tcpSegment(1, zero, packet.originalLength)?.payloadLength, 50, 'a length that the card fills in');
});

/** What came out of the order: bytes, and -1 for each that is missing. */
function collector(): { readonly out: number[]; bytes(bytes: Uint8Array): void; missing(length: number): void } {
  const out: number[] = [];
  return {
    out,
    bytes: (bytes) => out.push(...bytes),
    missing: (length) => out.push(...new Array<number>(length).fill(-1)),
  };
}

const seed = seedOfRun();
test(`segments in any order, twice and overlapping, come out once and in order, over the wrap; seed ${seed}`, () => {
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const stream = Uint8Array.from({ length: 500 }, () => random.below(256));
    const start = random.below(2) === 0 ? 0xffff_ff00 : random.uint32();
    const pieces: { at: number; end: number }[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + random.below(60));
      pieces.push({ at: Math.max(0, at - random.below(20)), end });
      if (random.onceIn(3)) pieces.push({ at, end: Math.min(stream.length, end + random.below(30)) });
      at = end;
    }
    for (let index = pieces.length - 1; index > 0; index--) {
      const other = Math.max(0, index - random.below(8));
      [pieces[index], pieces[other]] = [pieces[other], pieces[index]] as [
        { at: number; end: number },
        { at: number; end: number },
      ];
    }
    const to = collector();
    const order = new TcpOrder(to, new SharedBudget(64 * 1024 * 1024));
    order.begin(start);
    for (const { at, end } of pieces) order.take((start + at) >>> 0, stream.subarray(at, end), end - at);
    order.end();
    assert.deepEqual(to.out, [...stream], `round ${round}`);
  }
});

test('what never comes is told when the stream ends, and what a cut packet hides at once', () => {
  const to = collector();
  const order = new TcpOrder(to, new SharedBudget(64 * 1024 * 1024));
  order.take(100, Uint8Array.of(1, 2), 4);
  order.take(110, Uint8Array.of(9), 1);
  assert.deepEqual(to.out, [1, 2, -1, -1]);
  order.end();
  assert.deepEqual(to.out.slice(4), [-1, -1, -1, -1, -1, -1, 9]);
});

test('segments that are sent again count, and those far ahead are another stream', () => {
  const to = collector();
  const order = new TcpOrder(to, new SharedBudget(64 * 1024 * 1024));
  order.take(0, Uint8Array.of(1, 2, 3), 3);
  order.take(0, Uint8Array.of(1, 2, 3), 3);
  order.take(0x6000_0000, Uint8Array.of(7), 1);
  order.end();
  assert.deepEqual([to.out, order.repeated, order.begun], [[1, 2, 3], 1, true]);
});

test('what waits is bounded: with too many segments, or too many bytes of all streams, a gap is given up', () => {
  const to = collector();
  const order = new TcpOrder(to, new SharedBudget(64 * 1024 * 1024));
  order.take(0, Uint8Array.of(1), 1);
  for (let number = 0; number < 1500; number++) order.take(10 + 2 * number, Uint8Array.of(2), 1);
  assert.ok(to.out.length > 0 && to.out.includes(-1));
  const budget = new SharedBudget(64 * 1024 * 1024 + 4 * 256);
  const big = new Uint8Array(16 * 1024 * 1024);
  const orders = Array.from({ length: 6 }, () => {
    let length = 0;
    const one = new TcpOrder({ bytes: (bytes) => (length += bytes.length), missing: () => undefined }, budget);
    one.begin(0);
    one.take(100, big, big.length);
    return { one, told: () => length };
  });
  assert.deepEqual(
    orders.map(({ told }) => told()),
    [0, 0, 0, 0, 0, 0],
  );
  for (const { one } of orders) one.end();
  assert.deepEqual(
    orders.map(({ told }) => told() / big.length),
    [1, 1, 1, 1, 0, 0],
    'the last two found no room, and their bytes are missing',
  );
});

test('short segments that wait count for what it takes to remember them, too', () => {
  const to = collector();
  const order = new TcpOrder(to, new SharedBudget(1000));
  order.take(0, Uint8Array.of(1), 1);
  for (let number = 1; number <= 3; number++) order.take(10 * number, Uint8Array.of(2), 1);
  assert.ok(!to.out.includes(-1));
  order.take(40, Uint8Array.of(2), 1);
  assert.ok(to.out.includes(-1), 'the gap before the first that waits was given up');
});
