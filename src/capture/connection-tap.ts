import { viewOf } from '../bytes/hex.ts';
import { BHS_LENGTH, dataSegmentLength, opcode, totalAhsLength } from '../pdu/bhs.ts';
import { LoginWatch } from './login-watch.ts';
import { SecretText } from './secret-text.ts';
import { type ConnectionSink, type Direction, RECEIVED, SENT, type TcpEnds } from './sink.ts';
import { StreamCutter } from './stream-cutter.ts';

const CONTINUE = 0x40;

/** How a connection is recorded. */
export interface TapOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether data segments are kept whole. */
  readonly wholeData?: boolean;
}

/**
 * Sits between socket and core of one connection and hears what goes through, either way: the PDUs of the login with
 * secrets blanked, and then headers and the beginning of data. It changes nothing and never throws.
 */
export class ConnectionTap {
  readonly #sink: ConnectionSink;
  readonly #now: () => number;
  readonly #wholeData: boolean;
  readonly #watch = new LoginWatch();
  readonly #secrets = [new SecretText(), new SecretText()] as const;
  readonly #sent: StreamCutter;
  readonly #received: StreamCutter;
  #over = false;

  constructor(sink: ConnectionSink, { now, wholeData = false }: TapOptions) {
    this.#sink = sink;
    this.#now = now;
    this.#wholeData = wholeData;
    this.#sent = new StreamCutter(SENT, sink, this.#login);
    this.#received = new StreamCutter(RECEIVED, sink, this.#login);
  }

  /** The connection stands. */
  opened(ends: TcpEnds): void {
    this.#sink.opened(this.#now(), ends);
  }

  /** `bytes[from, to)` came. */
  received(bytes: Uint8Array, from: number, to: number): void {
    this.#take(this.#received, RECEIVED, bytes, from, to, this.#now());
  }

  /** `chunks` go to the socket, in this order. */
  sent(chunks: readonly Uint8Array[]): void {
    const time = this.#now();
    for (const chunk of chunks) this.#take(this.#sent, SENT, chunk, 0, chunk.length, time);
  }

  /** The connection is over; `failed` when it did not end in order. Said once, whoever says it first. */
  closed(failed: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.closed(this.#now(), failed);
  }

  #take(cutter: StreamCutter, direction: Direction, bytes: Uint8Array, from: number, to: number, time: number): void {
    if (this.#wholeData && !cutter.inLogin) this.#sink.add(direction, time, bytes, from, to, 0);
    else cutter.take(bytes, from, to, time);
  }

  /** A PDU of the login, which is ours. */
  readonly #login = (direction: Direction, time: number, pdu: Uint8Array): void => {
    const view = viewOf(pdu);
    this.#watch.take(view);
    const from = BHS_LENGTH + totalAhsLength(view, 0);
    const secrets = this.#secrets[direction];
    secrets.blank(pdu, from, Math.min(pdu.length, from + dataSegmentLength(view, 0)));
    if (((pdu[1] ?? 0) & CONTINUE) === 0 || opcode(view, 0) % 0x20 !== 3) secrets.reset();
    this.#sink.login(direction, time, pdu);
    if (!this.#watch.over) return;
    const headerDigest = this.#watch.headerDigest ? 4 : 0;
    const dataDigest = this.#watch.dataDigest ? 4 : 0;
    this.#sink.agreed(headerDigest, dataDigest);
    for (const cutter of [this.#sent, this.#received]) cutter.endLogin(headerDigest, dataDigest);
  };
}

/** What a driver tells of the connection that it carries. */
export type Tap = Pick<ConnectionTap, 'opened' | 'received' | 'sent' | 'closed'>;

/** One tap that tells two: the ring, and a file. */
export function bothTaps(one: Tap, other: Tap): Tap {
  return {
    opened(ends) {
      one.opened(ends);
      other.opened(ends);
    },
    received(bytes, from, to) {
      one.received(bytes, from, to);
      other.received(bytes, from, to);
    },
    sent(chunks) {
      one.sent(chunks);
      other.sent(chunks);
    },
    closed(failed) {
      one.closed(failed);
      other.closed(failed);
    },
  };
}
