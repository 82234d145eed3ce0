import { serialAdd } from '../bytes/serial.ts';
import { type OpcodeKey, RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { WirePdu } from './wire-pdu.ts';

/** PDUs of an initiator that use up a CmdSN unless they are immediate. */
const NUMBERED: readonly OpcodeKey[] = [
  'NOP_OUT',
  'SCSI_COMMAND',
  'TASK_MANAGEMENT_REQUEST',
  'TEXT_REQUEST',
  'LOGOUT_REQUEST',
];

/**
 * How a target numbers what it sends (RFC 7143 §4.2.2). All fields may be set, right or wrong: what is sent next goes
 * on from there.
 *
 * @example
 * const numbers = new TargetNumbers({ statSN: 5, window: 4 });
 * numbers.expCmdSN = 10;
 * numbers.maxCmdSN; // 13
 * numbers.useStatSN(); // 5
 * numbers.statSN; // 6
 */
export class TargetNumbers {
  /** The StatSN of the next status. */
  statSN: number;
  /** The next CmdSN that is expected. */
  expCmdSN = 0;
  /** How many commands are allowed from `expCmdSN` on; 0 closes the window. */
  window: number;
  /** The next Target Transfer Tag. */
  targetTransferTag = 1;

  constructor({ statSN = 1, window = 32 }: { readonly statSN?: number; readonly window?: number } = {}) {
    this.statSN = statSN;
    this.window = window;
  }

  /** The last CmdSN that is allowed. */
  get maxCmdSN(): number {
    return serialAdd(this.expCmdSN, this.window - 1);
  }

  /** The StatSN for a status; it is used up. */
  useStatSN(): number {
    const number = this.statSN;
    this.statSN = serialAdd(number, 1);
    return number;
  }

  /** A tag that is not used by a recent transfer. */
  useTag(): number {
    const tag = this.targetTransferTag;
    this.targetTransferTag = serialAdd(tag, 1);
    return tag === RESERVED_TAG ? this.useTag() : tag;
  }

  /**
   * Takes note of the CmdSN of what came: of the next command, or of a login, whose number the first command will have
   * again (§11.12).
   */
  hear(pdu: WirePdu): void {
    if (pdu.headerDigest === 'wrong') return;
    const cmdSN = pdu.word(24);
    if (pdu.is('LOGIN_REQUEST')) this.expCmdSN = cmdSN;
    else if (!pdu.immediate && cmdSN === this.expCmdSN && NUMBERED.some((key) => pdu.is(key))) {
      this.expCmdSN = serialAdd(cmdSN, 1);
    }
  }
}
