import type { Readable, Writable } from 'node:stream';
import { type BlockFileHandle, openFileHandle } from '../node/file-handle.ts';
import {
  createReadStream,
  createWriteStream,
  type ReadStreamOptions,
  readable,
  type WriteStreamOptions,
  writable,
} from '../node/streams.ts';
import { withOwnFlush } from '../unit/own-flush.ts';
import { ManagedUnit } from './managed-unit.ts';

/**
 * A logical unit with Node's streams and file handles. Every `IscsiLogicalUnit` is one.
 *
 * @example
 * await using lun = await connect('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/0');
 * const [first] = await lun.createReadStream({ end: 4095 }).toArray();
 * first.length; // 4096
 */
export abstract class StreamingUnit extends ManagedUnit {
  /** A Node stream of the bytes from `start` to `end`, which is the last one, as in `node:fs`; read ahead. */
  createReadStream(options: ReadStreamOptions = {}): Readable {
    return createReadStream(this, options);
  }

  /** A Node stream that writes from `start` on. It flushes the target's cache before it finishes. */
  createWriteStream(options: WriteStreamOptions = {}): Writable {
    return createWriteStream(withOwnFlush(this), options);
  }

  /** The logical unit as a `FileHandle` of `node:fs/promises`, with a current position of its own. */
  fileHandle(): BlockFileHandle {
    return openFileHandle(withOwnFlush(this));
  }

  /** As `createReadStream`, as a web stream. */
  readable(options: ReadStreamOptions = {}): ReturnType<typeof readable> {
    return readable(this, options);
  }

  /** As `createWriteStream`, as a web stream. */
  writable(options: WriteStreamOptions = {}): ReturnType<typeof writable> {
    return writable(withOwnFlush(this), options);
  }
}
