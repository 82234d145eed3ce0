import { viewOf } from '../bytes/hex.ts';
import { serialAdd, serialLess } from '../bytes/serial.ts';
import { expCmdSN, maxCmdSN, statSN } from '../pdu/numbers.ts';
import type { OpcodeKey } from '../spec/iscsi-opcodes.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { WirePdu } from './wire-pdu.ts';

/**
 * PDUs of a target whose StatSN counts always; Data-In and NOP-In have their conditions (RFC 7143 §11.7.3, §11.19.2).
 */
const WITH_STATUS: readonly OpcodeKey[] = [
  'SCSI_RESPONSE',
  'TASK_MANAGEMENT_RESPONSE',
  'LOGIN_RESPONSE',
  'TEXT_RESPONSE',
  'LOGOUT_RESPONSE',
  'ASYNC_MESSAGE',
  'REJECT',
];

/** What all connections of a session count together (RFC 7143 §4.2.2.1). */
interface SessionCount {
  cmdSN: number;
  initiatorTaskTag: number;
  expCmdSN: number;
  maxCmdSN: number;
  /** Whether the target has told its window yet. */
  told: boolean;
}

/**
 * How an initiator numbers what it sends (RFC 7143 §4.2.2). All fields may be set, right or wrong: what is sent next
 * goes on from there.
 *
 * @example
 * const numbers = new InitiatorNumbers();
 * numbers.cmdSN = 0xffff_ffff;
 * numbers.useCmdSN(true); // 0xffff_ffff
 * numbers.useCmdSN(false); // 0xffff_ffff
 * numbers.useCmdSN(false); // 0
 * new InitiatorNumbers(numbers).useCmdSN(false); // 1
 */
export class InitiatorNumbers {
  /** The next StatSN that is expected: all before it is acknowledged. Each connection counts for itself. */
  expStatSN = 0;
  readonly #session: SessionCount;
  #heard = false;

  /** @param joined The numbers of another connection of the same session, to go on counting commands and tags with. */
  constructor(joined?: InitiatorNumbers) {
    const alone = { cmdSN: 1, initiatorTaskTag: 1, expCmdSN: 0, maxCmdSN: 0, told: false };
    this.#session = joined === undefined ? alone : joined.#session;
  }

  /** The CmdSN of the next command. */
  get cmdSN(): number {
    return this.#session.cmdSN;
  }
  set cmdSN(number: number) {
    this.#session.cmdSN = number;
  }

  /** The next Initiator Task Tag. */
  get initiatorTaskTag(): number {
    return this.#session.initiatorTaskTag;
  }
  set initiatorTaskTag(tag: number) {
    this.#session.initiatorTaskTag = tag;
  }

  /** The command window, as the target reported it last: the CmdSN that it expects next. */
  get expCmdSN(): number {
    return this.#session.expCmdSN;
  }

  /** The command window, as the target reported it last: the last CmdSN that it allows. */
  get maxCmdSN(): number {
    return this.#session.maxCmdSN;
  }

  /** The CmdSN for a PDU; used up unless that is immediate (§4.2.2.1). */
  useCmdSN(immediate: boolean): number {
    const number = this.cmdSN;
    if (!immediate) this.cmdSN = serialAdd(number, 1);
    return number;
  }

  /** A tag that is not used by a recent task. */
  useTag(): number {
    const tag = this.initiatorTaskTag;
    this.initiatorTaskTag = serialAdd(tag, 1);
    return tag === RESERVED_TAG ? this.useTag() : tag;
  }

  /**
   * Takes note of the numbers of what came. A StatSN that is ahead is followed, as there is nothing to recover from a
   * connection that is only watched; whether it was the right one is for the caller to see.
   */
  hear(pdu: WirePdu): void {
    if (pdu.opcode < 0x20 || pdu.headerDigest === 'wrong') return;
    const view = viewOf(pdu.header);
    const first = !this.#heard;
    this.#heard = true;
    if (usesStatSN(pdu) && (first || !serialLess(statSN(view, 0), this.expStatSN))) {
      this.expStatSN = serialAdd(statSN(view, 0), 1);
    }
    this.#hearWindow(expCmdSN(view, 0), maxCmdSN(view, 0));
  }

  #hearWindow(expCmdSN: number, maxCmdSN: number): void {
    const session = this.#session;
    if (serialLess(maxCmdSN, serialAdd(expCmdSN, -1))) return; // such a window must be ignored (§4.2.2.1)
    const first = !session.told;
    session.told = true;
    if (first || serialLess(session.expCmdSN, expCmdSN)) session.expCmdSN = expCmdSN;
    if (first || serialLess(session.maxCmdSN, maxCmdSN)) session.maxCmdSN = maxCmdSN;
  }
}

/** Whether a PDU of a target uses up a StatSN. */
export function usesStatSN(pdu: WirePdu): boolean {
  if (pdu.is('DATA_IN')) return pdu.read('DATA_IN').hasStatus;
  if (pdu.is('NOP_IN')) return pdu.initiatorTaskTag !== RESERVED_TAG;
  return WITH_STATUS.some((key) => pdu.is(key));
}
