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

/**
 * How an initiator numbers what it sends (RFC 7143 §4.2.2). All fields may be set, right or wrong: what is sent next
 * goes on from there.
 *
 * @example
 * const numbers = new InitiatorNumbers(0xffff_ffff);
 * numbers.useCmdSN(true); // 0xffff_ffff
 * numbers.useCmdSN(false); // 0xffff_ffff
 * numbers.useCmdSN(false); // 0
 */
export class InitiatorNumbers {
  /** The CmdSN of the next command. */
  cmdSN: number;
  /** The next StatSN that is expected: all before it is acknowledged. */
  expStatSN = 0;
  /** The next Initiator Task Tag. */
  initiatorTaskTag = 1;
  /** The command window, as the target reported it last. */
  expCmdSN = 0;
  maxCmdSN = 0;
  #heard = false;

  constructor(cmdSN = 1) {
    this.cmdSN = cmdSN;
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
    const view = viewOfHeader(pdu);
    const first = !this.#heard;
    this.#heard = true;
    if (usesStatSN(pdu) && (first || !serialLess(statSN(view, 0), this.expStatSN))) {
      this.expStatSN = serialAdd(statSN(view, 0), 1);
    }
    const [exp, max] = [expCmdSN(view, 0), maxCmdSN(view, 0)];
    if (serialLess(max, serialAdd(exp, -1))) return; // such a window must be ignored (§4.2.2.1)
    if (first || serialLess(this.expCmdSN, exp)) this.expCmdSN = exp;
    if (first || serialLess(this.maxCmdSN, max)) this.maxCmdSN = max;
  }
}

/** Whether a PDU of a target uses up a StatSN. */
export function usesStatSN(pdu: WirePdu): boolean {
  if (pdu.is('DATA_IN')) return pdu.read('DATA_IN').hasStatus;
  if (pdu.is('NOP_IN')) return pdu.initiatorTaskTag !== RESERVED_TAG;
  return WITH_STATUS.some((key) => pdu.is(key));
}

function viewOfHeader({ header }: WirePdu): DataView {
  return new DataView(header.buffer, header.byteOffset, header.byteLength);
}
