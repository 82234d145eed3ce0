import type { IscsiError } from '../errors.ts';
import type { InitiatorConnection } from './connection.ts';
import { Exchange, type ExchangeAnswer, type ExchangeKind, type ExchangeRequest } from './exchange.ts';
import { Queue } from './queue.ts';
import { tooManyRequests, unsentInTime } from './session-errors.ts';

/** What exchanges need of their session. */
export interface ExchangeOwner {
  /** The connection that a request goes out on. */
  readonly connection: InitiatorConnection | undefined;
  /** Why no request can be sent now, if there is a reason. */
  refusal(): IscsiError | undefined;
  /** Whether no tag is left. */
  readonly full: boolean;
  /** Gives the exchange a tag, and it counts as something under way. */
  add(exchange: Exchange): void;
  /** The opposite of `add`. */
  remove(exchange: Exchange): void;
  /** One has ended: somebody may have waited for the last. */
  ended(): void;
  /** Notes a moment at which the session has to look. */
  expect(deadline: number): void;
}

/**
 * How many requests of a kind may be under way at once; the rest waits in one queue. One text at a time (RFC 7143
 * §11.10), and one task management function: a target need not take more immediate ones than that (RFC 7143 §4.2.2.1).
 */
const AT_ONCE: Readonly<Record<ExchangeKind, number>> = {
  nop: Number.POSITIVE_INFINITY,
  text: 1,
  taskManagement: 1,
  logout: 1,
};

/** The requests of a session that are no SCSI commands: whose turn it is, and what comes of them. */
export class Exchanges {
  readonly #owner: ExchangeOwner;
  readonly #waiting: Readonly<Record<ExchangeKind, Queue<Exchange>>> = {
    nop: new Queue(),
    text: new Queue(),
    taskManagement: new Queue(),
    logout: new Queue(),
  };
  readonly #underWay: Record<ExchangeKind, number> = { nop: 0, text: 0, taskManagement: 0, logout: 0 };

  constructor(owner: ExchangeOwner) {
    this.#owner = owner;
  }

  /** Whether a request of this kind is under way. */
  isUnderWay(kind: ExchangeKind): boolean {
    return this.#underWay[kind] > 0;
  }

  /** Sends a request as soon as it is its turn. One that cannot be sent is settled before this returns. */
  open(request: ExchangeRequest): Exchange {
    const exchange = new Exchange(request);
    const refusal = this.#owner.refusal() ?? (this.#owner.full ? tooManyRequests() : undefined);
    if (refusal !== undefined) {
      exchange.phase = 'settled';
      exchange.settle(refusal, {});
      return exchange;
    }
    this.#owner.add(exchange);
    this.#owner.expect(exchange.deadline);
    this.#waiting[exchange.kind].push(exchange);
    this.#sendNext(exchange.kind);
    return exchange;
  }

  /**
   * Ends an exchange with its answer, or with `error`. Its successor goes out first: nothing that a caller does now
   * overtakes it.
   */
  settle(exchange: Exchange, error: IscsiError | undefined, answer: ExchangeAnswer = {}): void {
    const { phase, kind } = exchange;
    if (phase === 'settled') return;
    exchange.phase = 'settled';
    if (phase === 'queued') this.#waiting[kind].remove(exchange);
    else this.#underWay[kind]--;
    this.#owner.remove(exchange);
    this.#sendNext(kind);
    if (error === undefined) exchange.answered(answer);
    if (phase !== 'abandoned') exchange.settle(error, answer);
    this.#owner.ended();
  }

  /**
   * The caller gives up: it is told `reason` at once. A request that was not sent is withdrawn; the answer to one that
   * was is still waited for, by its deadline, and then dropped.
   */
  withdraw(exchange: Exchange, reason: IscsiError): void {
    if (exchange.phase === 'queued') this.settle(exchange, reason);
    else if (exchange.phase === 'sent') {
      exchange.phase = 'abandoned';
      exchange.settle(reason, {});
    }
  }

  /**
   * Looks at the deadline of an exchange.
   * @returns False when it is over and the target has not answered. One that was never sent is settled: the target is
   *   not to blame.
   */
  inTime(exchange: Exchange, now: number): boolean {
    if (now < exchange.deadline) return true;
    if (exchange.phase !== 'queued') return false;
    this.settle(exchange, unsentInTime());
    return true;
  }

  #sendNext(kind: ExchangeKind): void {
    while (this.#underWay[kind] < AT_ONCE[kind]) {
      const { connection } = this.#owner;
      if (connection === undefined || this.#owner.refusal() !== undefined) return;
      const exchange = this.#waiting[kind].shift();
      if (exchange === undefined) return;
      if (!exchange.isWanted()) {
        exchange.phase = 'settled';
        this.#owner.remove(exchange);
        continue;
      }
      exchange.phase = 'sent';
      exchange.connection = connection;
      this.#underWay[kind]++;
      exchange.send(connection, exchange);
    }
  }
}
