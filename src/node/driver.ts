import { connect, type OnReadOpts, type Socket } from 'node:net';
import { viewOf } from '../bytes/hex.ts';
import type { Tap } from '../capture/connection-tap.ts';
import type { TcpEnds } from '../capture/sink.ts';
import { BusyPoll } from './busy-poll.ts';
import { now } from './clock.ts';
import { type Address, type ConnectAttempt, PortalRace } from './portal-race.ts';

/** What a driver needs of a session core, of either role. The core never throws out of these. */
export interface ConnectionCore {
  /** Feeds `bytes[from, to)`; `view` sees the same memory with the same offsets. */
  receive(bytes: Uint8Array, view: DataView, from: number, to: number): void;
  /** Everything to be sent, in order. Each call that gave something is answered by one `flushed()`. */
  drain(): readonly Uint8Array[];
  /** The oldest hand-over was written. */
  flushed(): void;
  /** Tells the time in milliseconds. */
  tick(now: number): void;
  /** When `tick` has something to do, or Infinity. */
  nextDeadline(): number;
  /** The transport is gone. */
  ended(error?: Error): void;
  /** False: nothing more is to be read for now. */
  readonly wantsData: boolean;
  /** True: send what is left, then close. */
  readonly finished: boolean;
  /**
   * Memory to which the next bytes of the stream are to be read, or undefined for the driver's own buffer. Asked before
   * each read.
   */
  directRoom?(): Uint8Array | undefined;
  /** `length` bytes were read to the beginning of what `directRoom` gave. */
  placed?(room: Uint8Array, length: number): void;
  /** How many bytes to read at once, so that `directRoom` gets its chance; 0, or left out, for as many as there are. */
  readonly shortRead?: number;
}

/** One read of this length holds 60 PDUs of 4 KiB, or the greater part of one of 256 KiB. */
const RECEIVE_LENGTH = 256 * 1024;
/**
 * A read that brings at least this much of long data shows that the next comes soon enough to poll for it: that much
 * within the 100 µs of polling is some 160 MB/s.
 */
const FAST_READ = 16 * 1024;
/** What goes out at once, at the most, for polling to be worthwhile: some 30 blocks of 4 KiB. */
const LONGEST_POLLED = 128 * 1024;
/** How long the peer may take to read our last bytes before the socket is destroyed, in milliseconds. */
const LINGER = 2000;

/**
 * Joins a session core and a socket: one callback per read, one write per turn, one timer for all deadlines.
 *
 * Output is collected until the turn is over, promise reactions included (`process.nextTick` runs after them when
 * scheduled from one), so that all commands of a turn leave in one `writev`.
 */
export class Driver {
  readonly #core: ConnectionCore;
  #race: PortalRace<Socket> | undefined;
  #portal: Address | undefined;
  #socket: Socket | undefined;
  #flushPlanned = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #ended = false;
  #paused = false;
  #closing = false;
  readonly #onClosed: () => void;
  readonly #poll: BusyPoll;
  readonly #tap: Tap | undefined;

  /**
   * @param onClosed Called once, when the socket is closed and no timer is left.
   * @param busyPoll Microseconds; see {@link BusyPoll}.
   * @param tap Hears everything that comes before the core does, and everything that goes.
   */
  constructor(core: ConnectionCore, onClosed: () => void = nothing, busyPoll = 0, tap?: Tap) {
    this.#core = core;
    this.#tap = tap;
    this.#onClosed = onClosed;
    this.#poll = new BusyPoll(busyPoll);
  }

  /** Whether a flush is planned for the end of this turn. */
  get planned(): boolean {
    return this.#flushPlanned;
  }

