import { EventEmitter } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { BlockDevice, BytesRead, BytesWritten } from '../unit/block-device.ts';
import { BlockStats } from './block-stats.ts';
import {
  bufferOf,
  buffersOf,
  DEFAULT_LENGTH,
  type HandleRange,
  type HandleReadOptions,
  positionOf,
  rangeOf,
  type Transfer,
  transferOf,
} from './file-handle-arguments.ts';
import { errnoError, wrongType, wrongValue } from './file-handle-errors.ts';
import {
  type HandleReadStreamOptions,
  type HandleWriteStreamOptions,
  handleReadStream,
  handleWebStream,
  handleWriteStream,
  type StreamedHandle,
} from './file-handle-streams.ts';

/**
 * A block device with the methods of `FileHandle` of `node:fs/promises`: for programs that were written for files. What
 * its options and results mean is what they mean there, and so are the errors of arguments; those of the device are the
 * device's own.
 *
 * Transfers at the current position come one after the other, each from where the one before it ended; all others may
 * be under way at the same time. A device does not grow: a write that does not fit before its end fails with `ENOSPC`,
 * and nothing of it is written. Nothing is on stable storage before `sync` or `datasync`; `close` does not see to it.
 *
 * It is an event emitter, as in `node:fs`: 'close' comes when it is closed.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * await using handle = openFileHandle(lun);
 * await handle.write('hello', 1000);
 * const { bytesRead, buffer } = await handle.read(Buffer.alloc(16), { length: 5, position: 1000 });
 * buffer.toString('utf8', 0, bytesRead); // 'hello'
 */
export class BlockFileHandle extends EventEmitter implements AsyncDisposable {
  readonly #device: BlockDevice;
  readonly #streamed: StreamedHandle;
  #position = 0;
  /** Settles when the last transfer at the current position has. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @internal Use `openFileHandle()`. */
  static of(device: BlockDevice): BlockFileHandle {
    return new BlockFileHandle(device);
  }

