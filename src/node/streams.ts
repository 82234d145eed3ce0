import { Readable, Writable } from 'node:stream';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import { IscsiError } from '../errors.ts';
import { aborted, whenAborted } from '../unit/abort.ts';
import type { BlockDevice } from '../unit/block-device.ts';
import { checkOptions, type OptionRule, type OptionRules, SIGNAL, wholeNumber } from '../unit/option-rules.ts';

/** Options of `createReadStream` and `readable`. Those that `node:fs` has, too, mean what they mean there. */
export interface ReadStreamOptions {
  /** First byte. Default 0. */
  readonly start?: number;
  /** The last byte, which is read too. Default: that of the device. Before `start`: nothing is read. */
  readonly end?: number;
  /** Bytes of one chunk at the most, and of what waits in the stream. Default 1 MiB. */
  readonly highWaterMark?: number;
  /** Bytes of one chunk, where that is not `highWaterMark`. */
  readonly chunkSize?: number;
  /** Chunks read ahead. Default 4. */
  readonly queueDepth?: number;
  /** Destroys the stream, with `ISCSI_ABORTED`, when it is aborted. */
  readonly signal?: AbortSignal;
}

/** Options of `createWriteStream` and `writable`. Those that `node:fs` has, too, mean what they mean there. */
export interface WriteStreamOptions {
  /** First byte. Default 0. */
  readonly start?: number;
  /** Bytes that may wait in the stream before `write()` returns false. Default: Node's. */
  readonly highWaterMark?: number;
  /** Bytes that are written at once. Default 1 MiB. */
  readonly chunkSize?: number;
  /** Writes under way at the same time. Default 4. */
  readonly queueDepth?: number;
  /** Destroys the stream, with `ISCSI_ABORTED`, when it is aborted. */
  readonly signal?: AbortSignal;
}

const CHUNK_SIZE = 1024 * 1024;
const DEPTH = 4;
/** A chunk size or a depth of 0 would never come to an end. */
const FROM_0 = wholeNumber(0);
const FROM_1 = wholeNumber(1);
const END: OptionRule = {
  allowed: 'a whole number from 0 on, or Infinity',
  is: (value) => value === Number.POSITIVE_INFINITY || FROM_0.is(value),
};
const WRITE_RULES: OptionRules<WriteStreamOptions> = {
  start: FROM_0,
  highWaterMark: FROM_1,
  chunkSize: FROM_1,
  queueDepth: FROM_1,
  signal: SIGNAL,
};
const READ_RULES: OptionRules<ReadStreamOptions> = { ...WRITE_RULES, end: END };

/**
 * A Node stream over a range of `device`. Each chunk is a buffer of its own.
 * @throws {IscsiError} `ISCSI_USAGE` on options that cannot be.
 */
export function createReadStream(device: BlockDevice, options: ReadStreamOptions): Readable {
  checkOptions(options, READ_RULES, 'createReadStream');
  const { highWaterMark } = options;
  const stream = Readable.from(chunks(device, options), {
    objectMode: false,
    ...(highWaterMark === undefined ? {} : { highWaterMark }),
  });
  return destroyedBy(options.signal, stream);
}

/** A web stream over a range of `device`. */
export function readable(device: BlockDevice, options: ReadStreamOptions): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(device, options)) as ReadableStream<Uint8Array>;
}

/** A Node stream that writes to `device`. 'finish' comes after the device's cache was flushed. */
export function createWriteStream(device: BlockDevice, options: WriteStreamOptions): Writable {
  checkOptions(options, WRITE_RULES, 'createWriteStream');
  return destroyedBy(options.signal, new BlockWriter(device, options));
}

/** A web stream that writes to `device`. */
export function writable(device: BlockDevice, options: WriteStreamOptions): WritableStream<Uint8Array> {
  return Writable.toWeb(createWriteStream(device, options)) as WritableStream<Uint8Array>;
}

