import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { IscsiError } from '../errors.ts';
import type { PortalAddress } from '../target/portal-address.ts';
import type { TargetNode } from '../target/target-node.ts';
import { DEFAULT_BUSY_POLL } from './busy-poll.ts';
import type { CaptureFile } from './capture-file.ts';
import { now } from './clock.ts';
import { payloadCrc32c } from './crc32c.ts';
import { Driver } from './driver.ts';

/** How connections are served. */
export interface ListenerOptions {
  /** Microseconds; see `BusyPoll`. Default {@link DEFAULT_BUSY_POLL}. */
  readonly busyPoll?: number;
  /**
   * For trials with faults: puts a stream between each socket and its driver, which may delay, cut or change what goes
   * through it. The stream must pass on bytes, end, errors and `destroy()` in both directions. Default: nothing stands
   * between them.
   */
  readonly wrap?: (socket: Socket) => Duplex;
  /** A file to which all that goes over the connections is written. */
  readonly capture?: CaptureFile;
}

/** Accepts connections for a node and gives each its driver. */
export class Listener {
  readonly #server: Server;
  readonly #node: TargetNode;
  readonly #drivers = new Map<Driver, Promise<void>>();
  readonly #busyPoll: number;
  readonly #wrap: ((socket: Socket) => Duplex) | undefined;
  readonly #capture: CaptureFile | undefined;

  private constructor(server: Server, node: TargetNode, options: ListenerOptions) {
    const { busyPoll = DEFAULT_BUSY_POLL, wrap, capture } = options;
    this.#server = server;
    this.#node = node;
    this.#busyPoll = busyPoll;
    this.#wrap = wrap;
    this.#capture = capture;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /**
   * Begins to listen.
   * @param address With port 0 for any free one.
   * @throws The error of the operating system, such as `EADDRINUSE`, with its `code`.
   */
  static async open(node: TargetNode, address: PortalAddress, options: ListenerOptions = {}): Promise<Listener> {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    const listener = new Listener(server, node, options);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port }, () => {
        server.off('error', reject);
        server.on('error', ignore); // accepting may fail for want of file descriptors; those who are in stay in
        resolve();
      });
    });
    return listener;
  }

  /** The address as bound: the port is the real one, the host may be a wildcard. */
  get address(): PortalAddress {
    const bound = this.#server.address();
    if (typeof bound !== 'object' || bound === null) {
      throw new IscsiError('ISCSI_CLOSED', 'Cannot tell the address of a listener that is closed');
    }
    return { host: bound.address, port: bound.port };
  }

  /** Takes no new connection. The ones that are there go on. */
  stop(): void {
    this.#server.close();
  }

  /**
   * Ends when no connection is left. The node must have been closed; peers that do not go are cut off by their drivers.
   */
  async closed(): Promise<void> {
    await Promise.all(this.#drivers.values());
  }

  #accept(socket: Socket): void {
    const { localAddress, localPort } = socket;
    if (localAddress === undefined || localPort === undefined) {
      socket.destroy(); // gone again already
      return;
    }
    const portal = { host: plainHost(localAddress), port: localPort };
    const core = this.#node.accept({
      portal,
      wake: () => driver.wake(),
      destroy: () => driver.destroy(),
      now,
      payloadCrc32c,
    });
    if (core === undefined) {
      socket.destroy();
      return;
    }
    let over: () => void = ignore;
    const closed = new Promise<void>((resolve) => {
      over = resolve;
    });
    const driver: Driver = new Driver(
      core,
      () => {
        this.#drivers.delete(driver);
        over();
      },
      this.#busyPoll,
      this.#capture?.tap(),
    );
    this.#drivers.set(driver, closed);
    driver.attach(this.#wrap === undefined ? socket : asSocket(this.#wrap(socket)));
    driver.wake(); // the login has a deadline from now on
  }
}

/** The address as an initiator can use it: IPv4 that came in through an IPv6 socket is IPv4. */
function plainHost(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * A stream in the place of a socket. What a driver asks of sockets only is not to wait before it sends; the one behind
 * it does not.
 */
function asSocket(stream: Duplex): Socket {
  const socket: Duplex = Object.assign(stream, { setNoDelay: () => stream, connecting: false });
  return socket as Socket;
}

function ignore(): void {
  // Nothing to do.
}
