/** The tests that every PDU file has to pass. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import type { PduFixtures } from '../fixtures/fixture.ts';
import { seededRandom } from './random.ts';

const BHS_LENGTH = 48;

/** Reader and writer of one PDU. */
export interface Codec<T> {
  readonly name: string;
  readonly read: (v: DataView, at: number) => T;
  readonly write: (v: DataView, at: number, p: T) => void;
}

/** Registers the tests of one PDU: its fixtures both ways, and every bit of the header. */
export function testCodec<T>(fixtures: PduFixtures<T>, codec: Codec<T>): void {
  testExamples(fixtures, codec);
  testBits(fixtures, codec);
}

function testExamples<T>({ examples }: PduFixtures<T>, { name, read, write }: Codec<T>): void {
  for (const { title, bytes, pdu } of examples) {
    const header = hex(bytes).subarray(0, BHS_LENGTH);

    test(`read${name}() reads every field (${title})`, () => {
      assert.deepEqual(read(viewOf(header), 0), pdu);
    });

    test(`read${name}() reads at its offset in a view that begins within a buffer (${title})`, () => {
      const buffer = new Uint8Array(100).fill(0xee);
      buffer.set(header, 23);
      assert.deepEqual(read(new DataView(buffer.buffer, 13, 80), 10), pdu);
    });

    test(`write${name}() writes 48 bytes and nothing beside them (${title})`, () => {
      const buffer = new Uint8Array(100).fill(0xee);
      write(new DataView(buffer.buffer, 13, 80), 10, pdu);
      assert.equal(toHex(buffer.subarray(23, 23 + BHS_LENGTH)), toHex(header));
      assert.ok(buffer.subarray(0, 23).every((byte) => byte === 0xee));
      assert.ok(buffer.subarray(23 + BHS_LENGTH).every((byte) => byte === 0xee));
    });
  }
}

function testBits<T>({ fieldBits, fixedBits, examples }: PduFixtures<T>, { name, read, write }: Codec<T>): void {
  const field = hex(fieldBits);
  const fixed = hex(fixedBits);

  test(`the fixture of ${name} covers 384 bits, none of them both field and fixed`, () => {
    assert.equal(field.length, BHS_LENGTH);
    assert.equal(fixed.length, BHS_LENGTH);
    assert.ok(field.every((bits, at) => (bits & (fixed[at] ?? 0)) === 0));
  });

  test(`read${name}() looks at every bit of a field and at no other`, () => {
    const header = hex(examples[0].bytes).subarray(0, BHS_LENGTH);
    const before = comparable(read(viewOf(header), 0));
    for (let bit = 0; bit < 8 * BHS_LENGTH; bit++) {
      const at = bit >>> 3;
      const mask = 0x80 >>> (bit & 7);
      const flipped = header.slice();
      flipped[at] = (flipped[at] ?? 0) ^ mask;
      const isField = ((field[at] ?? 0) & mask) !== 0;
      const differs = comparable(read(viewOf(flipped), 0)) !== before;
      assert.equal(differs, isField, `byte ${at}, mask 0x${mask.toString(16)}`);
    }
  });

  test(`write${name}() gives back every field and leaves what is reserved 0, whatever was there before`, () => {
    const random = seededRandom();
    for (let round = 0; round < 200; round++) {
      const noise = random.bytes(BHS_LENGTH);
      const expected = noise.map((byte, at) => (byte & (field[at] ?? 0)) | (fixed[at] ?? 0));
      const written = random.bytes(BHS_LENGTH);
      write(viewOf(written), 0, read(viewOf(noise), 0));
      assert.equal(toHex(written), toHex(expected), random.note);
    }
  });
}

/** The hex text `bytes` with other bytes from offset `at` on. */
export function changed(bytes: string, at: number, patch: string): string {
  const copy = hex(bytes);
  copy.set(hex(patch), at);
  return toHex(copy);
}

/** Asserts that `check` refuses the header with this clause. */
export function assertRefused(check: (v: DataView, at: number) => void, bytes: string, clause: string): void {
  assert.throws(
    () => check(viewOf(hex(bytes)), 0),
    (error) => {
      assert.ok(error instanceof ProtocolError, String(error));
      assert.equal(error.clause, clause);
      return true;
    },
  );
}

/** Asserts that `check` has nothing against the header. */
export function assertTaken(check: (v: DataView, at: number) => void, bytes: string): void {
  check(viewOf(hex(bytes)), 0);
}

function comparable(pdu: unknown): string {
  return JSON.stringify(pdu, (_key, value: unknown) =>
    value instanceof DataView ? toHex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) : value,
  );
}
