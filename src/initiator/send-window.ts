import { serialAdd, serialLess, serialLessOrEqual } from '../bytes/serial.ts';

/**
 * The session's command numbering (RFC 7143 §4.2.2.1): which CmdSN comes next and how far the target lets us go. A
 * number is given when a command is written, never earlier, so that a command withdrawn from the queue leaves no hole.
 */
export class SendWindow {
  #cmdSN: number;
  #expCmdSN: number;
  #maxCmdSN: number;

  /** @param firstCmdSN The CmdSN that the leading login carries. The window is closed until the login has ended. */
  constructor(firstCmdSN: number) {
    this.#cmdSN = firstCmdSN >>> 0;
    this.#expCmdSN = this.#cmdSN;
    this.#maxCmdSN = serialAdd(this.#cmdSN, -1);
  }

  /** The CmdSN of the next non-immediate request; immediate requests carry it without using it up. */
  get next(): number {
    return this.#cmdSN;
  }

  /** The last ExpCmdSN that the target reported. */
  get expCmdSN(): number {
    return this.#expCmdSN;
  }

  /** The last MaxCmdSN that the target reported. */
  get maxCmdSN(): number {
    return this.#maxCmdSN;
  }

  /** Whether a non-immediate request may be sent now. */
  get open(): boolean {
    return serialLessOrEqual(this.#cmdSN, this.#maxCmdSN);
  }

  /** Uses up one CmdSN and returns it. */
  take(): number {
    const taken = this.#cmdSN;
    this.#cmdSN = serialAdd(taken, 1);
    return taken;
  }

  /** Takes ExpCmdSN and MaxCmdSN of the PDU that ended the login as they are. */
  start(expCmdSN: number, maxCmdSN: number): void {
    this.#expCmdSN = expCmdSN;
    this.#maxCmdSN = maxCmdSN;
  }

  /** Takes ExpCmdSN and MaxCmdSN of a PDU: both ignored when they contradict each other, each taken only forwards. */
  update(expCmdSN: number, maxCmdSN: number): void {
    if (serialLess(maxCmdSN, serialAdd(expCmdSN, -1))) return;
    if (serialLess(this.#expCmdSN, expCmdSN)) this.#expCmdSN = expCmdSN;
    if (serialLess(this.#maxCmdSN, maxCmdSN)) this.#maxCmdSN = maxCmdSN;
  }
}
