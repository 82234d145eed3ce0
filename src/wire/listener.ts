import { createServer, type Server, type Socket } from 'node:net';
import { IscsiError } from '../errors.ts';
import type { WireAddress } from './connect-socket.ts';
import type { Patience } from './expectation.ts';
import { WireTarget, type WireTargetOptions } from './target.ts';
import { DEFAULT_PATIENCE, Watchers } from './watchers.ts';

/** The most connections that wait to be accepted; further ones are cut off. */
const MOST_WAITING = 64;

/** How to listen, and how each connection begins. */
export interface WireListenerOptions extends WireTargetOptions {
  /** `127.0.0.1` when left out. */
  readonly host?: string;
  /** 0, which is any free one, when left out. */
  readonly port?: number;
}

/**
 * Waits for initiators, and gives a {@link WireTarget} for each connection that one makes. What comes on a connection
 * is kept from its first byte on.
 *
 * @example
 * await using listener = await WireListener.open();
 * await using initiator = await WireInitiator.connect(listener.address);
 * await using target = await listener.accept({ within: 1_000 });
 * initiator.sendBytes(Uint8Array.of(0x00, 0x80));
 * initiator.finish();
 * (await target.ended()).cutOff; // 2
 */
export class WireListener {
  readonly #server: Server;
  readonly #options: WireTargetOptions;
  readonly #watchers = new Watchers();
  readonly #waiting: WireTarget[] = [];
  readonly #all = new Set<WireTarget>();

  private constructor(server: Server, options: WireTargetOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (socket) => this.#came(socket));
  }

  /**
   * Begins to listen.
   * @throws The error of the operating system, such as `EADDRINUSE`, with its `code`.
   */
  static async open(options: WireListenerOptions = {}): Promise<WireListener> {
    const { host = '127.0.0.1', port = 0, ...rest } = options;
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const listener = new WireListener(server, rest);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', () => undefined); // accepting may fail for want of file descriptors
        resolve();
      });
    });
    return listener;
  }

  /**
   * Where it listens, as bound.
   * @throws {IscsiError} `ISCSI_CLOSED` when it does no more.
   */
  get address(): WireAddress {
    const bound = this.#server.address();
    if (typeof bound === 'object' && bound !== null) return { host: bound.address, port: bound.port };
    throw new IscsiError('ISCSI_CLOSED', 'Cannot tell the address of a listener that is closed');
  }

  /**
   * The next connection, of those that have come or are to come.
   * @throws {IscsiError} `ISCSI_TIMEOUT` when none comes, `ISCSI_ABORTED`.
   */
  async accept({ within = this.#options.patience ?? DEFAULT_PATIENCE, signal }: Patience = {}): Promise<WireTarget> {
    const target = await this.#watchers.until(() => this.#waiting.shift(), within, signal);
    if (target !== undefined) return target;
    throw new IscsiError('ISCSI_TIMEOUT', `Cannot accept a connection: none came within ${within} ms`);
  }

  /** Listens no more, and closes all connections that it has given. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#all].map((target) => target.close()));
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #came(socket: Socket): void {
    if (this.#waiting.length >= MOST_WAITING) {
      socket.destroy();
      return;
    }
    const target = new WireTarget(socket, this.#options);
    this.#all.add(target);
    socket.on('close', () => this.#all.delete(target));
    this.#waiting.push(target);
    this.#watchers.wake();
  }
}