  /** The core's `wake`: plans one flush for the end of this turn. */
  readonly wake = (): void => {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    process.nextTick(this.#flush);
  };

  /**
   * Connects to `where`, of several portals to the first that answers, and gives the socket's events to the core.
   * Exactly one of the two is called: `connected` once the transport stands, `failed` when it cannot be had (see
   * `attempts`); the core hears nothing of the latter.
   */
  connect(where: Address | readonly Address[], connected: () => void, failed: (error: Error) => void): void {
    const onread = this.#reading();
    const dial = (host: string, port: number): Socket =>
      connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, onread });
    const race = new PortalRace(
      'host' in where ? [where] : where,
      { dial },
      {
        won: (socket, portal) => {
          this.#portal = portal;
          this.#join(socket, true);
          connected();
        },
        lost: (attempts) => {
          this.#ended = true;
          failed(errorOf(attempts));
        },
      },
    );
    this.#race = race;
    race.start();
  }

  /** The portal that was reached. */
  get portal(): Address | undefined {
    return this.#portal;
  }

  /** The addresses that were tried so far to connect. */
  get attempts(): readonly ConnectAttempt[] {
    return this.#race?.attempts ?? [];
  }

  /** Takes a socket that is connected already. */
  attach(socket: Socket): void {
    socket.setNoDelay(true);
    this.#join(socket, false);
    socket.on('data', (chunk: Buffer) => {
      this.#poll.heard();
      const view = viewOf(chunk);
      this.#tap?.received(chunk, 0, chunk.byteLength);
      this.#core.receive(chunk, view, 0, chunk.byteLength);
    });
  }

  /** Ends the transport at once. */
  destroy(): void {
    this.#race?.stop();
    this.#socket?.destroy();
  }

  #join(socket: Socket, client: boolean): void {
    this.#socket = socket;
    this.#tap?.opened(endsOf(socket, client));
    socket.on('error', (error) => this.#end(error));
    socket.on('end', () => this.#end());
    socket.on('close', () => {
      this.#end();
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#onClosed();
    });
  }

  /** Reads into one buffer for all, or straight to where the core wants the bytes. */
  #reading(): OnReadOpts {
    const core = this.#core;
    const tap = this.#tap;
    const bytes = Buffer.allocUnsafeSlow(RECEIVE_LENGTH);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let short = bytes;
    return {
      buffer: () => {
        const direct = core.directRoom?.();
        if (direct !== undefined) return direct;
        const limit = core.shortRead ?? 0;
        if (limit === 0) return bytes;
        if (short.length !== limit) short = bytes.subarray(0, limit);
        return short;
      },
      callback: (end, buffer) => {
        this.#poll.heard();
        if (buffer === bytes || buffer === short) {
          tap?.received(bytes, 0, end);
          core.receive(bytes, view, 0, end);
        } else {
          tap?.received(buffer, 0, end);
          core.placed?.(buffer, end);
        }
        if (this.#readsShort && (end >= FAST_READ || buffer === short)) this.#poll.expect();
        return true; // back-pressure goes through pause(), which also holds what is in flight
      },
    };
  }

  #end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tap?.closed(error !== undefined || !this.#closing);
    this.#core.ended(error);
    this.#closeSocket();
  }

  readonly #flush = (): void => {
    this.#flushPlanned = false;
    const socket = this.#socket;
    if (socket === undefined) {
      if (this.#core.finished) this.#race?.stop();
      return;
    }
    const chunks = this.#core.drain();
    if (chunks.length > 0) {
      this.#write(socket, chunks);
      if (!this.#closing && this.#answerIsShort(chunks)) this.#poll.expect();
    }
    if (this.#core.finished) this.#closeSocket();
    else this.#arm();
    if (this.#core.wantsData === this.#paused) {
      this.#paused = !this.#paused;
      if (this.#paused) socket.pause();
      else socket.resume();
    }
  };

  /**
   * Whether little goes out and little will come in, so that the answer may come within the time of polling. For long
   * data that is not guessed: its reads show how fast it comes ({@link FAST_READ}).
   */
  #answerIsShort(chunks: readonly Uint8Array[]): boolean {
    return chunks.length === 1 && (chunks[0]?.length ?? 0) <= LONGEST_POLLED && !this.#readsShort;
  }

  /** Whether long data is coming in. */
  get #readsShort(): boolean {
    return (this.#core.shortRead ?? 0) > 0;
  }

  #write(socket: Socket, chunks: readonly Uint8Array[]): void {
    if (socket.destroyed || socket.writableEnded) return;
    this.#tap?.sent(chunks);
    const last = chunks.length - 1;
    if (last > 0) socket.cork();
    for (let at = 0; at < last; at++) {
      const chunk = chunks[at];
      if (chunk !== undefined) socket.write(chunk);
    }
    const chunk = chunks[last];
    if (chunk !== undefined) socket.write(chunk, this.#written);
    if (last > 0) socket.uncork();
  }

  readonly #written = (error?: Error | null): void => {
    if (error != null) return; // 'close' follows
    this.#core.flushed();
  };

  #closeSocket(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#closing) return;
    this.#closing = true;
    this.#poll.stop();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#ended || socket.connecting) {
      socket.destroy();
      return;
    }
    socket.end();
    socket.resume();
    this.#timer = setTimeout(() => socket.destroy(), LINGER);
  }

  /** One timer serves all deadlines; it is moved only when a nearer one appears. */
  #arm(): void {
    const at = this.#core.nextDeadline();
    if (at >= this.#timerAt || this.#ended) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#tick, Math.min(Math.max(0, Math.ceil(at - now())), 0x7fff_ffff));
  }

  readonly #tick = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#core.tick(now());
    this.#flush();
  };
}

function endsOf(socket: Socket, client: boolean): TcpEnds {
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  return {
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
    client,
  };
}

/** The error of the only attempt, or one of all of them. */
function errorOf(attempts: readonly ConnectAttempt[]): Error {
  const errors = attempts.flatMap(({ error }) => error ?? []);
  return errors.length === 1 && errors[0] ? errors[0] : new AggregateError(errors, 'No address answered');
}

function nothing(): void {
  // Nobody asked to be told.
}
