import { viewOf } from '../bytes/hex.ts';
import { BHS_LENGTH, dataSegmentLength, totalAhsLength } from '../pdu/bhs.ts';
import { ConnectionTap } from './connection-tap.ts';
import { keptLength, segmentLength } from './cut.ts';
import { PcapngStream } from './pcapng-stream.ts';
import { GAP_COMMENT } from './pcapng-write.ts';
import { type RecordedRun, RecordRing } from './record-ring.ts';
import type { ConnectionSink, Direction, TcpEnds } from './sink.ts';

/** Bytes of the last PDUs that are kept unless the caller says otherwise: some 250 reads. */
export const DEFAULT_RECORD_LENGTH = 32 * 1024;
/** The smallest and the largest ring, in bytes. */
export const RECORD_LIMITS = { least: 16 * 1024, most: 256 * 1024 * 1024 } as const;
/** Of a login that goes on for ever, so many bytes are kept: its beginning. */
const LOGIN_LENGTH = 64 * 1024;
/** Connections of which the login is kept, the last ones. */
const MOST_CONNECTIONS = 8;

interface LoginRecord {
  readonly direction: Direction;
  readonly time: number;
  readonly pdu: Uint8Array;
}

/** What a capture turned out to be. */
export interface CaptureSummary {
  /** Packets of the file; those that open and close the connection count. */
  readonly packets: number;
  /** Whether it goes back to the login without a gap: nothing had to make room. */
  readonly complete: boolean;
}

/**
 * Remembers the last PDUs of a session in a fixed amount of memory, and its logins: cheap enough to stay on. What it
 * has is written as pcapng whenever somebody wants it.
 */
export class Recorder {
  readonly #now: () => number;
  readonly #capacity: number;
  readonly #connections: RingConnection[] = [];
  #ring: RecordRing | undefined;
  #next = 0;

  /**
   * @param now Milliseconds since 1970, with fractions.
   * @param capacity Bytes that it may keep of PDUs after the login.
   */
  constructor(now: () => number, capacity = DEFAULT_RECORD_LENGTH) {
    this.#now = now;
    this.#capacity = capacity;
  }

  /** What a driver tells of the next connection of the session. */
  tap(): ConnectionTap {
    this.#ring ??= new RecordRing(this.#capacity);
    const connection = new RingConnection(this.#ring, this.#next++);
    this.#connections.push(connection);
    if (this.#connections.length > MOST_CONNECTIONS) this.#connections.shift();
    return new ConnectionTap(connection, { now: this.#now });
  }

  /** Writes what it has as a pcapng file. @param write Takes the next bytes of the file over. */
  write(write: (bytes: Uint8Array) => void): CaptureSummary {
    const file = new PcapngStream(write);
    const shown = new Map(this.#connections.map((one) => [one.number, { one, to: file.connection() }]));
    for (const { one, to } of shown.values()) one.writeLogin(to);
    const oldest = this.#ring?.oldest ?? 0;
    const cut = new Set(this.#connections.filter(({ first }) => first < oldest).map(({ number }) => number));
    const complete = cut.size === 0 && this.#next === this.#connections.length;
    for (const run of this.#ring?.runs() ?? []) {
      const there = shown.get(run.connection);
      if (cut.delete(run.connection)) there?.to.remark(GAP_COMMENT);
      if (there !== undefined) there.one.writeRun(run, there.to);
    }
    for (const { one, to } of shown.values()) {
      if (one.ending !== undefined) to.closed(one.ending.time, one.ending.failed);
    }
    return { packets: file.packets, complete };
  }
}

/** One connection: its login, and its number in the ring. */
class RingConnection implements ConnectionSink {
  readonly number: number;
  /** The number of the run with which it may have begun. */
  first = Number.POSITIVE_INFINITY;
  ending: { readonly time: number; readonly failed: boolean } | undefined;
  readonly #ring: RecordRing;
  readonly #login: LoginRecord[] = [];
  #loginLength = 0;
  #digests = { header: 0, data: 0 };
  #opened: { readonly time: number; readonly ends: TcpEnds } | undefined;

  constructor(ring: RecordRing, number: number) {
    this.#ring = ring;
    this.number = number;
  }

  opened(time: number, ends: TcpEnds): void {
    this.#opened = { time, ends };
  }

  login(direction: Direction, time: number, pdu: Uint8Array): void {
    this.#loginLength += pdu.length;
    if (this.#loginLength <= LOGIN_LENGTH) this.#login.push({ direction, time, pdu });
  }

  add(direction: Direction, time: number, bytes: Uint8Array, from: number, to: number): void {
    this.#ring.add(this.number, direction, time, bytes, from, to);
  }

  addDataIn(time: number, bytes: Uint8Array, from: number, to: number): number {
    return this.#ring.addDataIn(this.number, time, bytes, from, to, this.#digests);
  }

  agreed(headerDigest: number, dataDigest: number): void {
    this.first = this.#ring.count;
    this.#digests = { header: headerDigest, data: dataDigest };
  }

  closed(time: number, failed: boolean): void {
    this.ending = { time, failed };
  }

  writeLogin(to: ConnectionSink): void {
    if (this.#opened === undefined) return;
    to.opened(this.#opened.time, this.#opened.ends);
    for (const { direction, time, pdu } of this.#login) to.login(direction, time, pdu);
  }

  /** Takes a run apart again: the lengths in each header tell what was kept of it, and what was not. */
  writeRun({ direction, time, bytes }: RecordedRun, to: ConnectionSink): void {
    const view = viewOf(bytes);
    for (let at = 0; at + BHS_LENGTH <= bytes.length; ) {
      const length = dataSegmentLength(view, at);
      const dataAt = at + BHS_LENGTH + totalAhsLength(view, at) + this.#digests.header;
      const end = Math.min(bytes.length, dataAt + keptLength(bytes[at] ?? 0, length, this.#digests.data));
      const skipped = dataAt + segmentLength(length, this.#digests.data) - end;
      to.add(direction, time, bytes, at, end, skipped);
      at = end;
    }
  }
}
