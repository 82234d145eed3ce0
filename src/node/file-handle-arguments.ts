/** What the calls of a file handle may be given, in the forms that `node:fs` has. */
import { outOfRange, wrongType, wrongValue } from './file-handle-errors.ts';

/** The part of a buffer that is moved, and where on the device: what `read` and `write` take as options. */
export interface HandleRange {
  /** Where in the buffer it begins, in bytes. Default 0. */
  readonly offset?: number | null | undefined;
  /** In bytes. Default: all that is behind `offset`. */
  readonly length?: number | null | undefined;
  /**
   * First byte on the device. Null, -1 or left out: the current position, which moves on by what was moved. Any other
   * leaves it as it is.
   */
  readonly position?: number | bigint | null | undefined;
}

/** Options of `read` that bring the buffer along. */
export interface HandleReadOptions<B extends ArrayBufferView = ArrayBufferView> extends HandleRange {
  /** Default: a new one of 16,384 bytes. */
  readonly buffer?: B | undefined;
}

/** A transfer, checked. `position` undefined: the current one. */
export interface Transfer {
  readonly bytes: Uint8Array;
  readonly position: number | undefined;
}

/** Bytes of the buffer that `read` makes when it is given none, as in `node:fs`. */
export const DEFAULT_LENGTH = 16_384;

const VIEW = 'a Buffer, TypedArray or DataView';

/** A buffer that was given. @throws {TypeError} `ERR_INVALID_ARG_TYPE` for anything else. */
export function bufferOf(value: unknown): ArrayBufferView {
  if (ArrayBuffer.isView(value)) return value;
  throw wrongType('buffer', value, VIEW);
}

/** Buffers that were given. @throws {TypeError} `ERR_INVALID_ARG_TYPE` for anything else. */
export function buffersOf(values: unknown): readonly Uint8Array[] {
  if (!Array.isArray(values)) throw wrongType('list of buffers', values, `an array, each of ${VIEW},`);
  return values.map((value) => wholeOf(bufferOf(value)));
}

/** All bytes of a buffer. */
export function wholeOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * The part of `buffer` that a call is about, as `read` takes it.
 * @throws {RangeError} `ERR_OUT_OF_RANGE`; `TypeError` with `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`.
 */
export function transferOf(buffer: ArrayBufferView, range: HandleRange, call: 'read' | 'write'): Transfer {
  const offset = range.offset ?? 0;
  requireWhole('offset', offset, 0);
  const length = range.length ?? buffer.byteLength - offset;
  const nothing = new Uint8Array(0);
  if (length === 0 || (call === 'write' && buffer.byteLength === 0)) return { bytes: nothing, position: 0 };
  if (buffer.byteLength === 0) throw wrongValue('buffer', buffer, 'one that has room');
  if (call === 'write' && offset > buffer.byteLength) throw outOfRange('offset', offset, `up to ${buffer.byteLength}`);
  requireWhole('length', length, 0);
  if (offset + length > buffer.byteLength) throw outOfRange('length', length, `up to ${buffer.byteLength - offset}`);
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
  return { bytes, position: positionOf(range.position) };
}

/** A position on the device; undefined for the current one. One that no device has is as good as its end. */
export function positionOf(position: number | bigint | null | undefined): number | undefined {
  if (position === null || position === undefined) return undefined;
  if (typeof position === 'bigint') {
    if (position < -1n || position > 2n ** 63n - 1n) throw outOfRange('position', position, '-1 to 2^63 - 1');
    return position === -1n ? undefined : Number(position);
  }
  if (typeof position !== 'number') throw wrongType('position', position, 'a number, a bigint or null');
  requireWhole('position', position, -1);
  return position === -1 ? undefined : position;
}

/** What comes behind the buffer: `(offset, length, position)`, or one object with these. */
export function rangeOf(
  first: HandleRange | number | null | undefined,
  length: number | null | undefined,
  position: number | bigint | null | undefined,
): HandleRange {
  if (typeof first === 'object' && first !== null) return first;
  return { offset: first, length, position };
}

function requireWhole(name: string, value: unknown, least: number): asserts value is number {
  if (typeof value !== 'number') throw wrongType(name, value, 'a number');
  if (!Number.isSafeInteger(value) || value < least) throw outOfRange(name, value, `a whole number from ${least} on`);
}
