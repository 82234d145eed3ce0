/** Hexadecimal text and bytes. */
import { ValueError } from './value-error.ts';

/** Lower-case hex digits of `bytes`, two per byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * Bytes of a hex text. White space and everything from `//` to the end of the line is skipped, so that annotated
 * fixtures can be read.
 * @throws {RangeError} On a character that is no hex digit, or on half a byte.
 */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\/\/.*$/gm, '').replace(/\s+/g, '');
  if (digits.length % 2 !== 0) throw new ValueError(`Cannot read hex text with half a byte: ${digits.length} digits`);
  if (!/^[0-9a-fA-F]*$/.test(digits)) throw new ValueError('Cannot read hex text: a character is no hex digit');
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

/**
 * The view that sees exactly the bytes of `bytes`. Never build one without offset and length: pooled buffers start
 * anywhere.
 */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One array with all `parts`, copied. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
