import { copyBytes } from '../bytes/copy.ts';
import { type Crc32c, crc32c } from '../bytes/crc32c.ts';
import type { DataLender, DataSource } from '../bytes/data-source.ts';
import { BHS_LENGTH, padLength } from './bhs.ts';
import type { PduWatcher } from './pdu-watcher.ts';
import { giveSlab, SLAB_LENGTH, type Slab, takeSlab } from './slabs.ts';

/**
 * Payload up to this length is copied beside its header (one chunk for the socket); longer payload goes out by
 * reference.
 */
export const COPY_LIMIT = 16 * 1024;

/** Data of a source that lends is borrowed from this length on. Below it a copy costs less than the care for a loan. */
export const BORROW_LENGTH = 64 * 1024;

/** Writes the 48 bytes of one header at `at`. */
export type HeaderWriter<T> = (view: DataView, at: number, fields: T) => void;

/** What was lent, and by whom. */
interface Loan {
  readonly lender: DataLender;
  readonly piece: Uint8Array;
}

/** What one `drain()` handed over and the socket has not finished with. */
interface Flight {
  readonly bytes: number;
  readonly slabs: Slab[];
  readonly loans: readonly Loan[];
}

const NO_SLAB: Slab = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };

/**
 * Collects everything that is to be sent in one turn, so that the driver can hand it to the socket in one write.
 *
 * `pdu()` opens a PDU; at most one of `data()` and `dataFrom()` follows with its data segment. Padding and digests are
 * added here (RFC 7143 §11.1, §11.2.3). The header's DataSegmentLength must be the length that is then given.
 *
 * Hot path: a header costs 16 to 25 ns; rows in `bench/`.
 */
export class Outbox {
  /** Whether a CRC32C follows each header. Takes effect with the next PDU. */
  headerDigest = false;
  /** Whether a CRC32C follows each data segment that is not empty. */
  dataDigest = false;
  /** Is told of each header. */
  watcher: PduWatcher | undefined = undefined;

  readonly #crc32c: Crc32c;
  readonly #flights: Flight[] = [];
  /** Where the next header goes; a full one while there is nothing to send. */
  #slab = NO_SLAB;
  #runStart = SLAB_LENGTH;
  #runEnd = SLAB_LENGTH;
  #chunks: Uint8Array[] = [];
  #pending = 0;
  #filled: Slab[] = [];
  #loans: Loan[] = [];
  #inFlight = 0;
  #flushed = 0;

  /**
   * @param payloadCrc32c Used for data segments; headers are always done in JavaScript, which is faster for 48 bytes.
   */
  constructor(payloadCrc32c: Crc32c = crc32c) {
    this.#crc32c = payloadCrc32c;
  }

  /** Bytes collected since the last `drain()`. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /** Bytes that were handed over and are not yet reported as flushed. */
  get inFlightBytes(): number {
    return this.#inFlight;
  }

  /** Where the next byte will stand in all that ever goes out. */
  get position(): number {
    return this.#flushed + this.#inFlight + this.#pending;
  }

  /** Everything before this was written: payload by reference up to here is its owner's again. */
  get flushedPosition(): number {
    return this.#flushed;
  }

  /** Adds one header, with its AHS area if there is one (its length a multiple of four). */
  pdu<T>(write: HeaderWriter<T>, fields: T, ahs?: Uint8Array): void {
    const length = BHS_LENGTH + (ahs === undefined ? 0 : ahs.length);
    if (this.#runEnd + length + 4 > SLAB_LENGTH) this.#nextSlab();
    const { bytes, view } = this.#slab;
    const at = this.#runEnd;
    write(view, at, fields);
    if (ahs !== undefined) bytes.set(ahs, at + BHS_LENGTH);
    let end = at + length;
    if (this.headerDigest) {
      view.setUint32(end, crc32c(bytes, at, end), true);
      end += 4;
    }
    this.#runEnd = end;
    this.#pending += end - at;
    if (this.watcher?.watchesPdus === true) this.watcher.pduSent(view, at);
  }

  /**
   * Adds the data segment of the PDU just opened: `bytes[from, to)`.
   * What is longer than {@link COPY_LIMIT} is not copied: leave it alone until it was flushed.
   */
  data(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length === 0) return;
    if (length <= COPY_LIMIT) this.#copy(bytes, from, to);
    else this.#refer(bytes.subarray(from, to));
    this.#seal(length, this.dataDigest ? this.#crc32c(bytes, from, to, 0) : 0);
  }

