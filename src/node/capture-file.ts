import { closeSync, constants, fchmodSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { bothTaps, ConnectionTap, type Tap } from '../capture/connection-tap.ts';
import { PcapngStream } from '../capture/pcapng-stream.ts';
import type { CaptureSummary, Recorder } from '../capture/recorder.ts';
import { now } from './clock.ts';

/** Bytes that are collected before they are written, within one turn of the event loop. */
const BUFFER_LENGTH = 256 * 1024;
/** A capture may hold what is on the disk: it is its owner's. */
const MODE = 0o600;

/** When `now()` was 0, in milliseconds since 1970. Looked up once: the getter costs more than to record a PDU. */
const ORIGIN = performance.timeOrigin;

/** Milliseconds since 1970, which never go back. */
export function wallClock(): number {
  return ORIGIN + now();
}

/** How a {@link CaptureFile} is written. */
export interface CaptureFileOptions {
  /** Whether data segments are written whole, and not only how they begin. Default false. */
  readonly wholeData?: boolean;
}

/**
 * A pcapng file that is written while sessions run: for the option `capture` of `connect`, `openSession`, `discover`
 * and `createTarget`. Several sessions may share it. What proves a secret (CHAP_R) is blanked; of data segments longer
 * than 256 bytes the first 16 are written, or everything with `wholeData`.
 *
 * It is written to at the end of each turn, and the session waits for the disk: what is seen is what was. When the disk
 * is full, the file ends there, `error` tells, and the session goes on.
 *
 * @example
 * const path = `${process.env['TMPDIR'] ?? '/tmp'}/tsiscsi-example-${process.pid}.pcapng`;
 * using capture = CaptureFile.open(path);
 * for await (const target of discover('iscsi://127.0.0.1:3260', { capture })) target.name;
 * capture.packets > 8; // true
 */
export class CaptureFile implements Disposable {
  /** Where it is. */
  readonly path: string;
  readonly #stream: PcapngStream;
  readonly #wholeData: boolean;
  #file: number | undefined;
  #waiting: Uint8Array[] = [];
  #waitingLength = 0;
  #planned: NodeJS.Immediate | undefined;
  #error: Error | undefined;

  /**
   * Opens a file, which is emptied if it is there; it can be read by its owner only.
   * @throws The error of the operating system, such as `EACCES`; `ENXIO` for a named pipe that nobody reads.
   */
  static open(path: string, options: CaptureFileOptions = {}): CaptureFile {
    return new CaptureFile(path, options);
  }

  private constructor(path: string, { wholeData = false }: CaptureFileOptions) {
    this.path = path;
    this.#wholeData = wholeData;
    this.#file = openPrivate(path);
    this.#stream = new PcapngStream((bytes) => this.#add(bytes));
  }

  /** Packets so far. */
  get packets(): number {
    return this.#stream.packets;
  }

  /** Why it ends before its sessions did, if it does. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** @internal For the driver of one more connection. */
  tap(): Tap {
    return new ConnectionTap(this.#stream.connection(), { now: wallClock, wholeData: this.#wholeData });
  }

  /** Writes what is left and closes the file. What its sessions still say is lost. */
  close(): void {
    this.#flush();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #add(bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    this.#waiting.push(bytes);
    this.#waitingLength += bytes.length;
    if (this.#waitingLength >= BUFFER_LENGTH) this.#flush();
    else this.#planned ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#planned);
    this.#planned = undefined;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingLength = 0;
    if (this.#file === undefined) return;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
      closeSync(this.#file);
      this.#file = undefined;
    }
  }
}

/** What one more connection of a session tells: the ring, the file, both or none. */
export function tapOf(recorder: Recorder | undefined, file: CaptureFile | undefined): Tap | undefined {
  if (recorder === undefined) return file?.tap();
  return file === undefined ? recorder.tap() : bothTaps(recorder.tap(), file.tap());
}

/**
 * Writes what a recorder has to a new file.
 * @throws The error of the operating system, such as `ENOENT`.
 */
export function saveRecording(recorder: Recorder, path: string): CaptureSummary {
  const parts: Uint8Array[] = [];
  const summary = recorder.write((bytes) => parts.push(bytes));
  const file = openPrivate(path);
  try {
    const bytes = Buffer.concat(parts);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
  return summary;
}

/**
 * Opens a file for its owner alone, emptied. To open a named pipe that nobody reads would stop the whole process, with
 * no signal getting through; so it is tried without waiting first, and held meanwhile, since the reader would take its
 * closing for the end.
 */
function openPrivate(path: string): number {
  const isPipe = statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
  const held = isPipe ? openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) : undefined;
  try {
    const file = openSync(path, 'w', MODE);
    keepFromOthers(file);
    return file;
  } finally {
    if (held !== undefined) closeSync(held);
  }
}

/** A file that was there already keeps the mode that it had. */
function keepFromOthers(file: number): void {
  const stats = fstatSync(file);
  if (!stats.isFile() || (stats.mode & 0o077) === 0) return;
  try {
    fchmodSync(file, MODE);
  } catch {
    // Somebody else's file, or a file system without modes: who has chosen it knows who reads it.
  }
}
