/**
 * Takes a byte stream apart into PDUs, and forgives everything that can be forgiven. It is not the receiver of `pdu/`,
 * which guards a session and so drops padding and gives up at a wrong header digest: here a wrong PDU is what somebody
 * wants to see.
 */
import { copyBytes } from '../bytes/copy.ts';
import { crc32c } from '../bytes/crc32c.ts';
import { viewOf } from '../bytes/hex.ts';
import { ProtocolError } from '../errors.ts';
import { BHS_LENGTH, dataSegmentLength, padLength, totalAhsLength } from '../pdu/bhs.ts';
import { type Digests, NO_DIGESTS } from './draft.ts';
import { type DigestVerdict, WirePdu } from './wire-pdu.ts';

/** The most data that one PDU may bring unless the caller says otherwise, in bytes. */
export const DEFAULT_SEGMENT_LIMIT = 1024 * 1024;

const FIRST_CAPACITY = 4096;

/** Where the parts of a PDU lie, from the start of its header. */
interface Layout {
  readonly headersEnd: number;
  readonly dataAt: number;
  readonly dataEnd: number;
  readonly paddingEnd: number;
  readonly end: number;
}

/**
 * Finds the PDUs in what a peer sends, whatever its fragmentation. What is kept grows with the bytes that came, never
 * with what they announce.
 *
 * @example
 * const seen: string[] = [];
 * const deframer = new Deframer((pdu) => seen.push(pdu.name), () => 0);
 * const nop = frame({ header: new Uint8Array(48), data: Uint8Array.of(1) });
 * deframer.push(nop.subarray(0, 50));
 * deframer.pending; // 50
 * deframer.push(nop.subarray(50));
 * seen; // ['NOP-Out']
 */
export class Deframer {
  /** Which digests are expected. A change inside `onPdu` holds from the next PDU on. */
  digests: Digests = NO_DIGESTS;

  readonly #onPdu: (pdu: WirePdu) => void;
  readonly #now: () => number;
  readonly #limit: number;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = viewOf(this.#bytes);
  #length = 0;
  #stopped = false;

  /**
   * @param now Milliseconds of a monotonic clock.
   * @param segmentLimit The longest data segment that is taken, in bytes.
   */
  constructor(onPdu: (pdu: WirePdu) => void, now: () => number, segmentLimit = DEFAULT_SEGMENT_LIMIT) {
    this.#onPdu = onPdu;
    this.#now = now;
    this.#limit = segmentLimit;
  }

  /** Bytes of a PDU that has not ended yet: an end of the connection cuts it off. */
  get pending(): number {
    return this.#length;
  }

  /**
   * Takes the next bytes of the stream, copied.
   * @throws {ProtocolError} When a data segment is longer than the limit: then the stream is lost, and what comes later
   *   is thrown away.
   */
  push(bytes: Uint8Array): void {
    if (this.#stopped) return;
    this.#append(bytes);
    let at = 0;
    try {
      for (let next = this.#take(at); next > at; next = this.#take(at)) at = next;
    } catch (error) {
      this.#stopped = true;
      this.#length = 0;
      throw error;
    }
    if (at === 0) return;
    this.#bytes.copyWithin(0, at, this.#length);
    this.#length -= at;
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      copyBytes(this.#bytes, 0, this.#length, grown, 0);
      this.#bytes = grown;
      this.#view = viewOf(grown);
    }
    copyBytes(bytes, 0, bytes.length, this.#bytes, this.#length);
    this.#length = length;
  }

  /** Reports the PDU that begins at `at`, if all of it is here. @returns Where it ends, else `at`. */
  #take(at: number): number {
    if (this.#length - at < BHS_LENGTH) return at;
    const layout = this.#layout(at);
    if (this.#length - at < layout.end) return at;
    this.#onPdu(this.#pdu(this.#bytes.slice(at, at + layout.end), layout));
    return at + layout.end;
  }

  #layout(at: number): Layout {
    const length = dataSegmentLength(this.#view, at);
    if (length > this.#limit) {
      throw new ProtocolError(`Cannot take a data segment of ${length} bytes: ${this.#limit} allowed`, {
        clause: '13.12',
      });
    }
    const headersEnd = BHS_LENGTH + totalAhsLength(this.#view, at);
    const dataAt = headersEnd + (this.digests.header ? 4 : 0);
    const dataEnd = dataAt + length;
    const paddingEnd = dataEnd + padLength(length);
    return { headersEnd, dataAt, dataEnd, paddingEnd, end: paddingEnd + (this.digests.data && length > 0 ? 4 : 0) };
  }

  #pdu(bytes: Uint8Array, { headersEnd, dataAt, dataEnd, paddingEnd, end }: Layout): WirePdu {
    return new WirePdu({
      headers: bytes.subarray(0, headersEnd),
      data: bytes.subarray(dataAt, dataEnd),
      padding: bytes.subarray(dataEnd, paddingEnd),
      headerDigest: verdict(bytes, 0, headersEnd, dataAt),
      dataDigest: verdict(bytes, dataAt, paddingEnd, end),
      arrivedAt: this.#now(),
    });
  }
}

/** On the digest in `bytes[to, end)`, which covers `bytes[from, to)`. */
function verdict(bytes: Uint8Array, from: number, to: number, end: number): DigestVerdict {
  if (end === to) return 'absent';
  return viewOf(bytes).getUint32(to, true) === crc32c(bytes, from, to) ? 'right' : 'wrong';
}
