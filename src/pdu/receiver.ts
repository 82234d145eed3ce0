import { copyBytes } from '../bytes/copy.ts';
import { type Crc32c, crc32c } from '../bytes/crc32c.ts';
import { viewOf } from '../bytes/hex.ts';
import { DigestError, ProtocolError } from '../errors.ts';
import { BHS_LENGTH, dataSegmentLength, MAX_AHS_LENGTH, padLength, totalAhsLength } from './bhs.ts';

const DIGEST_LENGTH = 4;

/** What the receiver tells its owner about each PDU, in this order. Views die when the call returns. */
export interface PduHandler {
  /** Header and AHS (`at + 48` on) are here and their digest was right; of the data segment nothing yet. */
  onHeader(view: DataView, at: number): void;
  /** A piece of the data segment, never padding: `bytes[from, to)`. Not yet covered by a digest check. */
  onData(bytes: Uint8Array, from: number, to: number): void;
  /** The PDU is complete; (view, at) show its header again. `dataDigestOk` is true without a data digest. */
  onEnd(view: DataView, at: number, dataDigestOk: boolean): void;
}

/**
 * Finds the PDUs in a byte stream, whatever its fragmentation. Stores one header at most; nothing is allocated for what
 * the peer announces.
 *
 * Hot path: many PDUs per call, nothing allocated; rows in `bench/`.
 */
export class Receiver {
  /** Whether a CRC32C follows each header. A change inside `onEnd` holds from the next PDU on. */
  headerDigest = false;
  /** Whether a CRC32C follows each data segment that is not empty. */
  dataDigest = false;
  /** The largest data segment that is accepted, in bytes: the MaxRecvDataSegmentLength that this side declared. */
  maxDataSegmentLength: number;
  /** The largest AHS area that is accepted, in bytes. */
  maxAhsLength = MAX_AHS_LENGTH;

  readonly #handler: PduHandler;
  readonly #crc32c: Crc32c;
  readonly #held = new Uint8Array(BHS_LENGTH + MAX_AHS_LENGTH + DIGEST_LENGTH);
  readonly #heldView = viewOf(this.#held);
  #heldLength = 0;
  #dataLeft = 0;
  #padLeft = 0;
  #digestLeft = 0;
  #crc = 0;
  #digest = 0;
  #inBody = false;
  #stopped = false;
  #paused = false;

  constructor(handler: PduHandler, maxDataSegmentLength: number, payloadCrc32c: Crc32c = crc32c) {
    this.#handler = handler;
    this.maxDataSegmentLength = maxDataSegmentLength;
    this.#crc32c = payloadCrc32c;
  }

  /** Whether the stream stands between two PDUs: an end of the connection here cuts nothing off. */
  get betweenPdus(): boolean {
    return !this.#inBody && this.#heldLength === 0;
  }

  /** Bytes of the data segment under way that are still to come; 0 between PDUs and in a header. */
  get dataLeft(): number {
    return this.#inBody && !this.#stopped ? this.#dataLeft : 0;
  }

