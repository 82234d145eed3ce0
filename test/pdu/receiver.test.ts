import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, viewOf } from '../../src/bytes/hex.ts';
import { DigestError, ProtocolError } from '../../src/errors.ts';
import { type PduHandler, Receiver } from '../../src/pdu/receiver.ts';
import { slowCrc32c } from '../support/speaker/crc32c.ts';
import type { PduDigests } from '../support/speaker/encode.ts';
import { type AnswerFields, answerBytes } from '../support/speaker/target-voice.ts';
import { seededRandom } from './random.ts';

/** What a handler was told of one PDU. */
interface Told {
  header: string;
  data: string;
  ok: boolean | undefined;
}

/** Writes down what it is told. A callback may do more, by its name. */
class Diary implements PduHandler {
  readonly pdus: Told[] = [];
  readonly pieces: number[] = [];
  hook: (where: 'header' | 'data' | 'end') => void = () => undefined;

  onHeader(view: DataView, at: number): void {
    this.pdus.push({ header: headerText(view, at), data: '', ok: undefined });
    this.hook('header');
  }

  onData(bytes: Uint8Array, from: number, to: number): void {
    const told = this.pdus.at(-1);
    assert.ok(told !== undefined && told.ok === undefined, 'data comes within a PDU');
    assert.ok(to > from, 'no empty pieces');
    told.data += toHex(bytes.subarray(from, to));
    this.pieces.push(to - from);
    this.hook('data');
  }

  onEnd(view: DataView, at: number, dataDigestOk: boolean): void {
    const told = this.pdus.at(-1);
    assert.ok(told !== undefined && told.ok === undefined, 'a PDU ends once');
    assert.equal(headerText(view, at), told.header, 'onEnd shows the header again');
    told.ok = dataDigestOk;
    this.hook('end');
  }
}