  private constructor(device: BlockDevice) {
    super();
    this.#device = device;
    this.#streamed = {
      device: this.#deviceForStreams(),
      readOn: (bytes) => this.#read('read', { bytes, position: undefined }),
      writeOn: (bytes) => this.#write('write', { bytes, position: undefined }),
      sync: () => this.sync(),
      close: () => this.close(),
    };
  }

  /**
   * Reads into a buffer, or a part of it: less than asked for only at the end of the device, and nothing behind it.
   *
   * @throws {RangeError} `ERR_OUT_OF_RANGE`, and `TypeError` with `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`,
   *   for arguments; an error with `EBADF` when the handle is closed; what the device's `read` fails with.
   */
  read<B extends ArrayBufferView>(
    buffer: B,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<BytesRead<B>>;
  read<B extends ArrayBufferView>(buffer: B, options?: HandleRange): Promise<BytesRead<B>>;
  read<B extends ArrayBufferView = Buffer>(options?: HandleReadOptions<B>): Promise<BytesRead<B>>;
  async read(
    first?: ArrayBufferView | HandleReadOptions,
    second?: HandleRange | number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<BytesRead<ArrayBufferView>> {
    this.#requireOpen('read');
    const alone = ArrayBuffer.isView(first) ? undefined : optionsOf(first);
    const buffer = alone === undefined ? bufferOf(first) : bufferOf(alone.buffer ?? Buffer.alloc(DEFAULT_LENGTH));
    const transfer = transferOf(buffer, alone ?? rangeOf(second, length, position), 'read');
    return { bytesRead: await this.#read('read', transfer), buffer };
  }

  /**
   * Writes a buffer, a part of it, or a text: all of it, or it fails.
   *
   * @throws As `read`; an error with `ENOSPC` when it would reach beyond the end: then nothing is written.
   */
  write<B extends ArrayBufferView>(
    buffer: B,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<BytesWritten<B>>;
  write<B extends ArrayBufferView>(buffer: B, options?: HandleRange): Promise<BytesWritten<B>>;
  write(
    text: string,
    position?: number | null,
    encoding?: BufferEncoding | null,
  ): Promise<{ bytesWritten: number; buffer: string }>;
  async write(
    buffer: ArrayBufferView | string,
    second?: HandleRange | number | null,
    third?: number | BufferEncoding | null,
    position?: number | bigint | null,
  ): Promise<{ bytesWritten: number; buffer: ArrayBufferView | string }> {
    this.#requireOpen('write');
    if (typeof buffer === 'string') {
      const bytes = Buffer.from(buffer, encodingOf(third));
      const transfer = { bytes, position: positionOf(second as number | null | undefined) };
      return { bytesWritten: await this.#write('write', transfer), buffer };
    }
    const range = rangeOf(second, third as number | null | undefined, position);
    return { bytesWritten: await this.#write('write', transferOf(bufferOf(buffer), range, 'write')), buffer };
  }

  /** Fills buffers one after the other from one position on. @returns What was read in all, and the buffers. */
  async readv<B extends readonly ArrayBufferView[]>(
    buffers: B,
    position?: number | null,
  ): Promise<{ bytesRead: number; buffers: B }> {
    this.#requireOpen('readv');
    const parts = buffersOf(buffers);
    const joined = new Uint8Array(lengthOf(parts));
    const bytesRead = await this.#read('readv', { bytes: joined, position: positionOf(position) });
    let at = 0;
    for (const part of parts) {
      part.set(joined.subarray(at, Math.min(at + part.length, bytesRead)));
      at = Math.min(at + part.length, bytesRead);
    }
    return { bytesRead, buffers };
  }

  /** Writes buffers one after the other from one position on: all of them, or it fails. */
  async writev<B extends readonly ArrayBufferView[]>(
    buffers: B,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffers: B }> {
    this.#requireOpen('writev');
    const parts = buffersOf(buffers);
    const [first] = parts;
    const bytes = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    return { bytesWritten: await this.#write('writev', { bytes, position: positionOf(position) }), buffers };
  }

  /** What `node:fs` tells of a file, as far as a device has it. */
  async stat(): Promise<BlockStats> {
    this.#requireOpen('fstat');
    return BlockStats.of(this.#device);
  }

  /** Ends when everything written before is on stable storage. */
  async sync(): Promise<void> {
    this.#requireOpen('fsync');
    await this.#during(this.#device.flush());
  }

  /** As `sync`: a device has nothing besides its data. */
  async datasync(): Promise<void> {
    this.#requireOpen('fdatasync');
    await this.#during(this.#device.flush());
  }

  /** Always fails with `EINVAL`, as it does for every block device: its size is not its user's to change. */
  async truncate(_length?: number): Promise<never> {
    this.#requireOpen('ftruncate');
    throw errnoError('EINVAL', 'ftruncate', `the size of ${this.#device.name} cannot be changed`);
  }

  /** A stream of bytes from `start` or the current position. It closes the handle, unless `autoClose` is false. */
  createReadStream(options: HandleReadStreamOptions = {}): Readable {
    this.#requireOpen('read');
    return handleReadStream(this.#streamed, options);
  }

  /** A stream to `start`, or to the current position. It closes the handle, unless `autoClose` is false. */
  createWriteStream(options: HandleWriteStreamOptions = {}): Writable {
    this.#requireOpen('write');
    return handleWriteStream(this.#streamed, options);
  }

  /** A web stream of bytes from the current position on. It does not close the handle. */
  readableWebStream(options: { readonly type?: 'bytes' | undefined } = {}): ReadableStream<Uint8Array> {
    this.#requireOpen('read');
    if ((options.type ?? 'bytes') !== 'bytes') throw wrongValue('type', options.type, "'bytes'");
    return handleWebStream(this.#streamed);
  }

  /** The lines of a text, from `start` or from the current position on. */
  readLines(options: HandleReadStreamOptions = {}): Interface {
    const input = this.createReadStream(options);
    return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  }

  /** Waits for what is under way, and closes the handle; the device stays open. A second call waits for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
    this.emit('close');
  }

  #requireOpen(syscall: string): void {
    if (this.#closing !== undefined) throw errnoError('EBADF', syscall, 'the file handle is closed');
  }

  async #read(syscall: string, transfer: Transfer): Promise<number> {
    this.#requireOpen(syscall);
    const { bytes } = transfer;
    if (bytes.length === 0) return 0;
    return this.#at(transfer, async (position) => (await this.#device.read(bytes, { position })).bytesRead);
  }

  async #write(syscall: string, transfer: Transfer): Promise<number> {
    this.#requireOpen(syscall);
    const { bytes } = transfer;
    if (bytes.length === 0) return 0;
    return this.#at(transfer, async (position) => {
      this.#requireRoom(syscall, position, bytes.length);
      return (await this.#device.write(bytes, { position })).bytesWritten;
    });
  }

  /** Moves bytes at a position, or at the current one when its turn has come: it moves on only by what was moved. */
  #at({ position }: Transfer, move: (position: number) => Promise<number>): Promise<number> {
    if (position !== undefined) return this.#during(move(Math.min(position, Number.MAX_SAFE_INTEGER)));
    const turn = this.#turn.then(async () => {
      const moved = await move(this.#position);
      this.#position += moved;
      return moved;
    });
    this.#turn = turn.catch(ignore);
    return this.#during(turn);
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #requireRoom(syscall: string, position: number, length: number): void {
    const { name, size } = this.#device;
    if (position + length <= size) return;
    throw errnoError('ENOSPC', syscall, `cannot write ${length} bytes at ${position}: ${name} ends at ${size}`);
  }

  /** What streams with a place of their own read from and write to: the device, by way of this handle. */
  #deviceForStreams(): BlockDevice {
    const device = this.#device;
    return {
      name: device.name,
      blockSize: device.blockSize,
      get size() {
        return device.size;
      },
      read: async (buffer, { position }) => {
        return { bytesRead: await this.#read('read', { bytes: buffer, position }), buffer };
      },
      write: async (buffer, { position }) => {
        return { bytesWritten: await this.#write('write', { bytes: buffer, position }), buffer };
      },
      flush: () => this.sync(),
      trim: (range) => device.trim(range),
      execute: (request) => device.execute(request),
    };
  }
}

/**
 * A block device as a `FileHandle` of `node:fs/promises`. Closing the handle leaves the device open. Any number of
 * handles of one device have each a current position of their own.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * await using handle = openFileHandle(lun);
 * (await handle.stat()).size; // 67108864
 */
export function openFileHandle(device: BlockDevice): BlockFileHandle {
  return BlockFileHandle.of(device);
}

/** What `read` was given alone: its options. */
function optionsOf(value: unknown): HandleReadOptions {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object') return value;
  throw wrongType('buffer', value, 'a Buffer, TypedArray, DataView or an object');
}

function encodingOf(value: unknown): BufferEncoding {
  if (value === undefined || value === null) return 'utf8';
  if (typeof value === 'string' && Buffer.isEncoding(value)) return value;
  throw wrongType('encoding', value, 'an encoding');
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function ignore(): void {
  // Whoever asked for it is told; the next one goes on from where it is.
}
