import { Readable, Writable } from 'node:stream';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import { IscsiError } from '../errors.ts';
import type { BlockDevice } from '../unit/block-device.ts';

/** Options of `createReadStream` and `readable`. */
export interface ReadStreamOptions {
  /** First byte. Default 0. */
  readonly start?: number;
  /** The byte behind the last one. Default: the end of the device. */
  readonly end?: number;
  /** Bytes of one chunk. Default 1 MiB. */
  readonly chunkSize?: number;
  /** Chunks read ahead. Default 4. */
  readonly queueDepth?: number;
  /** Destroys the stream when it is aborted. */
  readonly signal?: AbortSignal;
}

/** Options of `createWriteStream` and `writable`. */
export interface WriteStreamOptions {
  /** First byte. Default 0. */
  readonly start?: number;
  /** Bytes that are written at once. Default 1 MiB. */
  readonly chunkSize?: number;
  /** Writes under way at the same time. Default 4. */
  readonly queueDepth?: number;
  /** Destroys the stream when it is aborted. */
  readonly signal?: AbortSignal;
}

const CHUNK_SIZE = 1024 * 1024;
const DEPTH = 4;

/**
 * A Node stream over a range of `device`. Each chunk is a buffer of its own.
 * @throws {IscsiError} `ISCSI_USAGE` on options that cannot be.
 */
export function createReadStream(device: BlockDevice, options: ReadStreamOptions): Readable {
  checkOptions(options);
  return Readable.from(chunks(device, options), { objectMode: false, signal: options.signal });
}

/** A web stream over a range of `device`. */
export function readable(device: BlockDevice, options: ReadStreamOptions): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(device, options)) as ReadableStream<Uint8Array>;
}

/** A Node stream that writes to `device`. 'finish' comes after the device's cache was flushed. */
export function createWriteStream(device: BlockDevice, options: WriteStreamOptions): Writable {
  return new BlockWriter(device, options);
}

/** A web stream that writes to `device`. */
export function writable(device: BlockDevice, options: WriteStreamOptions): WritableStream<Uint8Array> {
  return Writable.toWeb(createWriteStream(device, options)) as WritableStream<Uint8Array>;
}

/** Reads `depth` chunks ahead and gives them in order. When it is left early, the reads under way are waited for. */
async function* chunks(device: BlockDevice, options: ReadStreamOptions): AsyncGenerator<Uint8Array> {
  const { start = 0, chunkSize = CHUNK_SIZE, queueDepth = DEPTH, signal } = options;
  const end = Math.min(options.end ?? device.size, device.size);
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
      if (first !== undefined) yield first.buffer;
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
    checkOptions(options);
    super({ decodeStrings: true, ...(options.signal === undefined ? {} : { signal: options.signal }) });
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

/** A chunk size or a depth of 0 would never come to an end. */
function checkOptions(options: ReadStreamOptions): void {
  const { start = 0, end = 0, chunkSize = CHUNK_SIZE, queueDepth = DEPTH } = options;
  for (const [name, value, least] of [
    ['start', start, 0],
    ['end', end, 0],
    ['chunkSize', chunkSize, 1],
    ['queueDepth', queueDepth, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new IscsiError('ISCSI_USAGE', `Cannot use ${name} ${value}: a whole number from ${least} on allowed`);
  }
}

function ignore(): void {
  // The generator meets the error when it comes to that chunk.
}
