/**
 * What all blocks of parameter data have in common. A reader looks at the bytes that came and at no others: a field
 * that did not come reads as zero, and `truncated` says that something is missing. Bytes behind the length that the
 * block tells of are not looked at.
 */
import { viewOf } from '../../bytes/hex.ts';
import { fromAscii } from '../../bytes/text.ts';
import { ValueError } from '../../bytes/value-error.ts';
import { ProtocolError } from '../../errors.ts';

/** What every reader tells besides the fields. */
export interface Received {
  /** Bytes that the block has in whole, by its own length: the allocation length that would fetch all of it. */
  readonly fullLength: number;
  /** True when fewer bytes came. */
  readonly truncated: boolean;
}

/** The part of `bytes` that belongs to a block. */
export interface Block extends Received {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where the block ends in `view`: its own length, or what came of it. */
  readonly end: number;
}

/** Text of fixed width, as it came and without the padding. */
export interface PaddedText {
  readonly padded: string;
  readonly trimmed: string;
}

/** The block of `fullLength` bytes that `bytes` begins with. */
export function block(bytes: Uint8Array, fullLength: number): Block {
  return {
    bytes,
    view: viewOf(bytes),
    end: Math.min(bytes.length, fullLength),
    fullLength,
    truncated: bytes.length < fullLength,
  };
}

/**
 * Asks for the bytes without which a block cannot be read at all.
 *
 * @throws {ProtocolError} When fewer than `least` came.
 */
export function atLeast(bytes: Uint8Array, least: number, what: string): void {
  if (bytes.length < least) {
    throw new ProtocolError(`Cannot read ${what} of ${bytes.length} bytes: at least ${least} needed`);
  }
}

/**
 * The text in bytes `[from, to)` of a block; blanks and NUL at both ends are padding. Bytes that did not come are no
 * text.
 */
export function readText(data: Block, from: number, to: number): PaddedText {
  let end = Math.min(to, data.end);
  const padded = fromAscii(data.bytes, from, end);
  let start = from;
  while (start < end && isPadding(data.bytes[start])) start++;
  while (end > start && isPadding(data.bytes[end - 1])) end--;
  return { padded, trimmed: fromAscii(data.bytes, start, end) };
}

/**
 * Writes ASCII text into `length` bytes at `at`, padded with blanks.
 *
 * @throws {RangeError} When it is too long or not printable ASCII.
 */
export function writeText(bytes: Uint8Array, at: number, length: number, text: string, what: string): void {
  if (text.length > length)
    throw new ValueError(`Cannot write ${what} "${text}": at most ${length} characters allowed`);
  if (!/^[\x20-\x7e]*$/.test(text)) throw new ValueError(`Cannot write ${what}: printable ASCII allowed`);
  for (let next = 0; next < length; next++) bytes[at + next] = next < text.length ? text.charCodeAt(next) : 0x20;
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}
