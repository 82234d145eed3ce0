import { serialAdd, serialLess, serialLessOrEqual } from '../bytes/serial.ts';

/** Where a CmdSN stands. */
export const POSITION = { NEXT: 0, EARLY: 1, OUTSIDE: 2 } as const;

/** One of {@link POSITION}. */
export type Position = (typeof POSITION)[keyof typeof POSITION];

interface Waiter {
  readonly cmdSN: number;
  readonly then: () => void;
}

/**
 * The command numbering of one session, target side (RFC 7143 §4.2.2.1): puts non-immediate requests into CmdSN order
 * and says how many more may come.
 *
 * MaxCmdSN rises by one with each request that has ended, when ExpCmdSN has reached it, and by nothing else. So at most
 * `size` requests are outstanding, whatever is aborted before its turn, and the window never shrinks.
 */
export class CommandWindow {
  /** The CmdSN that comes next; everything before it was received. */
  expCmdSN: number;
  /** The last CmdSN that may be sent. */
  maxCmdSN: number;

  readonly #early = new Map<number, () => void>();
  /** Numbers after ExpCmdSN that will never come. */
  readonly #plugged = new Set<number>();
  #waiters: Waiter[] = [];

  /** @param first The CmdSN of the leading login: that of the first non-immediate request. */
  constructor(first: number, size: number) {
    this.expCmdSN = first;
    this.maxCmdSN = serialAdd(first, size - 1);
  }

  /**
   * Whether `cmdSN` is the one that comes next, comes too early, or is outside the window: then it is dropped silently,
   * as a duplicate is.
   */
  position(cmdSN: number): Position {
    if (cmdSN === this.expCmdSN) return serialLessOrEqual(cmdSN, this.maxCmdSN) ? POSITION.NEXT : POSITION.OUTSIDE;
    if (serialLess(cmdSN, this.expCmdSN) || serialLess(this.maxCmdSN, cmdSN)) return POSITION.OUTSIDE;
    return this.#early.has(cmdSN) || this.#plugged.has(cmdSN) ? POSITION.OUTSIDE : POSITION.EARLY;
  }

  /** Keeps a request that came early; `deliver` runs when all before it were received. */
  hold(cmdSN: number, deliver: () => void): void {
    this.#early.set(cmdSN, deliver);
  }

  /** Says that the request with CmdSN ExpCmdSN was received. Call `deliverEarly()` after it was delivered. */
  advance(): void {
    this.expCmdSN = serialAdd(this.expCmdSN, 1);
    while (this.#plugged.size > 0 && this.#plugged.delete(this.expCmdSN)) {
      this.expCmdSN = serialAdd(this.expCmdSN, 1);
      this.complete();
    }
  }

  /** Delivers, in order, what has come early and is due now. */
  deliverEarly(): void {
    while (this.#early.size > 0) {
      const deliver = this.#early.get(this.expCmdSN);
      if (deliver === undefined) break;
      this.#early.delete(this.expCmdSN);
      this.advance();
      deliver();
    }
    if (this.#waiters.length > 0) this.#wake();
  }

  /** Says that a request has ended: one more may come. */
  complete(): void {
    this.maxCmdSN = serialAdd(this.maxCmdSN, 1);
  }

  /**
   * Treats a CmdSN of the window that never came, or is held, as received and ended (RFC 7143 §11.6.1 b). It must not
   * be before ExpCmdSN or after MaxCmdSN.
   */
  plug(cmdSN: number): void {
    if (cmdSN === this.expCmdSN) {
      this.complete();
      this.advance();
      this.deliverEarly();
    } else {
      this.#early.delete(cmdSN);
      this.#plugged.add(cmdSN);
    }
  }

  /** The same for all that have not come of those before `cmdSN`. What is held between them is delivered. */
  plugBefore(cmdSN: number): void {
    const last = this.maxCmdSN; // it rises meanwhile
    while (serialLess(this.expCmdSN, cmdSN) && serialLessOrEqual(this.expCmdSN, last)) this.plug(this.expCmdSN);
  }

  /** Runs `then` when every request before `cmdSN` was received: at once, or later. */
  whenReceived(cmdSN: number, then: () => void): void {
    if (serialLessOrEqual(cmdSN, this.expCmdSN)) then();
    else this.#waiters.push({ cmdSN, then });
  }

  /** Forgets what is held and who waits: the session ends. */
  clear(): void {
    this.#early.clear();
    this.#plugged.clear();
    this.#waiters = [];
  }

  #wake(): void {
    const due: Waiter[] = [];
    const others: Waiter[] = [];
    for (const waiter of this.#waiters) (serialLessOrEqual(waiter.cmdSN, this.expCmdSN) ? due : others).push(waiter);
    if (due.length === 0) return;
    this.#waiters = others;
    for (const { then } of due) then();
  }
}
