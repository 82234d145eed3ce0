import { IscsiError } from '../errors.ts';
import { shown } from './option-rules.ts';

/** The bytes of a buffer or of any view, as they lie in memory; undefined for what is none. On the hot path. */
export function bytesOf(buffer: ArrayBufferView): Uint8Array | undefined {
  if (buffer instanceof Uint8Array) return buffer;
  if (!ArrayBuffer.isView(buffer)) return undefined;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** The error of something that is no buffer. */
export function noBuffer(value: unknown, use: string): IscsiError {
  return new IscsiError('ISCSI_USAGE', `Cannot ${use} ${shown(value)}: a Buffer, TypedArray or DataView allowed`);
}
