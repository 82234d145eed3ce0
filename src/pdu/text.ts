/*
  Text of Login and Text PDUs (RFC 7143 §6.1)

     text  = *( pair NUL )          the last pair has its NUL too
     pair  = key "=" value          the key ends at the first "="; the value may hold more of them
     key   = capital letter, then up to 62 of letters digits . - + @ _

  One text may be cut anywhere over PDUs with C=1. SendTargets answers are, in practice, also cut anywhere over PDUs
  with F=0.
*/

import { fromUtf8, utf8 } from '../bytes/text.ts';
import { ValueError } from '../bytes/value-error.ts';
import { ProtocolError } from '../errors.ts';

/** One `key=value`, without its NUL. */
export type TextPair = readonly [key: string, value: string];

/**
 * The most bytes of one text that are collected unless the caller says otherwise (§6.1 asks for at least 8192, 64 KiB
 * with long items).
 */
export const TEXT_LIMIT = 65_536;

/** The most bytes of text in one Login PDU: the default MaxRecvDataSegmentLength holds until login is over (§6.3). */
export const LOGIN_TEXT_LIMIT = 8_192;

/**
 * A standard label, or one of the registered names that are none: `X#NodeArchitecture`, `iSCSIProtocolLevel` and the
 * `iSER` keys.
 */
const KEY_NAME = /^(?:X#|[A-Z]|i[A-Z])[A-Za-z0-9.\-+@_]*$/;
const KEY_NAME_LENGTH = 63;

/** Pad bytes that a sloppy sender counted in DataSegmentLength: at most three of them follow the final NUL. */
const COUNTED_PADDING = 3;

/**
 * Takes one complete text apart, in its order. Repeated keys are kept: whether they are allowed depends on the key.
 *
 * Up to three NULs behind the last pair are skipped: senders that count the padding in DataSegmentLength exist.
 *
 * @throws {ProtocolError} When the text is longer than `limit` bytes, or not of the form above.
 */
export function parseText(bytes: Uint8Array, limit = TEXT_LIMIT): TextPair[] {
  checkLength(bytes.length, limit);
  const end = withoutCountedPadding(bytes);
  const pairs: TextPair[] = [];
  for (let at = 0; at < end; ) {
    const stop = bytes.indexOf(0, at);
    if (stop < 0) {
      throw new ProtocolError('Cannot read the text: the last pair has no NUL behind it', { clause: '6.1' });
    }
    pairs.push(parsePair(bytes, at, stop));
    at = stop + 1;
  }
  return pairs;
}

/**
 * The bytes of `pairs`, each with its NUL.
 * @throws {ValueError} When a key is no key name, or a value holds a NUL.
 */
export function formatText(pairs: Iterable<TextPair>): Uint8Array<ArrayBuffer> {
  let text = '';
  for (const [key, value] of pairs) {
    if (!isKeyName(key)) throw new ValueError(`Cannot send ${JSON.stringify(key)}: not a key name`);
    if (value.includes('\0')) throw new ValueError(`Cannot send ${key}: its value holds a NUL`);
    text += `${key}=${value}\0`;
  }
  return utf8(text);
}

/** Cuts `bytes` into views of at most `limit` bytes; one empty view when there is nothing to cut. */
export function splitText(bytes: Uint8Array, limit: number): Uint8Array[] {
  if (!Number.isInteger(limit) || limit < 1)
    throw new ValueError(`Cannot split text into pieces of ${limit} bytes: 1 or more allowed`);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += limit) pieces.push(bytes.subarray(at, at + limit));
  return pieces.length > 0 ? pieces : [bytes];
}

/** How much of a buffer that {@link appendText} made is in use. */
const used = new WeakMap<ArrayBufferLike, number>();

/**
 * `soFar` with `segment` behind it, copied. What was appended to last has room behind it, so that a text that comes
 * byte by byte costs no more than its length; `soFar` itself is never changed.
 * @throws {ProtocolError} When that is more than `limit` bytes.
 */
export function appendText(soFar: Uint8Array, segment: Uint8Array, limit = TEXT_LIMIT): Uint8Array {
  const from = soFar.length;
  const length = from + segment.length;
  checkLength(length, limit);
  const { buffer } = soFar;
  const hasRoom = used.get(buffer) === from && length <= buffer.byteLength;
  const room = hasRoom ? new Uint8Array(buffer) : new Uint8Array(Math.max(length, 2 * from));
  if (!hasRoom) room.set(soFar);
  room.set(segment, from);
  used.set(room.buffer, length);
  return room.subarray(0, length);
}

/** Collects the text of several PDUs, wherever it was cut, up to a limit. */
export class TextAssembler {
  readonly #limit: number;
  #bytes = new Uint8Array(0);
  #length = 0;

  /** @param limit The most bytes that are collected. */
  constructor(limit = TEXT_LIMIT) {
    this.#limit = limit;
  }

  /** How many bytes are collected. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds `bytes[from, to)`, copied.
   * @throws {ProtocolError} When the text grows beyond the limit; nothing is kept of it then.
   */
  add(bytes: Uint8Array, from = 0, to = bytes.length): void {
    const length = this.#length + (to - from);
    if (length > this.#limit) this.reset();
    checkLength(length, this.#limit);
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.#limit, Math.max(length, 2 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(from, to), this.#length);
    this.#length = length;
  }

  /**
   * The pairs of all that was collected; the assembler is empty afterwards.
   * @throws {ProtocolError} When it is no text.
   */
  take(): TextPair[] {
    return parseText(this.takeBytes(), this.#limit);
  }

  /** All that was collected, as it came; the assembler is empty afterwards. */
  takeBytes(): Uint8Array {
    const whole = this.#bytes.subarray(0, this.#length);
    this.reset();
    return whole;
  }

  /** Forgets what was collected. */
  reset(): void {
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
  }
}

function parsePair(bytes: Uint8Array, from: number, to: number): TextPair {
  const equals = bytes.indexOf(0x3d, from);
  if (equals < 0 || equals >= to) {
    throw new ProtocolError(`Cannot read the text: no "=" in the pair at byte ${from}`, { clause: '6.1' });
  }
  // Only ASCII makes a key name, so one byte is one character and the length is bounded before anything is decoded.
  const key = equals - from > KEY_NAME_LENGTH ? '' : fromUtf8(bytes, from, equals);
  if (!isKeyName(key)) {
    throw new ProtocolError(`Cannot read the text: ${equals - from} bytes at byte ${from} are no key name`, {
      clause: '6.1',
    });
  }
  return [key, fromUtf8(bytes, equals + 1, to)];
}

function isKeyName(key: string): boolean {
  return key.length <= KEY_NAME_LENGTH && KEY_NAME.test(key);
}

function withoutCountedPadding(bytes: Uint8Array): number {
  const least = bytes.length - COUNTED_PADDING;
  let end = bytes.length;
  while (end > least && bytes[end - 1] === 0 && bytes[end - 2] === 0) end--;
  return end;
}

function checkLength(length: number, limit: number): void {
  if (length <= limit) return;
  throw new ProtocolError(`Cannot take ${length} bytes of text: ${limit} allowed`, { clause: '6.1' });
}
