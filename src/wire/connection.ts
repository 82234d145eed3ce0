import type { Socket } from 'node:net';
import { ValueError } from '../bytes/value-error.ts';
import { IscsiError, ProtocolError } from '../errors.ts';
import { now } from '../node/clock.ts';
import { Deframer } from './deframer.ts';
import { type Digests, type Distortion, frame, type PduDraft } from './draft.ts';
import {
  type ConnectionEnd,
  ExpectationError,
  isWanted,
  type Observation,
  type Patience,
  type Wanted,
  wantedText,
} from './expectation.ts';
import { DEFAULT_INBOX_LIMITS, Inbox, type InboxLimits } from './inbox.ts';
import { checkPatience, DEFAULT_PATIENCE, Watchers } from './watchers.ts';
import type { WirePdu } from './wire-pdu.ts';

/** How a connection of raw speakers behaves. */
export interface WireConnectionOptions {
  /** Milliseconds that anything is waited for when the call does not say: 5000 when left out. */
  readonly patience?: number | undefined;
  /**
   * The longest data segment that is taken, in bytes: 1 MiB when left out. A longer one makes the stream unreadable.
   */
  readonly segmentLimit?: number | undefined;
  /** How much is kept of what nobody has asked for yet: 1024 PDUs, 64 MiB of data when left out. */
  readonly inbox?: Partial<InboxLimits> | undefined;
  /** Sees every PDU as it arrives, also those that are answered by themselves. */
  readonly onArrival?: ((pdu: WirePdu) => void) | undefined;
  /** Sees all bytes as they are handed to the operating system or come from it: for a capture. They must not change. */
  readonly onBytes?: ((direction: 'sent' | 'received', bytes: Uint8Array) => void) | undefined;
  /** Tears the connection down. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection on which anything can be sent, and everything that arrives can be seen. Nothing waits without a
 * deadline, and what the peer sends is bounded in memory. The end of the connection is something to see, not an error:
 * it becomes one where a PDU was expected.
 */
export class WireConnection {
  /** Milliseconds that anything is waited for when the call does not say. */
  readonly patience: number;
  readonly #socket: Socket;
  readonly #deframer: Deframer;
  readonly #inbox: Inbox;
  readonly #watchers = new Watchers();
  readonly #signal: AbortSignal | undefined;
  readonly #onArrival: WireConnectionOptions['onArrival'];
  readonly #onBytes: WireConnectionOptions['onBytes'];
  #end: ConnectionEnd | undefined;

