/**
 * A loopback TCP relay between an initiator and a target. It records what both sides send, without any rights,
 * and does harm on demand: refuses, cuts, half-closes, stalls, delays, corrupts, drops, doubles or chops the stream.
 */
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from './process.ts';
import type { Arrival } from './streams.ts';

/** What is done to one direction of one connection. Offsets count the bytes of that direction from 0. */
export interface Faults {
  /** Both sides lose the connection once this many bytes have been passed on. */
  readonly cutAfter?: number;
  /** How they lose it: `reset` (RST, the default) or `end` (FIN). */
  readonly cutBy?: 'reset' | 'end';
  /** Nothing is passed on after this many bytes, and nothing is closed either. */
  readonly stallAfter?: number;
  /** Longest piece that is written at once, in bytes; 1 shows every cut of a PDU to the receiver. */
  readonly pieceLength?: number;
  /** Milliseconds that each piece of the stream is held back. */
  readonly delay?: number;
  /** The byte at this offset is changed by XOR with `xor`. */
  readonly corrupt?: { readonly at: number; readonly xor: number };
  /** So many bytes from this offset on are left out, as far as they come in one piece. */
  readonly drop?: { readonly at: number; readonly length: number };
  /** So many bytes from this offset on are passed on twice, as far as they come in one piece. */
  readonly duplicate?: { readonly at: number; readonly length: number };
  /** After this many bytes the receiver is told that there is no more (FIN); the other direction lives on. */
  readonly halfCloseAfter?: number;
}

/** The two directions of a connection. */
export interface ConnectionFaults {
  /** It is reset at once. */
  readonly refuse?: boolean;
  readonly toTarget?: Faults;
  readonly toInitiator?: Faults;
}

export interface RelayOptions {
  /** The target's port on 127.0.0.1; a function where it can change. */
  readonly to: number | (() => number);
  /** Called once per connection, with its number from 0. */
  readonly faults?: (connection: number) => ConnectionFaults;
  /**
   * Keep what passes, for `recording()` and the byte arrays; true unless told otherwise. Leave it off for large copies.
   */
  readonly record?: boolean;
}

/** One connection that went, or still goes, through the relay. */
export interface RelayedConnection {
  /** Bytes passed on to the target so far, after faults. */
  readonly toTarget: Direction;
  /** Bytes passed on to the initiator so far, after faults. */
  readonly toInitiator: Direction;
  /** The recording, in the order in which the relay passed it on; frames are its pieces, from 1. */
  recording(): Iterable<Arrival>;
  /** Cuts it now. */
  cut(how?: 'reset' | 'end'): void;
}

/** What went one way. */
export interface Direction {
  readonly length: number;
  /** All bytes in one array of the caller's. */
  bytes(): Uint8Array;
}

export interface Relay {
  readonly port: number;
  readonly connections: readonly RelayedConnection[];
  /** Cuts everything and refuses what comes next. */
  stop(): Promise<void>;
}

/** Starts a relay on a free port; it is stopped, at the latest, when the test is over. */
export async function startRelay(t: Cleanup, options: RelayOptions): Promise<Relay> {
  const connections: RelayedPair[] = [];
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (initiator) => {
    connections.push(new RelayedPair(initiator, options, connections.length));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const connection of connections) connection.cut();
    });
    return stopped;
  };
  t.after(stop);
  return { port: (server.address() as AddressInfo).port, connections, stop };
}

type Name = 'toTarget' | 'toInitiator';

interface Piece {
  readonly name: Name;
  readonly bytes: Uint8Array;
}

class Flow implements Direction {
  length = 0;
  readonly #name: Name;
  readonly #pieces: Piece[];

  constructor(name: Name, pieces: Piece[]) {
    this.#name = name;
    this.#pieces = pieces;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#pieces.filter(({ name }) => name === this.#name).map(({ bytes }) => bytes));
  }
}

