/**
 * The streams of a file handle. One that begins at a place of its own is read ahead, or written with several writes
 * under way; one that begins at the handle's current position moves that on, one transfer after the other.
 */
import { Readable, Writable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import type { BlockDevice } from '../unit/block-device.ts';
import {
  BOOLEAN,
  checkOptions,
  type OptionRule,
  type OptionRules,
  SIGNAL,
  TEXT,
  wholeNumber,
} from '../unit/option-rules.ts';
import { outOfRange } from './file-handle-errors.ts';
import { createReadStream, createWriteStream, destroyedBy } from './streams.ts';

/** Options of `createReadStream` and `readLines` of a file handle: they mean what they mean in `node:fs`. */
export interface HandleReadStreamOptions {
  /** First byte. Left out: the handle's current position, which moves on. */
  readonly start?: number | undefined;
  /**
   * The last byte, which is read too; without `start`, counted from where the stream begins. Default: that of the
   * device.
   */
  readonly end?: number | undefined;
  /** Turns bytes into text. Default: none. */
  readonly encoding?: BufferEncoding | null | undefined;
  /** Whether the handle is closed when the stream is. Default true. */
  readonly autoClose?: boolean | undefined;
  /** Bytes of one chunk. Default 65,536. */
  readonly highWaterMark?: number | undefined;
  /** Destroys the stream, with `ISCSI_ABORTED`, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `createWriteStream` of a file handle: they mean what they mean in `node:fs`. */
export interface HandleWriteStreamOptions {
  /** First byte. Left out: the handle's current position, which moves on. */
  readonly start?: number | undefined;
  /** How text is turned into bytes. Default `utf8`. */
  readonly encoding?: BufferEncoding | null | undefined;
  /** Whether the handle is closed when the stream is. Default true. */
  readonly autoClose?: boolean | undefined;
  /** Bytes that may wait in the stream before `write()` returns false. Default: Node's. */
  readonly highWaterMark?: number | undefined;
  /** Whether all is on stable storage before the stream finishes. Default false, as in `node:fs`. */
  readonly flush?: boolean | undefined;
  /** Destroys the stream, with `ISCSI_ABORTED`, when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** What streams need of a handle. */
export interface StreamedHandle {
  /** The device as the handle lets it be used: closed when the handle is, with the handle's errors. */
  readonly device: BlockDevice;
  /** Reads at the current position. */
  readOn(bytes: Uint8Array): Promise<number>;
  /** Writes at the current position. */
  writeOn(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const CHUNK_LENGTH = 65_536;
const WEB_CHUNK_LENGTH = 16_384;
const FROM_0 = wholeNumber(0);
const END: OptionRule = {
  allowed: 'a whole number from 0 on, or Infinity',
  is: (value) => value === Number.POSITIVE_INFINITY || FROM_0.is(value),
};
const ENCODING: OptionRule = { allowed: 'an encoding or null', is: (value) => value === null || TEXT.is(value) };
const COMMON = { start: FROM_0, encoding: ENCODING, autoClose: BOOLEAN, highWaterMark: wholeNumber(1), signal: SIGNAL };
const READ_RULES: OptionRules<HandleReadStreamOptions> = { ...COMMON, end: END };
const WRITE_RULES: OptionRules<HandleWriteStreamOptions> = { ...COMMON, flush: BOOLEAN };

/** See `BlockFileHandle.createReadStream`. */
export function handleReadStream(handle: StreamedHandle, options: HandleReadStreamOptions): Readable {
  checkOptions(options, READ_RULES, 'createReadStream');
  const { start, end = Number.POSITIVE_INFINITY, encoding, highWaterMark = CHUNK_LENGTH } = options;
  if (start !== undefined && start > end) throw outOfRange('start', start, `up to end, ${end},`);
  const stream =
    start === undefined
      ? Readable.from(readOn(handle, end + 1, highWaterMark), { objectMode: false, highWaterMark })
      : createReadStream(handle.device, { start, end, highWaterMark });
  if (encoding) stream.setEncoding(encoding);
  return ended(stream, handle, options);
}

/** See `BlockFileHandle.createWriteStream`. */
export function handleWriteStream(handle: StreamedHandle, options: HandleWriteStreamOptions): Writable {
  checkOptions(options, WRITE_RULES, 'createWriteStream');
  const { start, encoding, highWaterMark, flush = false } = options;
  const room = highWaterMark === undefined ? {} : { highWaterMark };
  const stream =
    start === undefined
      ? new OnWriter(handle, flush, room)
      : createWriteStream(writtenBy(handle, flush), { start, ...room });
  if (encoding) stream.setDefaultEncoding(encoding);
  return ended(stream, handle, options);
}

/** See `BlockFileHandle.readableWebStream`. */
export function handleWebStream(handle: StreamedHandle): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: WEB_CHUNK_LENGTH,
    async pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view as Uint8Array | null | undefined;
      if (!request || !view) return;
      const bytesRead = await handle.readOn(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      if (bytesRead === 0) controller.close();
      request.respond(bytesRead);
    },
  });
}

async function* readOn(handle: StreamedHandle, length: number, chunkLength: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0; ) {
    const chunk = new Uint8Array(Math.min(chunkLength, left));
    const bytesRead = await handle.readOn(chunk);
    if (bytesRead === 0) return;
    left -= bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** Writes at the current position, what waits in the stream at once. */
class OnWriter extends Writable {
  readonly #handle: StreamedHandle;
  readonly #flush: boolean;

  constructor(handle: StreamedHandle, flush: boolean, room: { readonly highWaterMark?: number }) {
    super({ decodeStrings: true, ...room });
    this.#handle = handle;
    this.#flush = flush;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#handle.writeOn(chunk).then(() => callback(), callback);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#handle.writeOn(bytes).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (!this.#flush) callback();
    else this.#handle.sync().then(() => callback(), callback);
  }
}

/** The end of a stream: by its signal, and that of the handle with it. */
function ended<S extends Readable | Writable>(
  stream: S,
  handle: StreamedHandle,
  { signal, autoClose = true }: { readonly signal?: AbortSignal | undefined; readonly autoClose?: boolean | undefined },
): S {
  if (autoClose) stream.once('close', () => void handle.close().catch(ignore));
  return destroyedBy(signal, stream);
}

/** The device as a stream is to see it: its end is the handle's to watch, and its cache may be left alone. */
function writtenBy({ device }: StreamedHandle, flush: boolean): BlockDevice {
  const flushing = flush ? {} : { flush: { value: () => Promise.resolve() } };
  return Object.create(device, { size: { value: Number.POSITIVE_INFINITY }, ...flushing }) as BlockDevice;
}

function ignore(): void {
  // Whoever closes the handle is told; a stream has nobody to tell when it is closed.
}
