import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, viewOf } from '../../src/bytes/hex.ts';
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts';
import { CaptureReader, type FilePacket } from '../../src/capture/capture-read.ts';
import { PcapngStream } from '../../src/capture/pcapng-stream.ts';
import { Random } from '../simulated/random.ts';
import { seedOfRun } from '../support/pattern.ts';
import { dialog, ENDS } from './dialog.ts';

type Packet = FilePacket & { readonly bytes: Uint8Array };

function packetsOf(file: Uint8Array, step = file.length): Packet[] {
  const packets: Packet[] = [];
  const reader = new CaptureReader((packet) => packets.push({ ...packet, bytes: packet.bytes.slice() }));
  for (let at = 0; at < file.length; at += step) reader.push(file.slice(at, at + step));
  return packets;
}

/** A file of ours. */
function sample(): Uint8Array {
  const parts: Uint8Array[] = [];
  const connection = new PcapngStream((bytes) => parts.push(bytes)).connection();
  connection.opened(1_700_000_000_123.456, ENDS);
  let time = 1_700_000_000_124;
  for (const { fromInitiator, bytes } of dialog()) {
    connection.add(fromInitiator ? 0 : 1, time++, bytes, 0, bytes.length, 0);
  }
  connection.closed(time, false);
  return concat(...parts);
}

/** Numbers of one byte order, in a row. */
function words(little: boolean, ...numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * numbers.length);
  const view = viewOf(bytes);
  for (const [index, number] of numbers.entries()) view.setUint32(4 * index, number, little);
  return bytes;
}

/** A pcapng block. */
function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  return concat(words(little, type, 12 + body.length), body, words(little, 12 + body.length));
}

const FRAME = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

for (const little of [false, true]) {
  const order = little ? 'little' : 'big';
  for (const nano of [false, true]) {
    test(`a pcap file of a ${order}-endian machine with ${nano ? 'nanoseconds' : 'microseconds'} is read`, () => {
      const magic = nano ? 0xa1b2_3c4d : 0xa1b2_c3d4;
      const header = words(little, magic, little ? 0x0004_0002 : 0x0002_0004, 0, 0, 65_535, 101);
      const file = concat(header, words(little, 1_700_000_000, nano ? 500_000_000 : 500_000, 8, 60), FRAME);
      for (const step of [1, 7, 1000]) {
        const [packet] = packetsOf(file, step);
        assert.deepEqual(packet, {
          number: 1,
          time: 1_700_000_000_500,
          linkType: 101,
          bytes: FRAME,
          originalLength: 60,
        });
      }
    });
  }

  test(`a pcapng file of a ${order}-endian machine is read: interfaces, resolutions, sections, all kinds of packets`, () => {
    const magic = concat(words(little, 0x1a2b_3c4d, little ? 1 : 0x0001_0000, 0xffff_ffff, 0xffff_ffff));
    const section = block(little, 0x0a0d_0d0a, magic);
    const link = (type: number, options: Uint8Array = new Uint8Array(0)): Uint8Array =>
      block(little, 1, concat(little ? words(true, type) : words(false, type << 16), words(little, 0), options));
    const resolution = (value: number): Uint8Array =>
      concat(
        little ? words(true, 0x0001_0009) : words(false, 0x0009_0001),
        Uint8Array.of(value, 0, 0, 0),
        words(little, 0),
      );
    const enhanced = (number: number, units: number): Uint8Array =>
      block(little, 6, concat(words(little, number, Math.floor(units / 2 ** 32), units % 2 ** 32, 8, 60), FRAME));
    const old = block(
      little,
      2,
      concat(little ? words(true, 1) : words(false, 1 << 16), words(little, 0, 2000, 8, 60), FRAME),
    );
    const simple = block(little, 3, concat(words(little, 8), FRAME));
    const unknown = block(little, 0x0bad, words(little, 1, 2, 3));
    const file = concat(
      section,
      link(1),
      link(101, resolution(9)),
      link(113, resolution(0x8a)),
      unknown,
      enhanced(0, 5000),
      enhanced(1, 5_000_000),
      enhanced(2, 1024),
      old,
      simple,
      section,
      link(228),
      enhanced(0, 7000),
    );
    const found = packetsOf(file, 5).map(({ time, linkType, number }) => [number, linkType, time]);
    assert.deepEqual(found, [
      [1, 1, 5],
      [2, 101, 5],
      [3, 113, 1000],
      [4, 101, 0.002],
      [5, 1, undefined],
      [6, 228, 7],
    ]);
  });
}

test('our own file is read back packet by packet, in pieces of any length', () => {
  const file = sample();
  const whole = packetsOf(file);
  assert.equal(whole.length, 16);
  assert.equal(whole[0]?.time, 1_700_000_000_123.456);
  for (const step of [1, 13, 4096]) assert.deepEqual(packetsOf(file, step), whole);
});

test('what is no capture, and a length that cannot be, are refused with the place', () => {
  assert.throws(() => packetsOf(new Uint8Array(64)), { code: 'ISCSI_USAGE', message: /neither pcapng nor pcap/ });
  const file = sample();
  const broken = (at: number, value: number): Uint8Array => {
    const copy = file.slice();
    viewOf(copy).setUint32(at, value, true);
    return copy;
  };
  const firstLength = viewOf(file).getUint32(4, true);
  assert.throws(() => packetsOf(broken(4, 0xffff_fff0)), /at byte 0 it has a length of 4294967280 bytes/);
  assert.throws(() => packetsOf(broken(8, 1)), /a section without byte order/);
  assert.throws(() => packetsOf(broken(firstLength + 4, 8)), /a length of 8 bytes: 12/);
  assert.throws(() => packetsOf(broken(firstLength + 4, 13)), /a block of 13 bytes: a multiple of 4 allowed/);
  assert.throws(() => packetsOf(broken(firstLength - 4, 8)), /a block with two lengths/);
  const second = firstLength + viewOf(file).getUint32(firstLength + 4, true);
  assert.throws(() => packetsOf(broken(second + 8, 3)), /interface 3, which there is not/);
  assert.throws(() => packetsOf(broken(second + 20, 0xffff)), /a packet of 65535 bytes in a shorter block/);
});

test('a file that ends anywhere gives the packets that are whole', () => {
  const file = sample();
  let last = 0;
  for (let end = 0; end <= file.length; end++) {
    const { length } = packetsOf(file.slice(0, end));
    assert.ok(length >= last);
    last = length;
  }
  assert.equal(last, 16);
});

const seed = seedOfRun();
test(`damaged files harm nobody: whatever is changed, there is an answer or a RangeError; seed ${seed}`, () => {
  const random = new Random(seed);
  const file = sample();
  for (let round = 0; round < 1500; round++) {
    const copy = file.slice();
    for (let changes = random.below(8) + 1; changes > 0; changes--) copy[random.below(copy.length)] = random.below(256);
    const decoder = new CaptureDecoder(() => undefined);
    try {
      for (let at = 0; at < copy.length; at += 999) decoder.push(copy.subarray(at, at + 999));
    } catch (error) {
      assert.ok(error instanceof RangeError, `round ${round}: ${error}`);
    }
    decoder.end();
  }
});