function headerText(view: DataView, at: number): string {
  const length = 48 + view.getUint8(at + 4) * 4;
  return toHex(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/**
 * Feeds `bytes` in pieces that end at `cuts`. Each piece begins somewhere in a larger buffer and is overwritten after
 * the call, so that whoever keeps a view of it is found out.
 */
function feed(receiver: Receiver, bytes: Uint8Array, cuts: readonly number[]): void {
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const buffer = new Uint8Array(to - from + 30).fill(0x55);
    const window = new Uint8Array(buffer.buffer, 7, to - from + 16);
    window.set(bytes.subarray(from, to), 5);
    receiver.receive(window, viewOf(window), 5, 5 + to - from);
    buffer.fill(0xaa);
    from = to;
  }
}

/** Data lengths that need every length of padding, none, AHS, and neighbours without a gap. */
const PDUS: readonly AnswerFields[] = [
  { opcode: 0x25, tag: 1, data: Uint8Array.of(1, 2, 3, 4), pad: 0xff },
  { opcode: 0x25, tag: 2, data: Uint8Array.of(1, 2, 3, 4, 5), pad: 0xff },
  { opcode: 0x21, tag: 3 },
  { opcode: 0x01, tag: 4, ahs: Uint8Array.of(0, 5, 2, 0, 9, 9, 9, 9), data: Uint8Array.of(7, 8, 9), pad: 0x11 },
  { opcode: 0x01, tag: 5, ahs: Uint8Array.of(0, 1, 1, 0) },
  { opcode: 0x20, tag: 6, data: Uint8Array.of(0xfe, 0xff), pad: 0xee },
  { opcode: 0x20, tag: 7, data: Uint8Array.of(0xfd), pad: 0x77 },
  { opcode: 0x31, tag: 8 },
];

const DIGESTS: readonly (PduDigests & { readonly title: string })[] = [
  { title: 'without digests' },
  { title: 'with header digests', header: true },
  { title: 'with data digests', data: true },
  { title: 'with both digests', header: true, data: true },
];

function expected(pdus: readonly AnswerFields[]): Told[] {
  return pdus.map((fields) => {
    const whole = answerBytes(fields);
    const headerLength = 48 + (fields.ahs?.length ?? 0);
    return { header: toHex(whole.subarray(0, headerLength)), data: toHex(fields.data ?? new Uint8Array()), ok: true };
  });
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function receiverOf(diary: Diary, digests: PduDigests = {}, limit = 8192): Receiver {
  const receiver = new Receiver(diary, limit);
  receiver.headerDigest = digests.header === true;
  receiver.dataDigest = digests.data === true;
  return receiver;
}

test('the CRC32C of these tests gives the vectors of RFC 3720 B.4', () => {
  assert.equal(slowCrc32c(new Uint8Array(32)), 0x8a91_36aa);
  assert.equal(slowCrc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43);
  assert.equal(slowCrc32c(Uint8Array.from({ length: 32 }, (_, at) => at)), 0x46dd_794e);
  assert.equal(slowCrc32c(Uint8Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113f_db5c);
});

for (const digests of DIGESTS) {
  const stream = join(PDUS.map((fields) => answerBytes(fields, digests)));

  test(`receive() delivers many PDUs of one read, ${digests.title}`, () => {
    const diary = new Diary();
    feed(receiverOf(diary, digests), stream, []);
    assert.deepEqual(diary.pdus, expected(PDUS));
    assert.deepEqual(diary.pieces, [4, 5, 3, 2, 1], 'each data segment in one piece, padding never included');
  });

  test(`receive() delivers the same at every cut into two reads, ${digests.title}`, () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const diary = new Diary();
      feed(receiverOf(diary, digests), stream, [cut]);
      assert.deepEqual(diary.pdus, expected(PDUS), `cut at ${cut}`);
    }
  });

  test(`receive() delivers the same byte by byte, and is between PDUs exactly at their borders, ${digests.title}`, () => {
    const diary = new Diary();
    const receiver = receiverOf(diary, digests);
    const borders = new Set<number>([0]);
    let border = 0;
    for (const fields of PDUS) {
      border += answerBytes(fields, digests).length;
      borders.add(border);
    }
    for (let at = 0; at <= stream.length; at++) {
      assert.equal(receiver.betweenPdus, borders.has(at), `after ${at} bytes`);
      feed(receiver, stream.subarray(at, at + 1), []);
    }
    assert.deepEqual(diary.pdus, expected(PDUS));
  });

  test(`receive() delivers the same whatever the reads, ${digests.title}`, () => {
    const random = seededRandom();
    for (let round = 0; round < 100; round++) {
      const cuts = Array.from({ length: random.below(30) }, () => random.below(stream.length)).sort((a, b) => a - b);
      const diary = new Diary();
      feed(receiverOf(diary, digests), stream, cuts);
      assert.deepEqual(diary.pdus, expected(PDUS), `${random.note}, cuts ${cuts.join()}`);
    }
  });
}

test('receive() says that a data digest is wrong, and goes on with the next PDU, at every cut', () => {
  const digests = { header: true, data: true };
  const fields: AnswerFields = { opcode: 0x25, data: Uint8Array.of(1, 2, 3, 4, 5), pad: 0xff };
  const stream = join([answerBytes(fields, { ...digests, spoilData: true }), answerBytes(fields, digests)]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const diary = new Diary();
    feed(receiverOf(diary, digests), stream, [cut]);
    assert.deepEqual(
      diary.pdus.map(({ ok }) => ok),
      [false, true],
      `cut at ${cut}`,
    );
  }
});

test('receive() covers the pad bytes with the data digest', () => {
  const bytes = answerBytes({ opcode: 0x25, data: Uint8Array.of(1), pad: 0 }, { data: true });
  bytes[50] = 0x40; // a pad byte
  const diary = new Diary();
  feed(receiverOf(diary, { data: true }), bytes, []);
  assert.equal(diary.pdus[0]?.ok, false);
});

test('receive() throws on a wrong header digest before anybody sees the header, at every cut, and takes nothing more', () => {
  const fields: AnswerFields = { opcode: 0x25, ahs: Uint8Array.of(0, 1, 1, 0), data: Uint8Array.of(1, 2, 3, 4) };
  const bad = answerBytes(fields, { header: true, spoilHeader: true });
  for (let cut = 0; cut <= bad.length; cut++) {
    const diary = new Diary();
    const receiver = receiverOf(diary, { header: true });
    assert.throws(() => feed(receiver, bad, [cut]), DigestError, `cut at ${cut}`);
    feed(receiver, answerBytes(fields, { header: true }), []);
    assert.deepEqual(diary.pdus, [], `cut at ${cut}`);
  }
});

test('receive() covers the AHS with the header digest', () => {
  const bytes = answerBytes({ opcode: 0x01, ahs: Uint8Array.of(0, 1, 1, 0) }, { header: true });
  bytes[51] = 1;
  assert.throws(() => feed(receiverOf(new Diary(), { header: true }), bytes, []), DigestError);
});

test('receive() blames the digest, not the length, when the length of a header was damaged on the way', () => {
  const bytes = answerBytes({ opcode: 0x20 }, { header: true });
  bytes[5] = 0xff; // DataSegmentLength 0xff0000
  assert.throws(() => feed(receiverOf(new Diary(), { header: true }), bytes, []), DigestError);
});

test('receive() takes a data segment as long as declared and refuses one that is a byte longer, before its data has come', () => {
  const full = answerBytes({ opcode: 0x25, data: new Uint8Array(512).fill(3) });
  const diary = new Diary();
  feed(receiverOf(diary, {}, 512), full, []);
  assert.equal(diary.pdus[0]?.data.length, 1024);

  const header = answerBytes({ opcode: 0x25, data: new Uint8Array(513) }).subarray(0, 48);
  for (const cuts of [[], [1], [47]]) {
    const refused = new Diary();
    assert.throws(
      () => feed(receiverOf(refused, {}, 512), header, cuts),
      (error) => error instanceof ProtocolError && /513.*512/.test(error.message),
    );
    assert.deepEqual(refused.pdus, []);
  }
});

test('receive() takes 255 words of AHS unless told otherwise, at every cut', () => {
  const ahs = Uint8Array.from({ length: 1020 }, (_, at) => at);
  const fields: AnswerFields = { opcode: 0x01, ahs, data: Uint8Array.of(5) };
  const stream = answerBytes(fields, { header: true });
  for (let cut = 0; cut <= stream.length; cut += 7) {
    const diary = new Diary();
    feed(receiverOf(diary, { header: true }), stream, [cut]);
    assert.deepEqual(diary.pdus, expected([fields]), `cut at ${cut}`);
  }
  const receiver = receiverOf(new Diary());
  receiver.maxAhsLength = 1016;
  assert.throws(() => feed(receiver, answerBytes(fields), []), ProtocolError);
});

test('receive() allocates nothing for a data segment of 16 MiB that was announced', () => {
  const header = answerBytes({ opcode: 0x25 }).subarray(0, 48);
  header.set([255, 0xff, 0xff, 0xff], 4); // 255 words of AHS, DataSegmentLength 0xffffff
  const before = process.memoryUsage().arrayBuffers;
  const receivers = Array.from({ length: 20 }, () => {
    const receiver = receiverOf(new Diary(), {}, 0xff_ffff);
    feed(receiver, header, []);
    feed(receiver, new Uint8Array(1020), []);
    return receiver;
  });
  assert.ok(receivers.every(({ betweenPdus }) => !betweenPdus));
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
});

test('receive() gives a long data segment piece by piece as it comes, without holding any of it', () => {
  const data = Uint8Array.from({ length: 5000 }, (_, at) => at * 7);
  const diary = new Diary();
  feed(receiverOf(diary), answerBytes({ opcode: 0x25, data }), [1000, 1001, 3000]);
  assert.deepEqual(diary.pieces, [952, 1, 1999, 2048]);
  assert.equal(diary.pdus[0]?.data, toHex(data));
});

test('a change of the digests in onEnd holds from the next PDU on, even within one read', () => {
  for (const cut of [0, 30, 48, 60, 100, 101, 108, 112]) {
    const diary = new Diary();
    const receiver = receiverOf(diary);
    diary.hook = (where) => {
      if (where === 'end') {
        receiver.headerDigest = true;
        receiver.dataDigest = true;
      }
    };
    const login: AnswerFields = { opcode: 0x23, data: Uint8Array.of(1, 2, 3, 4) };
    const next: AnswerFields = { opcode: 0x20, data: Uint8Array.of(9) };
    feed(receiver, join([answerBytes(login), answerBytes(next, { header: true, data: true })]), [cut]);
    assert.deepEqual(diary.pdus, expected([login, next]), `cut at ${cut}`);
  }
});

for (const where of ['header', 'data', 'end'] as const) {
  const stream = join(PDUS.map((fields) => answerBytes(fields)));

  test(`stop() in on${where} ends the stream there, at every cut`, () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const diary = new Diary();
      const receiver = receiverOf(diary);
      const calls: string[] = [];
      diary.hook = (call) => {
        if (calls.at(-1) !== call) calls.push(call); // data may come in several pieces
        if (call === where) receiver.stop();
      };
      feed(receiver, stream, [cut]);
      feed(receiver, stream, []);
      const order = ['header', 'data', 'end'];
      assert.equal(calls.at(-1), where, `cut at ${cut}`);
      assert.deepEqual(calls, order.slice(0, order.indexOf(where) + 1), `cut at ${cut}`);
    }
  });

  test(`what on${where} throws passes through, and nothing more is taken`, () => {
    for (const cut of [0, 10, 48, 50, 52, 60]) {
      const diary = new Diary();
      const receiver = receiverOf(diary);
      let calls = 0;
      diary.hook = (call) => {
        calls++;
        if (call === where) throw new RangeError('mine');
      };
      assert.throws(() => feed(receiver, stream, [cut]), /mine/);
      const before = calls;
      feed(receiver, stream, []);
      assert.equal(calls, before);
    }
  });
}

test('receive() uses the CRC32C it was given for data, in pieces that are chained', () => {
  const lengths: number[] = [];
  const diary = new Diary();
  const receiver = new Receiver(diary, 8192, (bytes, from, to, previous) => {
    lengths.push(to - from);
    let crc = ~previous;
    for (let at = from; at < to; at++) {
      crc ^= bytes[at] ?? 0;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
    }
    return ~crc >>> 0;
  });
  receiver.dataDigest = true;
  const bytes = answerBytes({ opcode: 0x25, data: new Uint8Array(301).fill(9), pad: 3 }, { data: true });
  feed(receiver, bytes, []);
  feed(receiver, bytes, [100, 349, 350]);
  assert.deepEqual(
    diary.pdus.map(({ ok }) => ok),
    [true, true],
  );
  assert.equal(lengths[0], 304, 'data and padding at once when all is there');
});
