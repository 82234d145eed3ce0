import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { BORROW_LENGTH, COPY_LIMIT, Outbox } from '../../src/pdu/outbox.ts';
import { slowCrc32c } from '../support/speaker/crc32c.ts';
import { seededRandom } from './random.ts';

/** The slab length of the outbox: not public, so the tests go over a range of positions around it. */
const SLAB_LENGTH = 128 * 1024;

/** Writes the 48 bytes of a header that was made before. */
function copyHeader(view: DataView, at: number, header: Uint8Array): void {
  for (let next = 0; next < 48; next++) view.setUint8(at + next, header[next] ?? 0);
}

function littleEndian(crc: number): Uint8Array {
  return Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24);
}

/** What one PDU must look like on the wire. */
function wireBytes(
  header: Uint8Array,
  ahs: Uint8Array,
  data: Uint8Array,
  digests: { readonly headerDigest: boolean; readonly dataDigest: boolean },
): Uint8Array {
  const headers = Uint8Array.of(...header, ...ahs);
  const segment = new Uint8Array((data.length + 3) & ~3);
  segment.set(data);
  const parts: Uint8Array[] = [headers];
  if (digests.headerDigest) parts.push(littleEndian(slowCrc32c(headers)));
  parts.push(segment);
  if (digests.dataDigest && data.length > 0) parts.push(littleEndian(slowCrc32c(segment)));
  return join(parts);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function sameBytes(found: Uint8Array, wanted: Uint8Array, note: string): void {
  assert.equal(found.length, wanted.length, note);
  const at = found.findIndex((byte, index) => byte !== wanted[index]);
  assert.equal(at, -1, `${note}: byte ${at} differs`);
}

/** Fills the outbox up to `length` bytes exactly, with headers that say nothing and payload that is copied. */
function fillTo(outbox: Outbox, length: number): void {
  const header = new Uint8Array(48);
  while (length - outbox.pendingBytes > COPY_LIMIT + 96) {
    outbox.pdu(copyHeader, header);
    outbox.data(new Uint8Array(COPY_LIMIT), 0, COPY_LIMIT);
  }
  outbox.pdu(copyHeader, header);
  const rest = length - outbox.pendingBytes;
  assert.equal(rest % 4, 0);
  for (let left = rest; left > 0; left -= Math.min(left, COPY_LIMIT)) {
    outbox.data(new Uint8Array(COPY_LIMIT), 0, Math.min(left, COPY_LIMIT)); // more than once: only to fill up
  }
  assert.equal(outbox.pendingBytes, length);
}

test('drain() gives a header, its digest, data, zero padding and the digest over both', () => {
  const outbox = new Outbox();
  outbox.headerDigest = true;
  outbox.dataDigest = true;
  outbox.pdu(copyHeader, new Uint8Array(48));
  outbox.data(Uint8Array.of(0xaa, 0xff, 0xbb), 1, 2);
  const whole = toHex(join(outbox.drain()));
  const header = '00'.repeat(48) + toHex(littleEndian(slowCrc32c(new Uint8Array(48))));
  assert.equal(whole, `${header}ff000000${toHex(littleEndian(slowCrc32c(Uint8Array.of(0xff, 0, 0, 0))))}`);
});

test('a PDU without data has no data digest, and no padding', () => {
  const outbox = new Outbox();
  outbox.dataDigest = true;
  outbox.pdu(copyHeader, new Uint8Array(48));
  outbox.data(new Uint8Array(8), 3, 3);
  outbox.dataFrom({ copyTo: () => assert.fail('nothing to copy') }, 0, 0);
  assert.equal(join(outbox.drain()).length, 48);
});

test('drain() gives nothing when there is nothing, and wants no flushed() for it', () => {
  const outbox = new Outbox();
  assert.deepEqual(outbox.drain(), []);
  outbox.flushed();
  assert.equal(outbox.inFlightBytes, 0);
});

test('pendingBytes and inFlightBytes account for every byte, digests and padding included', () => {
  const outbox = new Outbox();
  outbox.headerDigest = true;
  outbox.dataDigest = true;
  outbox.pdu(copyHeader, new Uint8Array(48), new Uint8Array(8));
  outbox.data(new Uint8Array(20_000), 0, 20_000);
  outbox.pdu(copyHeader, new Uint8Array(48));
  outbox.data(new Uint8Array(5), 0, 5);
  const length = 48 + 8 + 4 + 20_000 + 4 + 48 + 4 + 8 + 4;
  assert.equal(outbox.pendingBytes, length);
  assert.equal(join(outbox.drain()).length, length);
  assert.deepEqual([outbox.pendingBytes, outbox.inFlightBytes], [0, length]);
  outbox.flushed();
  assert.deepEqual([outbox.pendingBytes, outbox.inFlightBytes], [0, 0]);
});

test('payload up to COPY_LIMIT is copied, longer payload goes out by reference', () => {
  for (const length of [1, COPY_LIMIT - 1, COPY_LIMIT, COPY_LIMIT + 1, 3 * COPY_LIMIT]) {
    const outbox = new Outbox();
    const payload = new Uint8Array(length + 10).fill(7);
    outbox.pdu(copyHeader, new Uint8Array(48));
    outbox.data(payload, 5, 5 + length);
    const chunks = outbox.drain();
    const referred = chunks.filter(({ buffer }) => buffer === payload.buffer);
    assert.equal(referred.length, length > COPY_LIMIT ? 1 : 0, `${length} bytes`);
    if (length > COPY_LIMIT) assert.deepEqual([referred[0]?.byteOffset, referred[0]?.length], [5, length]);
    payload.fill(8); // the owner uses it again before it was written
    const seen = join(chunks)[48];
    assert.equal(seen, length > COPY_LIMIT ? 8 : 7);
  }
});

test('small PDUs of one turn leave as one chunk', () => {
  const outbox = new Outbox();
  for (let pdu = 0; pdu < 32; pdu++) {
    outbox.pdu(copyHeader, new Uint8Array(48).fill(pdu));
    outbox.data(new Uint8Array(512).fill(pdu), 0, 512);
  }
  assert.equal(outbox.drain().length, 1);
});

test('the bytes are right wherever a PDU meets the end of a slab', () => {
  const random = seededRandom();
  for (let before = 0; before <= 72; before += 4) {
    for (const length of [0, 1, 6, 4096, COPY_LIMIT + 3]) {
      for (const both of [false, true]) {
        const digests = { headerDigest: both, dataDigest: both };
        const outbox = new Outbox();
        fillTo(outbox, SLAB_LENGTH - before);
        Object.assign(outbox, digests);
        const [header, ahs, data] = [random.bytes(48), random.bytes(before % 8), random.bytes(length)];
        outbox.pdu(copyHeader, header, ahs.length > 0 ? ahs : undefined);
        outbox.data(data, 0, length);
        const whole = join(outbox.drain()).subarray(SLAB_LENGTH - before);
        sameBytes(whole, wireBytes(header, ahs, data, digests), `${before} before the end, ${length} bytes`);
      }
    }
  }
});

test('dataFrom() pulls a data segment over the end of a slab in pieces, digest and padding included', () => {
  const random = seededRandom();
  for (const length of [1, 5, 4096, 100_001, 300_002]) {
    for (const before of [48, 52, 56, 1048]) {
      const digests = { headerDigest: true, dataDigest: true };
      const outbox = new Outbox();
      fillTo(outbox, SLAB_LENGTH - before);
      Object.assign(outbox, digests);
      const [header, data] = [random.bytes(48), random.bytes(length)];
      outbox.pdu(copyHeader, header);
      outbox.dataFrom(sourceOf(data, 1000), 1000, length);
      const whole = join(outbox.drain()).subarray(SLAB_LENGTH - before);
      sameBytes(whole, wireBytes(header, new Uint8Array(0), data, digests), `${length} bytes, ${before} before`);
    }
  }
});

/** A source that lends `data` in pieces of at most `piece` bytes, and what of it is lent. */
function lenderOf(data: Uint8Array, piece: number) {
  const lent = new Set<Uint8Array>();
  const lender = {
    lend(offset: number, length: number): Uint8Array {
      const bytes = data.subarray(offset, offset + Math.min(length, piece));
      lent.add(bytes);
      return bytes;
    },
    takeBack(bytes: Uint8Array): void {
      assert.ok(lent.delete(bytes), 'taken back once, and only what was lent');
    },
  };
  return { ...sourceOf(data, 0), lender, lent };
}

test('dataFrom() borrows long data from a source that lends, until it was flushed; padding and digest as ever', () => {
  const random = seededRandom();
  for (const length of [BORROW_LENGTH - 1, BORROW_LENGTH, 100_001, 300_002]) {
    const digests = { headerDigest: true, dataDigest: true };
    const outbox = Object.assign(new Outbox(), digests);
    const [header, data] = [random.bytes(48), random.bytes(length)];
    const source = lenderOf(data, 70_000);
    outbox.pdu(copyHeader, header);
    outbox.dataFrom(source, 0, length);
    const pieces = length >= BORROW_LENGTH ? Math.ceil(length / 70_000) : 0;
    assert.equal(source.lent.size, pieces);
    const chunks = outbox.drain();
    sameBytes(join(chunks), wireBytes(header, new Uint8Array(0), data, digests), `${length} bytes`);
    assert.equal(chunks.filter(({ buffer }) => buffer === data.buffer).length, pieces);
    outbox.pdu(copyHeader, header); // the next turn
    outbox.dataFrom(source, 0, length);
    outbox.flushed();
    assert.equal(source.lent.size, pieces, 'what the next turn borrowed is still out');
    outbox.drain();
    outbox.flushed();
    assert.equal(source.lent.size, 0);
  }
});

test('abandon() gives back what was borrowed, sent and not sent, and what comes after it is as if nothing had been', () => {
  const outbox = new Outbox();
  const source = lenderOf(new Uint8Array(200_000), 70_000);
  for (const drained of [true, true, false]) {
    outbox.pdu(copyHeader, new Uint8Array(48));
    outbox.dataFrom(source, 0, 200_000);
    if (drained) outbox.drain();
  }
  outbox.abandon();
  assert.deepEqual([source.lent.size, outbox.pendingBytes, outbox.inFlightBytes], [0, 0, 0]);
  outbox.flushed(); // the socket's answer to what it was given may come late
  assert.deepEqual(outbox.drain(), []);
});

/** A source whose byte `start` is the first of `data`. */
function sourceOf(data: Uint8Array, start: number) {
  return {
    copyTo(offset: number, into: Uint8Array, at: number, length: number): void {
      assert.ok(offset >= start && offset - start + length <= data.length, 'nothing else is asked for');
      into.set(data.subarray(offset - start, offset - start + length), at);
    },
  };
}

/** Bytes that were drained and not yet written, and what they must be. */
interface Flight {
  readonly chunks: readonly Uint8Array[];
  readonly wanted: Uint8Array;
}

test('what was drained stays as it is until flushed(), whatever is added meanwhile, and all bytes come in order', () => {
  const random = seededRandom();
  for (let round = 0; round < 12; round++) {
    const outbox = new Outbox();
    const flights: Flight[] = [];
    let wanted: Uint8Array[] = [];
    const land = (): void => {
      const flight = flights.shift();
      if (flight === undefined) return;
      sameBytes(join(flight.chunks), flight.wanted, random.note);
      outbox.flushed();
    };
    for (let step = 0; step < 150; step++) {
      const dice = random.below(10);
      if (dice < 7) wanted.push(addPdu(outbox, random));
      else if (dice < 9) {
        const chunks = outbox.drain();
        if (chunks.length > 0) flights.push({ chunks, wanted: join(wanted) });
        else assert.equal(wanted.length, 0, random.note);
        wanted = [];
        assert.equal(outbox.pendingBytes, 0);
      } else land();
      const inFlight = flights.reduce((sum, flight) => sum + flight.wanted.length, 0);
      assert.equal(outbox.inFlightBytes, inFlight, random.note);
    }
    while (flights.length > 0) land();
  }
});

/** Adds a random PDU. @returns What it must look like. */
function addPdu(outbox: Outbox, random: ReturnType<typeof seededRandom>): Uint8Array {
  if (random.below(10) === 0) {
    outbox.headerDigest = random.below(2) === 0;
    outbox.dataDigest = random.below(2) === 0;
  }
  const digests = { headerDigest: outbox.headerDigest, dataDigest: outbox.dataDigest };
  const header = random.bytes(48);
  const ahs = random.bytes(random.below(8) === 0 ? 4 * random.below(256) : 0);
  const lengths = [0, random.below(9), 512, random.below(5000), COPY_LIMIT - random.below(3), COPY_LIMIT + 1];
  const length = random.below(12) === 0 ? random.below(200_000) : (lengths[random.below(lengths.length)] ?? 0);
  const data = new Uint8Array(length).fill(1 + random.below(255));
  data.set(random.bytes(Math.min(length, 16)));
  outbox.pdu(copyHeader, header, ahs.length > 0 ? ahs : undefined);
  if (random.below(3) === 0) outbox.dataFrom(sourceOf(data, 77), 77, length);
  else outbox.data(data, 0, length);
  return wireBytes(header, ahs, data, digests);
}

test('a slab is used again once everything in it was written, so that memory stays bounded', () => {
  const outbox = new Outbox();
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 200; round++) {
    for (let pdu = 0; pdu < 20; pdu++) {
      outbox.pdu(copyHeader, new Uint8Array(48));
      outbox.data(new Uint8Array(COPY_LIMIT), 0, COPY_LIMIT);
    }
    for (const { buffer } of outbox.drain()) buffers.add(buffer);
    outbox.flushed();
  }
  assert.ok(buffers.size <= 6, `${buffers.size} slabs for 64 MiB`);
});

test('an outbox that is drained and flushed each turn keeps to one slab', () => {
  const outbox = new Outbox();
  const buffers = new Set<ArrayBufferLike>();
  for (let turn = 0; turn < 10_000; turn++) {
    outbox.pdu(copyHeader, new Uint8Array(48));
    outbox.data(new Uint8Array(512), 0, 512);
    for (const { buffer } of outbox.drain()) buffers.add(buffer);
    outbox.flushed();
  }
  assert.equal(buffers.size, 1);
});