  /**
   * Takes note that the next bytes of the data segment under way, at most `dataLeft` of them, stand at
   * `bytes[from, to)`, where the handler wants them: they were read to there. `onData` is not called for them;
   * everything else is as in `receive`.
   */
  placed(bytes: Uint8Array, from: number, to: number): void {
    try {
      if (this.#digestLeft > 0) this.#crc = this.#crc32c(bytes, from, to, this.#crc);
      this.#dataLeft -= to - from;
      if (this.#dataLeft + this.#padLeft + this.#digestLeft === 0) this.#endBody();
    } catch (error) {
      this.#stopped = true;
      throw error;
    }
  }

  /**
   * Takes nothing more from the stream, not even the rest of the present `receive()`: no callback follows the one that
   * calls this.
   */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Takes no further PDU of the present `receive()`, which then tells how far it came. Called in `onEnd`.
   */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Feeds `bytes[from, to)`; `view` sees the same memory with the same offsets. The caller may overwrite it once this
   * returns.
   * @returns Up to where it was taken: `to`, unless the handler has paused or stopped it.
   * @throws {ProtocolError} When a header breaks a limit. {@link DigestError} when a header digest is wrong: its
   *   lengths cannot be trusted, so the stream is lost (RFC 7143 §7.8). What the handler throws passes through. After a
   *   throw the receiver takes nothing more.
   */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): number {
    let at = from;
    this.#paused = false;
    try {
      while (at < to && !this.#stopped && !this.#paused) {
        if (this.#inBody) at = this.#takeBody(bytes, at, to);
        else if (this.#heldLength > 0) at = this.#gatherHeader(bytes, at, to);
        else at = this.#takeHeader(bytes, view, at, to);
      }
      return at;
    } catch (error) {
      this.#stopped = true;
      throw error;
    }
  }

  /** A PDU that begins in this read; the usual one ends in it too. */
  #takeHeader(bytes: Uint8Array, view: DataView, at: number, to: number): number {
    if (to - at < BHS_LENGTH) return this.#gatherHeader(bytes, at, to);
    const headerLength = BHS_LENGTH + totalAhsLength(view, at) + (this.headerDigest ? DIGEST_LENGTH : 0);
    if (to - at < headerLength) return this.#gatherHeader(bytes, at, to);

    this.#checkHeader(bytes, view, at);
    const length = dataSegmentLength(view, at);
    this.#handler.onHeader(view, at);
    const dataAt = at + headerLength;
    if (this.#stopped) return dataAt;
    if (length === 0) {
      this.#handler.onEnd(view, at, true);
      return dataAt;
    }

    const dataEnd = dataAt + length;
    const padEnd = dataEnd + padLength(length);
    const end = padEnd + (this.dataDigest ? DIGEST_LENGTH : 0);
    if (end > to) {
      const keep = BHS_LENGTH + totalAhsLength(view, at);
      copyBytes(bytes, at, at + keep, this.#held, 0);
      this.#enterBody(length);
      return dataAt;
    }
    this.#handler.onData(bytes, dataAt, dataEnd);
    if (this.#stopped) return end;
    const digestOk = !this.dataDigest || this.#crc32c(bytes, dataAt, padEnd, 0) === view.getUint32(padEnd, true);
    this.#handler.onEnd(view, at, digestOk);
    return end;
  }

  /** Collects a header that is split over reads. */
  #gatherHeader(bytes: Uint8Array, at: number, to: number): number {
    let next = this.#hold(bytes, at, to, BHS_LENGTH);
    if (this.#heldLength < BHS_LENGTH) return next;
    // Without a header digest the lengths are checked as soon as the first 48 bytes are here: bytes that are no iSCSI
    // at all may seem to announce an AHS, and nobody should wait for it.
    if (!this.headerDigest) this.#checkLengths(this.#heldView, 0);
    const keep = BHS_LENGTH + totalAhsLength(this.#heldView, 0);
    const headerLength = keep + (this.headerDigest ? DIGEST_LENGTH : 0);
    next = this.#hold(bytes, next, to, headerLength);
    if (this.#heldLength < headerLength) return next;

    this.#heldLength = 0;
    this.#checkHeader(this.#held, this.#heldView, 0);
    const length = dataSegmentLength(this.#heldView, 0);
    this.#handler.onHeader(this.#heldView, 0);
    if (this.#stopped) return next;
    if (length === 0) this.#handler.onEnd(this.#heldView, 0, true);
    else this.#enterBody(length);
    return next;
  }

  #hold(bytes: Uint8Array, at: number, to: number, upTo: number): number {
    const end = Math.min(to, at + upTo - this.#heldLength);
    if (end <= at) return at;
    copyBytes(bytes, at, end, this.#held, this.#heldLength);
    this.#heldLength += end - at;
    return end;
  }

  #enterBody(length: number): void {
    this.#inBody = true;
    this.#dataLeft = length;
    this.#padLeft = padLength(length);
    this.#digestLeft = this.dataDigest ? DIGEST_LENGTH : 0;
    this.#crc = 0;
    this.#digest = 0;
  }

  /** Data, padding and digest of a PDU that did not end in the read it began in. */
  #takeBody(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    if (this.#dataLeft > 0) {
      const end = Math.min(to, at + this.#dataLeft);
      this.#handler.onData(bytes, at, end);
      if (this.#stopped) return end;
      if (this.#digestLeft > 0) this.#crc = this.#crc32c(bytes, at, end, this.#crc);
      this.#dataLeft -= end - at;
      at = end;
    }
    if (this.#dataLeft === 0 && this.#padLeft > 0 && at < to) {
      const end = Math.min(to, at + this.#padLeft);
      if (this.#digestLeft > 0) this.#crc = crc32c(bytes, at, end, this.#crc);
      this.#padLeft -= end - at;
      at = end;
    }
    while (this.#dataLeft === 0 && this.#padLeft === 0 && this.#digestLeft > 0 && at < to) {
      this.#digest = ((this.#digest >>> 8) | ((bytes[at] ?? 0) << 24)) >>> 0; // little-endian on the wire
      this.#digestLeft--;
      at++;
    }
    if (this.#dataLeft + this.#padLeft + this.#digestLeft === 0) this.#endBody();
    return at;
  }

  #endBody(): void {
    this.#inBody = false;
    const digestOk = !this.dataDigest || this.#crc === this.#digest;
    this.#handler.onEnd(this.#heldView, 0, digestOk);
  }

  #checkHeader(bytes: Uint8Array, view: DataView, at: number): void {
    if (this.headerDigest) {
      const end = at + BHS_LENGTH + totalAhsLength(view, at);
      if (crc32c(bytes, at, end) !== view.getUint32(end, true)) {
        throw new DigestError('Cannot read the stream on: the header digest of a PDU is wrong');
      }
    }
    this.#checkLengths(view, at);
  }

  #checkLengths(view: DataView, at: number): void {
    const ahsLength = totalAhsLength(view, at);
    if (ahsLength > this.maxAhsLength) {
      throw new ProtocolError(`Cannot take ${ahsLength} bytes of AHS: ${this.maxAhsLength} allowed`, {
        clause: '11.2.1.5',
      });
    }
    const length = dataSegmentLength(view, at);
    if (length > this.maxDataSegmentLength) {
      throw new ProtocolError(`Cannot take a data segment of ${length} bytes: ${this.maxDataSegmentLength} allowed`, {
        clause: '13.12',
      });
    }
  }
}