/** Node's own handling of a signal ends a stream with another error than everything else here does. */
export function destroyedBy<S extends Readable | Writable>(signal: AbortSignal | undefined, stream: S): S {
  if (signal === undefined) return stream;
  const stop = (): void => {
    stream.destroy(aborted(signal.reason, 'stream'));
  };
  if (signal.aborted) stop();
  else stream.once('close', whenAborted(signal, stop));
  return stream;
}

/** Reads `depth` chunks ahead and gives them in order. When it is left early, the reads under way are waited for. */
async function* chunks(device: BlockDevice, options: ReadStreamOptions): AsyncGenerator<Uint8Array> {
  const { start = 0, highWaterMark = CHUNK_SIZE, chunkSize = highWaterMark, queueDepth = DEPTH, signal } = options;
  const end = Math.min((options.end ?? device.size) + 1, device.size);
  const command = signal === undefined ? {} : { signal };
  const ahead: Promise<{ readonly bytesRead: number; readonly buffer: Uint8Array }>[] = [];
  let next = start;
  try {
    while (next < end || ahead.length > 0) {
      while (next < end && ahead.length < queueDepth) {
        const buffer = new Uint8Array(Math.min(chunkSize, end - next));
        const read = device.read(buffer, { ...command, position: next });
        read.catch(ignore); // it is awaited below, in its turn
        ahead.push(read);
        next += buffer.length;
      }
      const first = await ahead.shift();
      if (first !== undefined) yield first.buffer.subarray(0, first.bytesRead);
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** Collects chunks of any length into long writes and keeps several of them under way. */
class BlockWriter extends Writable {
  readonly #device: BlockDevice;
  readonly #chunkSize: number;
  readonly #depth: number;
  readonly #command: { readonly signal?: AbortSignal };
  readonly #running = new Set<Promise<unknown>>();
  #buffer: Uint8Array;
  #filled = 0;
  #position: number;
  #error: Error | undefined;

  constructor(device: BlockDevice, options: WriteStreamOptions) {
    const { highWaterMark } = options;
    super({ decodeStrings: true, ...(highWaterMark === undefined ? {} : { highWaterMark }) });
    this.#device = device;
    this.#position = options.start ?? 0;
    // The first write ends at a chunk border, so that all further ones are whole blocks wherever the stream starts.
    this.#chunkSize = options.chunkSize ?? CHUNK_SIZE;
    this.#depth = options.queueDepth ?? DEPTH;
    this.#command = options.signal === undefined ? {} : { signal: options.signal };
    this.#buffer = new Uint8Array(this.#chunkSize - (this.#position % this.#chunkSize));
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#take(chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish().then(() => callback(), callback);
  }

  /**
   * Writes under way cannot be called back: the stream is closed when they have ended. What was taken but not sent is
   * not sent any more.
   */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#error ??= error ?? new IscsiError('ISCSI_ABORTED', 'The stream was destroyed');
    Promise.all(this.#running).then(() => callback(error), callback);
  }

  async #take(chunk: Uint8Array): Promise<void> {
    if (this.#position + this.#filled + chunk.length > this.#device.size) {
      throw new IscsiError(
        'ISCSI_USAGE',
        `Cannot write beyond the end: ${this.#device.name} ends at ${this.#device.size}`,
      );
    }
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + this.#buffer.length - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === this.#buffer.length) await this.#send();
    }
  }

  async #send(): Promise<void> {
    while (this.#running.size >= this.#depth) await Promise.race(this.#running);
    if (this.#error !== undefined) throw this.#error;
    const full = this.#buffer.subarray(0, this.#filled);
    const write = this.#device.write(full, { ...this.#command, position: this.#position }).catch((error: Error) => {
      this.#error ??= error;
    });
    this.#running.add(write);
    void write.then(() => this.#running.delete(write));
    this.#position += this.#filled;
    this.#filled = 0;
    this.#buffer = new Uint8Array(this.#chunkSize);
  }

  async #finish(): Promise<void> {
    if (this.#filled > 0) await this.#send();
    await Promise.all(this.#running);
    if (this.#error !== undefined) throw this.#error;
    await this.#device.flush(this.#command);
  }
}

function ignore(): void {
  // The generator meets the error when it comes to that chunk.
}
