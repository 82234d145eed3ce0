/**
 * Values of text keys (RFC 7143 §6.1): booleans, numbers, lists, binary strings. A reader returns `undefined` for what
 * is not of its kind; what that means (Reject, or a broken rule) is for the caller to say.
 */
import { toHex } from '../bytes/hex.ts';

/** The longest binary value, in bytes after decoding: what CHAP_C and CHAP_R may have (§12.1.3). */
export const BINARY_LIMIT = 1024;

/**
 * The longest text of a number: that of a simple-value, and 0x. Leading zeros are allowed, so 64 bits set no limit. It
 * is held before anything is matched or converted, both of which take long with long texts.
 */
const NUMBER_LIMIT = 2 + 255;
const NUMBER = /^(?:0|[1-9][0-9]*|0[xX][0-9a-fA-F]+)$/;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** `Yes` or `No`, exactly. */
export function parseBoolean(value: string): boolean | undefined {
  return value === 'Yes' ? true : value === 'No' ? false : undefined;
}

/** `Yes` or `No`. */
export function formatBoolean(value: boolean): string {
  return value ? 'Yes' : 'No';
}

/** A numerical-value, 0..2^64 - 1: decimal without leading zeros, or `0x`/`0X` and hex digits. */
export function parseNumericalValue(value: string): bigint | undefined {
  if (value.length > NUMBER_LIMIT || !NUMBER.test(value)) return undefined;
  const number = BigInt(value);
  return number < 1n << 64n ? number : undefined;
}

/** A numerical-value that is at most 2^53 - 1; larger ones are `undefined` too. */
export function parseNumber(value: string): number | undefined {
  const number = parseNumericalValue(value);
  return number !== undefined && number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : undefined;
}

/** The items of a list-of-values, in the sender's order of preference. Empty items are left out. */
export function parseList(value: string): string[] {
  return value.split(',').filter((item) => item !== '');
}

/** A list-of-values. */
export function formatList(items: readonly string[]): string {
  return items.join(',');
}

/**
 * A binary-value of 1 to `limit` bytes: `0x`/`0X` and hex digits, or `0b`/`0B` and padded base64. An odd number of hex
 * digits means a first digit of zero (§6.1). Decimal is not read here: it has no length of its own.
 */
export function parseBinary(value: string, limit = BINARY_LIMIT): Uint8Array<ArrayBuffer> | undefined {
  const body = value.slice(2);
  if (body === '') return undefined;
  switch (value.slice(0, 2)) {
    case '0x':
    case '0X':
      return parseHex(body, limit);
    case '0b':
    case '0B':
      return parseBase64(body, limit);
    default:
      return undefined;
  }
}

/** `0x` and two lower-case digits per byte. */
export function formatHexBinary(bytes: Uint8Array): string {
  return `0x${toHex(bytes)}`;
}

/** `0b` and base64 with padding. */
export function formatBase64Binary(bytes: Uint8Array): string {
  let text = '0b';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += BASE64.charAt(word >> 18) + BASE64.charAt((word >> 12) & 63);
    text += left > 1 ? BASE64.charAt((word >> 6) & 63) : '=';
    text += left > 2 ? BASE64.charAt(word & 63) : '=';
  }
  return text;
}

/** A peer's text made fit for a message: one line, bounded, in quotes. Never for secrets. */
export function quote(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return `"${cut.replace(/\p{C}/gu, '?')}"`;
}

function parseHex(digits: string, limit: number): Uint8Array<ArrayBuffer> | undefined {
  const length = (digits.length + 1) >> 1;
  if (length > limit || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const even = digits.padStart(2 * length, '0');
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = Number.parseInt(even.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

function parseBase64(text: string, limit: number): Uint8Array<ArrayBuffer> | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const length = (text.length / 4) * 3 - padding;
  if (length > limit || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    // A base64 digit has 6 bits, so the 8 bits of byte `at`, which begin at bit 8·at, lie in two digits that follow
    // each other.
    const first = Math.floor((at * 8) / 6);
    const pair = (digit(text, first) << 6) | digit(text, first + 1);
    bytes[at] = pair >> (4 - 2 * (at % 3));
  }
  return bytes;
}

function digit(text: string, at: number): number {
  return BASE64.indexOf(text.charAt(at));
}
