import { copyBytes } from '../bytes/copy.ts';
import { viewOf } from '../bytes/hex.ts';
import { BHS_LENGTH, dataSegmentLength, MAX_AHS_LENGTH, totalAhsLength } from '../pdu/bhs.ts';
import { keptLength, segmentLength, WHOLE_LENGTH } from './cut.ts';
import { type ConnectionSink, type Direction, RECEIVED } from './sink.ts';

/** What is handed over at once is not longer, where it can be helped. */
const LONGEST_RUN = 16 * 1024;
const DIGEST_LENGTH = 4;

/**
 * Finds the PDUs in one direction of a connection, whatever its fragmentation, and hands over each header with the
 * beginning of its data. It trusts no length further than to count with it, and keeps 66 KiB at the most.
 *
 * Hot path: what is not cut goes over in one piece, however many PDUs it is; nothing is allocated per PDU.
 */
export class StreamCutter {
  readonly #direction: Direction;
  readonly #sink: ConnectionSink;
  readonly #onLogin: (direction: Direction, time: number, pdu: Uint8Array) => void;
  #headerDigest = 0;
  #dataDigest = 0;
  #inLogin = true;
  #held = new Uint8Array(BHS_LENGTH + MAX_AHS_LENGTH + DIGEST_LENGTH + WHOLE_LENGTH + DIGEST_LENGTH);
  #heldView = viewOf(this.#held);
  #heldLength = 0;
  #goal = BHS_LENGTH;
  /** Of the PDU that is collected: what will be skipped behind it. */
  #rest = 0;
  /** Bytes of a data segment that are not kept and still to come. */
  #skip = 0;

  constructor(
    direction: Direction,
    sink: ConnectionSink,
    onLogin: (direction: Direction, time: number, pdu: Uint8Array) => void,
  ) {
    this.#direction = direction;
    this.#sink = sink;
    this.#onLogin = onLogin;
  }

  /** Whether each PDU still goes to `onLogin`, whole. */
  get inLogin(): boolean {
    return this.#inLogin;
  }

  /** From the next PDU on, so many bytes of digest, 4 or 0, follow headers and data segments. */
  endLogin(headerDigest: number, dataDigest: number): void {
    this.#inLogin = false;
    this.#headerDigest = headerDigest;
    this.#dataDigest = dataDigest;
  }

  /** Takes `bytes[from, to)` of the stream. Nothing of it is referred to afterwards. */
  take(bytes: Uint8Array, from: number, to: number, time: number): void {
    let at = from;
    while (at < to) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, to - at);
        this.#skip -= step;
        at += step;
      } else if (this.#heldLength > 0 || this.#inLogin) at = this.#gather(bytes, at, to, time);
      else at = this.#takeRun(bytes, at, to, time);
    }
  }

  /** As many PDUs as are here with all that is kept of them. */
  #takeRun(bytes: Uint8Array, first: number, to: number, time: number): number {
    let from = first;
    let at = first;
    while (to - at >= BHS_LENGTH) {
      // By bytes: a view would have to be made for each chunk, which costs as much as to record one.
      const length = ((bytes[at + 5] ?? 0) << 16) | ((bytes[at + 6] ?? 0) << 8) | (bytes[at + 7] ?? 0);
      const dataAt = at + BHS_LENGTH + 4 * (bytes[at + 4] ?? 0) + this.#headerDigest;
      const end = dataAt + segmentLength(length, this.#dataDigest);
      const kept = length <= WHOLE_LENGTH ? end : dataAt + keptLength(bytes[at] ?? 0, length, this.#dataDigest);
      if (kept > to) break;
      if (kept < end && this.#direction === RECEIVED && this.#sink.addDataIn !== undefined) {
        if (at > from) this.#sink.add(this.#direction, time, bytes, from, at, 0);
        const next = this.#sink.addDataIn(time, bytes, at, to);
        from = next;
        if (next > at) {
          at = next;
          continue;
        }
      }
      at = end;
      if (kept < end || at - from >= LONGEST_RUN) {
        this.#sink.add(this.#direction, time, bytes, from, kept, end - kept);
        from = end;
      }
    }
    if (at > to) {
      this.#skip = at - to;
      return to;
    }
    if (at > from) this.#sink.add(this.#direction, time, bytes, from, at, 0);
    return at < to ? this.#gather(bytes, at, to, time) : at;
  }

  /** Collects what is kept of a PDU that is split over reads, and PDUs of the login. */
  #gather(bytes: Uint8Array, from: number, to: number, time: number): number {
    if (this.#heldLength === 0) {
      this.#goal = BHS_LENGTH;
      this.#rest = 0;
    }
    const at = this.#hold(bytes, from, to);
    if (this.#heldLength < this.#goal) return at;
    if (this.#goal === BHS_LENGTH && this.#heldLength === BHS_LENGTH) {
      this.#measure();
      if (this.#heldLength < this.#goal) return at;
    }
    const length = this.#heldLength;
    this.#heldLength = 0;
    this.#skip = this.#rest;
    if (this.#inLogin) this.#onLogin(this.#direction, time, this.#held.slice(0, length));
    else this.#sink.add(this.#direction, time, this.#held, 0, length, this.#skip);
    return at;
  }

  #hold(bytes: Uint8Array, from: number, to: number): number {
    const end = Math.min(to, from + this.#goal - this.#heldLength);
    const length = this.#heldLength + end - from;
    if (length > this.#held.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(this.#goal, 2 * this.#held.length)));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
      this.#heldView = viewOf(grown);
    }
    copyBytes(bytes, from, end, this.#held, this.#heldLength);
    this.#heldLength = length;
    return end;
  }

  /** The header is here: how much of the PDU is kept, and how much is not. */
  #measure(): void {
    const length = dataSegmentLength(this.#heldView, 0);
    const dataAt = BHS_LENGTH + totalAhsLength(this.#heldView, 0) + this.#headerDigest;
    const kept = keptLength(this.#held[0] ?? 0, length, this.#dataDigest);
    this.#goal = dataAt + kept;
    this.#rest = segmentLength(length, this.#dataDigest) - kept;
  }
}
