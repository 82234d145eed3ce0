/** The sources of `iscsi-dd`. */
import { open as openFd } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { BlockDevice } from '../unit/block-device.ts';
import type { Source } from './copy-engine.ts';
import { saying } from './file-error.ts';

/** A source that must be closed. */
export interface OpenSource extends Source {
  /** The block size of a logical unit, 1 for everything else. */
  readonly blockSize: number;
  close(): Promise<void>;
}

/** A block device whose owner closes it. */
export interface ClosableDevice extends BlockDevice {
  close(): Promise<void>;
}

/** Called with position and length of what could not be read and was replaced by zeros. */
export type OnUnreadable = (position: number, length: number, error: unknown) => void;

/**
 * A logical unit as source. With `onUnreadable`, blocks that the target cannot read become zeros; `isUnreadable` tells
 * such errors from those of the connection, which always end the copy.
 */
export function lunSource(
  lun: ClosableDevice,
  unreadable?: { readonly report: OnUnreadable; readonly isUnreadable: (error: unknown) => boolean },
): OpenSource {
  const { blockSize, size } = lun;
  return {
    sequential: false,
    length: size,
    blockSize,
    async read(buffer, position, signal) {
      try {
        return (await lun.read(buffer, { position, signal })).bytesRead;
      } catch (error) {
        if (!unreadable?.isUnreadable(error) || signal.aborted) throw error;
        await readPieces(lun, buffer, position, signal, unreadable);
        return buffer.length;
      }
    },
    close: () => lun.close(),
  };
}

/** Reads block by block what could not be read in one piece. */
async function readPieces(
  lun: BlockDevice,
  buffer: Uint8Array,
  position: number,
  signal: AbortSignal,
  { report, isUnreadable }: { readonly report: OnUnreadable; readonly isUnreadable: (error: unknown) => boolean },
): Promise<void> {
  for (let at = 0; at < buffer.length; ) {
    const length = Math.min(buffer.length - at, lun.blockSize - ((position + at) % lun.blockSize));
    const piece = buffer.subarray(at, at + length);
    try {
      await lun.read(piece, { position: position + at, signal });
    } catch (error) {
      if (!isUnreadable(error) || signal.aborted) throw error;
      piece.fill(0);
      report(position + at, length, error);
    }
    at += length;
  }
}

/** A file as source: read in any order when it is a regular file, front to back when it is a device or a pipe. */
export async function fileSource(path: string): Promise<OpenSource> {
  const kind = await saying(`Cannot open ${path}`, stat(path));
  if (kind.isFIFO()) return fifoSource(path);
  const file = await saying(`Cannot open ${path}`, open(path, 'r'));
  try {
    // Opening a directory works; reading it does not.
    if (kind.isDirectory()) await saying(`Cannot read ${path}`, file.read(new Uint8Array(1), 0, 1, 0));
    if (!kind.isFile()) return streamSource(file.createReadStream(), path);
    const { size } = await file.stat();
    return {
      sequential: false,
      length: size,
      blockSize: 1,
      read: (buffer, position) => saying(`Cannot read ${path}`, readFully(file, buffer, position)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A pipe with a name. Read as a file it would keep a thread waiting, which no signal ends. */
async function fifoSource(path: string): Promise<OpenSource> {
  const fd = await saying(`Cannot open ${path}`, promisify(openFd)(path, 'r'));
  return streamSource(new Socket({ fd, readable: true, writable: false }), path);
}

async function readFully(file: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
  let at = 0;
  while (at < buffer.length) {
    const { bytesRead } = await file.read(buffer, at, buffer.length - at, position + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at;
}

/** A stream, such as standard input, as source. What lies before the first position asked for is read and dropped. */
export function streamSource(stream: Readable, title: string): OpenSource {
  const bytes = new StreamBytes(stream, title);
  return {
    sequential: true,
    length: undefined,
    blockSize: 1,
    async read(buffer, position, signal) {
      signal.throwIfAborted();
      // Only its end interrupts the wait for a stream on which nothing comes.
      const giveUp = (): void => void stream.destroy();
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        await bytes.skipTo(position, signal);
        return await bytes.fill(buffer, signal);
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    },
    async close() {
      stream.destroy();
    },
  };
}

/** The bytes of a stream, in pieces of the taker's own size. */
class StreamBytes {
  readonly #chunks: AsyncIterator<unknown>;
  readonly #title: string;
  #rest: Uint8Array = new Uint8Array();
  #position = 0;

  constructor(stream: Readable, title: string) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#title = title;
  }

  /** Drops what lies before `position`, or everything where the stream ends before it. */
  async skipTo(position: number, signal: AbortSignal): Promise<void> {
    while (this.#position < position && (await this.#take(position - this.#position))) signal.throwIfAborted();
  }

  /** @returns How much of `buffer` was filled: all of it, or what there was up to the end. */
  async fill(buffer: Uint8Array, signal: AbortSignal): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const bytes = await this.#take(buffer.length - filled);
      signal.throwIfAborted();
      if (!bytes) break;
      buffer.set(bytes, filled);
      filled += bytes.length;
    }
    return filled;
  }

  /** The next bytes, `limit` at most; undefined at the end. */
  async #take(limit: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await saying(`Cannot read ${this.#title}`, this.#chunks.next());
      if (next.done) return undefined;
      this.#rest = next.value instanceof Uint8Array ? next.value : new TextEncoder().encode(String(next.value));
    }
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    this.#position += taken.length;
    return taken;
  }
}
