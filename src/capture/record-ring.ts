import { BHS_LENGTH } from '../pdu/bhs.ts';
import { OPCODES } from '../spec/iscsi-opcodes.ts';
import { FIRST_LENGTH, WHOLE_LENGTH } from './cut.ts';
import { type Direction, RECEIVED } from './sink.ts';

/** How many runs are remembered for each byte of the ring: a cut PDU takes some 64 bytes. */
const BYTES_PER_RUN = 64;
/** Up to this length, bytes or words are moved one by one: faster than a call. */
const SHORT = 160;
/** Words of bytes are read as this machine has them. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Some PDUs of one direction, as they were kept. */
export interface RecordedRun {
  readonly connection: number;
  readonly direction: Direction;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Valid until the next PDU is recorded. */
  readonly bytes: Uint8Array;
}

/**
 * The last PDUs in a fixed number of bytes; the oldest make room. No list, no object per entry: numbers in typed
 * arrays, so that it costs some 30 ns to add one and nothing to forget one.
 */
export class RecordRing {
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  readonly #words: Int32Array;
  #source: Uint8Array | undefined;
  #sourceWords: Int32Array = new Int32Array(0);
  readonly #starts: Float64Array;
  readonly #times: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #who: Uint32Array;
  /** Runs so far; the last ones are there. */
  #count = 0;
  /** Bytes of all the laps before this one. */
  #lap = 0;
  // Small integers, so that nothing needs to be divided or boxed.
  #index = -1;
  #at = 0;
  #start = 0;
  #lastWho = -1;
  #lastTime = -1;

  /** @param capacity In bytes, a multiple of eight. */
  constructor(capacity: number) {
    const runs = Math.max(16, Math.ceil(capacity / BYTES_PER_RUN));
    this.#capacity = capacity & ~7;
    this.#bytes = new Uint8Array(this.#capacity);
    this.#words = new Int32Array(this.#bytes.buffer);
    this.#starts = new Float64Array(runs);
    this.#times = new Float64Array(runs);
    this.#lengths = new Uint32Array(runs);
    this.#who = new Uint32Array(runs);
  }

  /** How many runs there were, ever. */
  get count(): number {
    return this.#count;
  }

  /** The number, from 0 on, of the oldest run that is there. */
  get oldest(): number {
    const size = this.#starts.length;
    const limit = this.#lap + this.#at - this.#capacity;
    let number = Math.max(0, this.#count - size);
    while (number < this.#count && (this.#starts[number % size] ?? 0) < limit) number++;
    return number;
  }

  /** Adds `bytes[from, to)`, copied. What is longer than the ring is left out. */
  add(connection: number, direction: Direction, time: number, bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    const who = connection * 2 + direction;
    if (this.#at + length > this.#capacity) this.#turnOver(who, time);
    else if (time !== this.#lastTime || who !== this.#lastWho) this.#open(who, time);
    const at = this.#at;
    const next = at + length;
    if (length > SHORT) {
      if (next > this.#capacity) return; // longer than the whole ring
      this.#bytes.set(bytes.subarray(from, to), at);
    } else if (
      direction === RECEIVED &&
      ((length | from | at) & 3) === 0 &&
      (bytes === this.#source || this.#takeSource(bytes))
    ) {
      const source = this.#sourceWords;
      const target = this.#words;
      for (let word = at >>> 2, last = next >>> 2, other = from >>> 2; word < last; word++, other++) {
        target[word] = source[other] ?? 0;
      }
    } else for (let n = 0; n < length; n++) this.#bytes[at + n] = bytes[from + n] ?? 0;
    this.#at = next;
    this.#lengths[this.#index] = next - this.#start;
  }

  /**
   * Adds, as `add` would one by one, the headers and the beginnings of the Data-In PDUs from `first` on whose data is
   * cut, as far as what is kept of them stands before `to`: a read of many brings nothing else, and done in one go they
   * cost half.
   * @returns Where the next PDU begins, perhaps behind `to`; `first` when there was none.
   */
  addDataIn(
    connection: number,
    time: number,
    bytes: Uint8Array,
    first: number,
    to: number,
    digests: { readonly header: number; readonly data: number },
  ): number {
    if (!LITTLE_ENDIAN || (first & 3) !== 0 || (bytes !== this.#source && !this.#takeSource(bytes))) return first;
    const source = this.#sourceWords;
    const target = this.#words;
    const keptBytes = BHS_LENGTH + digests.header + FIRST_LENGTH;
    const behind = BHS_LENGTH + digests.header + digests.data + 3;
    const kept = keptBytes >>> 2;
    const who = connection * 2 + RECEIVED;
    if (this.#at + keptBytes > this.#capacity) this.#turnOver(who, time);
    else if (time !== this.#lastTime || who !== this.#lastWho) this.#open(who, time);
    const last = (this.#capacity >>> 2) - kept;
    let word = this.#at >>> 2;
    let at = first;
    // PDUs of one length follow one another: so the processor need not wait for one header to find the next.
    let expected = 0;
    let step = 0;
    for (; at + keptBytes <= to && word <= last; word += kept) {
      const from = at >>> 2;
      const lengths = source[from + 1] ?? 0;
      if (lengths !== expected) {
        const length = ((lengths & 0xff00) << 8) | ((lengths >>> 8) & 0xff00) | (lengths >>> 24);
        if ((lengths & 0xff) !== 0 || length <= WHOLE_LENGTH) break;
        expected = lengths;
        step = (length + behind) & ~3;
      }
      if (((source[from] ?? 0) & 0x3f) !== OPCODES.DATA_IN) break;
      for (let n = 0; n < kept; n++) target[word + n] = source[from + n] ?? 0;
      at += step;
    }
    this.#at = word << 2;
    this.#lengths[this.#index] = this.#at - this.#start;
    return at;
  }

  /** The ring is full: on at its beginning. */
  #turnOver(who: number, time: number): void {
    this.#lap += this.#capacity;
    this.#at = 0;
    this.#open(who, time);
  }

  /** What came or went at the same time is one run. */
  #open(who: number, time: number): void {
    this.#lastWho = who;
    this.#lastTime = time;
    this.#start = this.#at;
    this.#index = this.#index + 1 === this.#lengths.length ? 0 : this.#index + 1;
    this.#starts[this.#index] = this.#lap + this.#at;
    this.#times[this.#index] = time;
    this.#who[this.#index] = who;
    this.#lengths[this.#index] = 0;
    this.#count++;
  }

  /** What is received comes, most often, in one buffer for all: it is seen as words then, which halves the time. */
  #takeSource(bytes: Uint8Array): boolean {
    if ((bytes.byteOffset & 3) !== 0) return false;
    this.#source = bytes;
    this.#sourceWords = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    return true;
  }

  /** What is there, oldest first. */
  *runs(): Generator<RecordedRun> {
    const size = this.#starts.length;
    for (let number = this.oldest; number < this.#count; number++) {
      const index = number % size;
      const at = (this.#starts[index] ?? 0) % this.#bytes.length;
      const who = this.#who[index] ?? 0;
      yield {
        connection: who >>> 1,
        direction: (who & 1) as Direction,
        time: this.#times[index] ?? 0,
        bytes: this.#bytes.subarray(at, at + (this.#lengths[index] ?? 0)),
      };
    }
  }
}