class RelayedPair implements RelayedConnection {
  readonly #initiator: Socket;
  readonly #target: Socket;
  readonly #pieces: Piece[] = [];
  readonly #record: boolean;
  readonly toTarget = new Flow('toTarget', this.#pieces);
  readonly toInitiator = new Flow('toInitiator', this.#pieces);

  constructor(initiator: Socket, { to, faults, record = true }: RelayOptions, number: number) {
    this.#initiator = initiator;
    const port = typeof to === 'number' ? to : to();
    this.#target = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    this.#record = record;
    // Errors are part of the game: a lost side takes the other with it.
    for (const socket of [this.#initiator, this.#target]) socket.on('error', () => this.cut());
    const { toTarget = {}, toInitiator = {}, refuse = false } = faults?.(number) ?? {};
    if (refuse) {
      this.cut();
      return;
    }
    void this.#pump(this.#initiator, this.#target, 'toTarget', toTarget);
    void this.#pump(this.#target, this.#initiator, 'toInitiator', toInitiator);
  }

  *recording(): Generator<Arrival> {
    for (const [index, { name, bytes }] of this.#pieces.entries()) {
      yield { frame: index + 1, stream: 0, byTarget: name === 'toInitiator', bytes };
    }
  }

  cut(how: 'reset' | 'end' = 'reset'): void {
    for (const socket of [this.#initiator, this.#target]) {
      if (how === 'end') socket.destroySoon();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  async #pump(from: Socket, to: Socket, name: Name, faults: Faults): Promise<void> {
    try {
      // An iterator that destroyed its socket at the end would take the other direction with it.
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        for (const piece of cutToPieces(chunk as Buffer, this[name].length, faults)) {
          await this.#pass(piece, to, name, faults);
        }
      }
      to.end(); // the sender is done; the other way may still have something to say
    } catch {
      this.cut();
    }
  }

  async #pass(piece: Buffer, to: Socket, name: Name, faults: Faults): Promise<void> {
    const flow = this[name];
    if (faults.delay !== undefined) await sleep(faults.delay);
    if (to.destroyed || to.writableEnded) return;
    if (faults.stallAfter !== undefined && flow.length >= faults.stallAfter) return;
    const at = faults.corrupt ? faults.corrupt.at - flow.length : -1;
    if (faults.corrupt && at >= 0 && at < piece.length) piece.writeUInt8(piece.readUInt8(at) ^ faults.corrupt.xor, at);
    const sent = garbled(piece, flow.length, faults);
    if (this.#record) this.#pieces.push({ name, bytes: sent });
    flow.length += piece.length;
    if (sent.length > 0) await write(to, sent);
    if (faults.pieceLength !== undefined) await nextTurn();
    if (faults.cutAfter !== undefined && flow.length >= faults.cutAfter) this.cut(faults.cutBy);
    if (faults.halfCloseAfter !== undefined && flow.length >= faults.halfCloseAfter) to.end();
  }
}

/** Splits where a fault begins, so that exactly the bytes before it pass, and every `pieceLength` bytes. */
function* cutToPieces(chunk: Buffer, from: number, faults: Faults): Generator<Buffer> {
  const borders = [faults.cutAfter, faults.stallAfter, faults.halfCloseAfter].flatMap((at) =>
    at === undefined ? [] : [at - from],
  );
  const longest = faults.pieceLength ?? chunk.length;
  for (let at = 0; at < chunk.length; ) {
    const end = Math.min(at + longest, chunk.length, ...borders.filter((border) => border > at));
    yield chunk.subarray(at, end);
    at = end;
  }
}

/** The piece that begins at this offset of the stream, without what is dropped, with what is doubled. */
function garbled(piece: Buffer, from: number, { drop, duplicate }: Faults): Buffer {
  if (drop !== undefined && drop.at >= from && drop.at < from + piece.length) {
    const at = drop.at - from;
    return Buffer.concat([piece.subarray(0, at), piece.subarray(at + drop.length)]);
  }
  if (duplicate === undefined || duplicate.at < from || duplicate.at >= from + piece.length) return piece;
  const end = duplicate.at - from + duplicate.length;
  return Buffer.concat([piece.subarray(0, end), piece.subarray(duplicate.at - from)]);
}

/** Settles when the socket has taken the bytes, so that a slow receiver slows the sender down. */
function write(to: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => to.write(bytes, (error) => (error ? reject(error) : resolve())));
}
