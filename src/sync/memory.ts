/**
 * Where data lies on its way between caller and thread. A buffer over a SharedArrayBuffer is used as it is; the bytes
 * of any other go through a memory of our own, once.
 */
import { ValueError } from '../bytes/value-error.ts';

/** Says that from now on `id` means `memory`. */
export interface MemoryMessage {
  readonly memory: SharedArrayBuffer;
  readonly id: number;
}

/** Where the bytes of one request lie. */
export interface MemoryPlace {
  readonly id: number;
  /** In bytes, from the start of the memory. */
  readonly offset: number;
}

/** The id of our own memory; those of callers follow. */
const OWN = 0;
/** Memories of callers that the thread keeps: the last ones. */
export const MEMORIES_KEPT = 4;
const FIRST_LENGTH = 65_536;
/** Longer requests get a memory of their own, which the next one lets go. */
const LONGEST_KEPT = 8_388_608;

/** The caller's end: decides where data lies, and tells the thread of memories that it does not know. */
export class CallerMemory {
  readonly #tell: (message: MemoryMessage) => void;
  readonly #given = new WeakMap<SharedArrayBuffer, number>();
  #own = new SharedArrayBuffer(FIRST_LENGTH);
  #bytes = new Uint8Array(this.#own);
  /** What the thread takes our own memory for. */
  #told: SharedArrayBuffer | undefined;
  #count = 0;
  readonly #place = { id: OWN, offset: 0 };

  /** @param tell Sends a message to the thread, which it reads before its next request. */
  constructor(tell: (message: MemoryMessage) => void) {
    this.#tell = tell;
  }

  /**
   * Where `bytes` can be read into. Good until the next call. Hot.
   * @param filled Whether the place has to have the content of `bytes`, because it is to be written.
   */
  placeOf(bytes: Uint8Array, filled: boolean): MemoryPlace {
    const { buffer } = bytes;
    if (buffer instanceof SharedArrayBuffer) return this.#shared(buffer, bytes.byteOffset);
    this.#makeRoom(bytes.length);
    if (filled) this.#bytes.set(bytes);
    this.#place.id = OWN;
    this.#place.offset = 0;
    return this.#place;
  }

  /** Brings the first `length` bytes of what was read to `bytes`, if they are not there already. Hot. */
  fetch(bytes: Uint8Array, length: number): void {
    if (bytes.buffer instanceof SharedArrayBuffer) return;
    bytes.set(length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, length));
  }

  #shared(buffer: SharedArrayBuffer, offset: number): MemoryPlace {
    let number = this.#given.get(buffer);
    if (number === undefined || number < this.#count - MEMORIES_KEPT) {
      number = this.#count++;
      this.#given.set(buffer, number);
      this.#tell({ memory: buffer, id: idOf(number) });
    }
    this.#place.id = idOf(number);
    this.#place.offset = offset;
    return this.#place;
  }

  #makeRoom(length: number): void {
    const there = this.#own.byteLength;
    if (length > LONGEST_KEPT) {
      if (length !== there) this.#use(length);
    } else if (length > there || there > LONGEST_KEPT) {
      this.#use(Math.max(FIRST_LENGTH, 2 ** Math.ceil(Math.log2(Math.max(1, length)))));
    }
    if (this.#told === this.#own) return;
    this.#told = this.#own;
    this.#tell({ memory: this.#own, id: OWN });
  }

  #use(length: number): void {
    this.#own = new SharedArrayBuffer(length);
    this.#bytes = new Uint8Array(this.#own);
  }
}

/** The thread's end. */
export class ThreadMemory {
  readonly #memories: (SharedArrayBuffer | undefined)[] = [];

  learn({ memory, id }: MemoryMessage): void {
    this.#memories[id] = memory;
  }

  /** The bytes of a request. Hot. */
  bytesAt(id: number, offset: number, length: number): Uint8Array {
    const memory = this.#memories[id];
    if (memory === undefined) throw new ValueError(`Cannot find memory ${id}`);
    return new Uint8Array(memory, offset, length);
  }
}

function idOf(number: number): number {
  return OWN + 1 + (number % MEMORIES_KEPT);
}
