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
 * Puts segments in order and leaves repetitions out. `missing` lists the streams that have gaps, whose later bytes are left out.
 * A connection whose begin is not in the capture begins with its first segment.
 */
export function inOrder(segments: readonly Segment[]): { readonly arrivals: Arrival[]; readonly missing: Set<number> } {
  const directions = new Map<string, Direction>();
  const arrivals: Arrival[] = [];
  for (const segment of segments) {
    const { stream, byTarget, sequence, frame } = segment;
    const key = `${stream} ${byTarget}`;
    const direction = directions.get(key) ?? { next: sequence, early: [] };
    directions.set(key, direction);
    if (segment.payload.length === 0) continue; // says where the stream begins; later ones count SYN and FIN, which are no bytes
    direction.early.push(segment);
    for (;;) {
      const found = direction.early.find((early) => ((early.sequence - direction.next) | 0) <= 0);
      if (found === undefined) break;
      direction.early.splice(direction.early.indexOf(found), 1);
      const known = (direction.next - found.sequence) >>> 0;
      if (known >= found.payload.length) continue;
      arrivals.push({ frame, stream, byTarget, bytes: found.payload.subarray(known) });
      direction.next = (found.sequence + found.payload.length) >>> 0;
    }
  }
  const missing = new Set<number>();
  for (const [key, { early }] of directions) if (early.length > 0) missing.add(Number(key.split(' ')[0]));
  return { arrivals, missing };
}
