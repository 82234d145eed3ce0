/** The byte streams of a capture: what each side of each TCP connection sent, in order, whatever the packets. */

/** One packet with payload, as read from a capture. */
export interface Segment {
  /** The frame number. */
  readonly frame: number;
  readonly stream: number;
  readonly byTarget: boolean;
  /** TCP sequence number of the first byte. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Bytes that became available with one frame: payload that continues the stream, without repetitions. */
export interface Arrival {
  readonly frame: number;
  readonly stream: number;
  readonly byTarget: boolean;
  readonly bytes: Uint8Array;
}

interface Direction {
  next: number;
  /** Segments that came before the ones in front of them. */
  early: Segment[];
}

/**
 * Puts segments in order and leaves repetitions out, segment by segment.
 * A connection whose begin is not in the capture begins with its first segment.
 */
export class StreamOrder {
  readonly #directions = new Map<string, Direction>();

  /** The streams that have gaps so far, whose later bytes are held back. */
  get missing(): Set<number> {
    const missing = new Set<number>();
    for (const [key, { early }] of this.#directions) if (early.length > 0) missing.add(Number(key.split(' ')[0]));
    return missing;
  }

  /** Takes the next segment of the capture and gives the bytes that continue a stream. */
  take(segment: Segment): Arrival[] {
    const { stream, byTarget, sequence, frame } = segment;
    const key = `${stream} ${byTarget}`;
    const direction = this.#directions.get(key) ?? { next: sequence, early: [] };
    this.#directions.set(key, direction);
    // An empty segment says where the stream begins. Later ones only count SYN and FIN, which are no bytes.
    if (segment.payload.length === 0) return [];
    direction.early.push(segment);
    const arrivals: Arrival[] = [];
    for (;;) {
      const found = direction.early.find((early) => ((early.sequence - direction.next) | 0) <= 0);
      if (found === undefined) return arrivals;
      direction.early.splice(direction.early.indexOf(found), 1);
      const known = (direction.next - found.sequence) >>> 0;
      if (known >= found.payload.length) continue;
      arrivals.push({ frame, stream, byTarget, bytes: found.payload.subarray(known) });
      direction.next = (found.sequence + found.payload.length) >>> 0;
    }
  }
}