  /**
   * Adds the data segment of the PDU just opened: `length` bytes of `source` from `offset`. Copied once, or, from
   * {@link BORROW_LENGTH} on, borrowed until it was flushed if the source lends.
   */
  dataFrom(source: DataSource, offset: number, length: number): void {
    if (length >= BORROW_LENGTH && source.lender !== undefined) {
      this.#borrow(source.lender, offset, length);
      return;
    }
    let crc = 0;
    let done = 0;
    while (done < length) {
      if (this.#runEnd === SLAB_LENGTH) this.#nextSlab();
      const piece = Math.min(length - done, SLAB_LENGTH - this.#runEnd);
      const { bytes } = this.#slab;
      source.copyTo(offset + done, bytes, this.#runEnd, piece);
      if (this.dataDigest) crc = this.#crc32c(bytes, this.#runEnd, this.#runEnd + piece, crc);
      this.#runEnd += piece;
      this.#pending += piece;
      done += piece;
    }
    if (length > 0) this.#seal(length, crc);
  }

  /**
   * Hands over everything collected so far, to be written in this order. Empty when there is nothing.
   * After each call that gave something, exactly one `flushed()` must follow, in order.
   */
  drain(): readonly Uint8Array[] {
    if (this.#pending === 0) return NOTHING;
    this.#closeRun();
    const chunks = this.#chunks;
    this.#flights.push({ bytes: this.#pending, slabs: this.#filled, loans: this.#loans });
    this.#inFlight += this.#pending;
    this.#chunks = [];
    this.#filled = [];
    if (this.#loans.length > 0) this.#loans = [];
    this.#pending = 0;
    return chunks;
  }

  /** Says that the oldest hand-over was written: its slabs may be used again, what was borrowed for it goes back. */
  flushed(): void {
    const flight = this.#flights.shift();
    if (flight === undefined) return;
    this.#inFlight -= flight.bytes;
    this.#flushed += flight.bytes;
    for (const slab of flight.slabs) giveSlab(slab);
    takeBack(flight.loans);
    if (this.#inFlight > 0 || this.#pending > 0) return;
    if (this.#slab !== NO_SLAB) giveSlab(this.#slab);
    this.#endSlab();
  }

  /**
   * Says that nothing more will be written: what was borrowed goes back. The slabs do not: the operating system may
   * still be reading them, and whoever got them next would be sent to this peer.
   */
  abandon(): void {
    this.drain();
    for (const flight of this.#flights.splice(0)) {
      this.#inFlight -= flight.bytes;
      this.#flushed += flight.bytes;
      takeBack(flight.loans);
    }
    this.#endSlab();
  }

  #borrow(lender: DataLender, offset: number, length: number): void {
    let crc = 0;
    for (let done = 0; done < length; ) {
      const piece = lender.lend(offset + done, length - done);
      this.#loans.push({ lender, piece });
      if (this.dataDigest) crc = this.#crc32c(piece, 0, piece.length, crc);
      this.#refer(piece);
      done += piece.length;
    }
    this.#seal(length, crc);
  }

  #copy(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#runEnd === SLAB_LENGTH) this.#nextSlab();
      const piece = Math.min(to - at, SLAB_LENGTH - this.#runEnd);
      copyBytes(bytes, at, at + piece, this.#slab.bytes, this.#runEnd);
      this.#runEnd += piece;
      at += piece;
    }
    this.#pending += to - from;
  }

  #refer(bytes: Uint8Array): void {
    this.#closeRun();
    this.#chunks.push(bytes);
    this.#pending += bytes.length;
  }

  /** Padding with zeros, then the data digest, which covers the padding (RFC 7143 §11.2.3). */
  #seal(length: number, crc: number): void {
    const pad = padLength(length);
    if (this.#runEnd + pad + 4 > SLAB_LENGTH) this.#nextSlab();
    const { bytes, view } = this.#slab;
    const at = this.#runEnd;
    for (let next = at; next < at + pad; next++) bytes[next] = 0;
    let end = at + pad;
    if (this.dataDigest) {
      view.setUint32(end, crc32c(bytes, at, end, crc), true);
      end += 4;
    }
    this.#runEnd = end;
    this.#pending += end - at;
  }

  #closeRun(): void {
    if (this.#runEnd === this.#runStart) return;
    this.#chunks.push(this.#slab.bytes.subarray(this.#runStart, this.#runEnd));
    this.#runStart = this.#runEnd;
  }

  #nextSlab(): void {
    this.#closeRun();
    if (this.#slab !== NO_SLAB) this.#filled.push(this.#slab);
    this.#slab = takeSlab();
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  /** Holds no slab until there is something to send. */
  #endSlab(): void {
    this.#slab = NO_SLAB;
    this.#runStart = SLAB_LENGTH;
    this.#runEnd = SLAB_LENGTH;
  }
}

const NOTHING: readonly Uint8Array[] = [];

function takeBack(loans: readonly Loan[]): void {
  for (const { lender, piece } of loans) lender.takeBack(piece);
}
