/** What data segments hold: texts and sense data. */
import assert from 'node:assert/strict';

/** `key=value NUL` for each. */
export function textOf(keys: Readonly<Record<string, string>>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${value}\0`)
    .join('');
}

/** The bytes of `key=value` pairs, each with its NUL. */
export function keyText(keys: Readonly<Record<string, string>>): Uint8Array {
  return new TextEncoder().encode(textOf(keys));
}

/** The pairs of a text, in their order. */
export function pairsOf(text: Uint8Array): [string, string][] {
  const pairs = new TextDecoder().decode(text).split('\0');
  assert.equal(pairs.pop(), '', 'the text ends with a NUL');
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    assert.ok(equals > 0, `"${pair}" is key=value`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
}

/** Fixed-format sense data, 18 bytes. */
export function senseData(key: number, asc: number, ascq: number): Uint8Array {
  return Uint8Array.of(0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0);
}

/** A sense data segment: SenseLength, then `sense`. */
export function senseSegment(sense: Uint8Array): Uint8Array {
  return Uint8Array.of(sense.length >> 8, sense.length & 0xff, ...sense);
}