  /** @param socket Connected, and with half-open ends allowed: otherwise it answers the peer's end by its own. */
  constructor(socket: Socket, options: WireConnectionOptions = {}) {
    this.#socket = socket;
    this.patience = options.patience ?? DEFAULT_PATIENCE;
    checkPatience(this.patience);
    this.#inbox = new Inbox({ ...DEFAULT_INBOX_LIMITS, ...options.inbox });
    this.#onArrival = options.onArrival;
    this.#onBytes = options.onBytes;
    this.#deframer = new Deframer((pdu) => this.#arrived(pdu), now, options.segmentLimit);
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#onAbort);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('end', () => this.#ended('closed'));
    socket.on('error', (error) => this.#ended('reset', error));
    socket.on('close', () => {
      this.#ended('closed');
      this.#signal?.removeEventListener('abort', this.#onAbort);
    });
    if (this.#signal?.aborted) this.#onAbort();
  }

  /** Which digests are put in and expected. They follow the login by themselves; who wants others sets them. */
  get digests(): Digests {
    return this.#deframer.digests;
  }
  set digests(digests: Digests) {
    this.#deframer.digests = digests;
  }

  /** How the connection ended; undefined while it lives. */
  get end(): ConnectionEnd | undefined {
    return this.#end;
  }

  /** PDUs that came and were not asked for yet, oldest first. */
  get unread(): readonly WirePdu[] {
    return this.#inbox.all;
  }

  /** How many PDUs were dropped, oldest first, because nobody asked for them and more came than are kept. */
  get dropped(): number {
    return this.#inbox.dropped;
  }

  /** The other end of the connection, as `host:port`. */
  get peer(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  /** Bytes that were sent and that the operating system has not taken yet. */
  get unflushed(): number {
    return this.#socket.writableLength;
  }

  /** Sends one PDU, right or wrong. @returns Its bytes. */
  send(draft: PduDraft, distortion?: Distortion): Uint8Array {
    const bytes = frame(draft, this.digests, distortion);
    this.sendBytes(bytes);
    return bytes;
  }

  /**
   * Sends any bytes. They must not change until they are flushed. To a peer that is gone they go nowhere.
   * @throws {IscsiError} `ISCSI_CLOSED` when this side has closed the connection.
   */
  sendBytes(bytes: Uint8Array): void {
    if (this.#end?.how === 'own') throw new IscsiError('ISCSI_CLOSED', 'Cannot send on a connection that is closed');
    if (!this.#socket.writable) return;
    this.#onBytes?.('sent', bytes);
    this.#socket.write(bytes);
  }

  /**
   * Sends bytes cut into pieces of `pieceLength`, each in a packet of its own as far as the network allows.
   * @param patience For each piece.
   */
  async sendPieces(bytes: Uint8Array, pieceLength: number, patience: Patience = {}): Promise<void> {
    if (!Number.isInteger(pieceLength) || pieceLength < 1) {
      throw new ValueError(`Cannot send pieces of ${pieceLength} bytes: 1 or more allowed`);
    }
    for (let at = 0; at < bytes.length; at += pieceLength) {
      this.sendBytes(bytes.subarray(at, at + pieceLength));
      await this.flushed(patience);
    }
  }

  /**
   * Waits until the operating system has taken everything that was sent.
   * @throws {ExpectationError} When the peer reads too little in that time. Bytes for a peer that is gone count as
   *   taken.
   */
  async flushed(patience: Patience = {}): Promise<void> {
    let done = this.#socket.writableLength === 0 || !this.#socket.writable;
    if (!done) {
      this.#socket.write(NOTHING, () => {
        done = true;
        this.#watchers.wake();
      });
    }
    const flushed = await this.#until(() => (done || this.#socket.destroyed ? true : undefined), patience);
    if (flushed) return;
    throw new ExpectationError('Cannot send what was to be sent', this.#silence(patience));
  }

  /** Ends the sending direction in order (FIN). What the peer still sends is seen. */
  finish(): void {
    this.#socket.end();
  }

  /** Tears the connection down at once (RST). */
  reset(): void {
    this.#ended('own');
    this.#socket.resetAndDestroy();
  }

  /** Closes the connection. PDUs that came before can still be asked for. */
  async close(): Promise<void> {
    this.#ended('own');
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What is seen next, whatever it is: a PDU, the end of the connection, or silence. */
  async observe(patience: Patience = {}): Promise<Observation> {
    return (await this.#until(() => this.#seen(() => true), patience)) ?? this.#silence(patience);
  }

  /**
   * The next PDU, which must be the wanted one.
   * @throws {ExpectationError} When another one comes, the connection ends, or nothing is seen in time.
   */
  async expect(wanted: Wanted, patience: Patience = {}): Promise<WirePdu> {
    const seen = await this.observe(patience);
    if (seen.saw === 'pdu' && isWanted(wanted, seen.pdu)) return seen.pdu;
    throw new ExpectationError(`Cannot see ${wantedText(wanted)}`, seen);
  }

  /**
   * The first PDU that is the wanted one, whatever comes before it: that waits until it is asked for.
   * @throws {ExpectationError} When the connection ends before, or it does not come in time.
   */
  async find(wanted: Wanted, patience: Patience = {}): Promise<WirePdu> {
    const found = await this.#until(() => this.#seen((pdu) => isWanted(wanted, pdu)), patience);
    if (found?.saw === 'pdu') return found.pdu;
    throw new ExpectationError(`Cannot see ${wantedText(wanted)}`, found ?? this.#silence(patience), this.unread);
  }

  /**
   * The next PDU, whichever it is.
   * @throws {ExpectationError} When the connection ends, or nothing is seen in time.
   */
  async next(patience: Patience = {}): Promise<WirePdu> {
    return await this.expect({}, patience);
  }

  /**
   * Waits for silence.
   * @param within Milliseconds in which nothing must be seen.
   * @throws {ExpectationError} As soon as a PDU comes, which is in the error, or the connection ends.
   */
  async nothing(within: number, signal?: AbortSignal): Promise<void> {
    const seen = await this.observe({ within, signal });
    if (seen.saw !== 'silence') throw new ExpectationError(`Cannot see ${within} ms of silence`, seen);
  }

  /**
   * How the connection ends. PDUs that come before wait until they are asked for.
   * @throws {ExpectationError} When it does not end in time.
   */
  async ended(patience: Patience = {}): Promise<ConnectionEnd> {
    const end = await this.#until(() => this.#end, patience);
    if (end !== undefined) return end;
    throw new ExpectationError('Cannot see the end of the connection', this.#silence(patience), this.unread);
  }

  /**
   * What a speaker of one role does with a PDU as soon as it is there. @returns True when nobody else needs to see it.
   */
  protected heard(_pdu: WirePdu): boolean {
    return false;
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#signal ?? {};
    this.#ended('own', reason instanceof Error ? reason : new Error(String(reason)));
    this.#socket.destroy();
  };

  #seen(wanted: (pdu: WirePdu) => boolean): Observation | undefined {
    const pdu = this.#inbox.take(wanted);
    if (pdu !== undefined) return { saw: 'pdu', pdu };
    return this.#end === undefined ? undefined : { saw: 'end', end: this.#end };
  }

  #silence({ within = this.patience }: Patience): Observation {
    return { saw: 'silence', milliseconds: within };
  }

  #until<T>(attempt: () => T | undefined, { within = this.patience, signal }: Patience): Promise<T | undefined> {
    return this.#watchers.until(attempt, within, signal);
  }

  #receive(bytes: Uint8Array): void {
    this.#onBytes?.('received', bytes);
    try {
      this.#deframer.push(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#ended('unreadable', error);
    }
  }

  #arrived(pdu: WirePdu): void {
    this.#onArrival?.(pdu);
    if (this.heard(pdu)) return;
    this.#inbox.put(pdu);
    this.#watchers.wake();
  }

  #ended(how: ConnectionEnd['how'], error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { how, at: now(), cutOff: this.#deframer.pending, error };
    this.#watchers.wake();
  }
}

const NOTHING = new Uint8Array(0);
