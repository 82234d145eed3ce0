import { fromUtf8 } from '../bytes/text.ts';
import { BHS_LENGTH, dataSegmentLength, opcode, totalAhsLength } from '../pdu/bhs.ts';
import { readLoginResponse } from '../pdu/login-response.ts';
import { TEXT_LIMIT, TextAssembler } from '../pdu/text.ts';
import { OPCODES } from '../spec/iscsi-opcodes.ts';

const CONTINUE = 0x40;
const FULL_FEATURE = 3;

/**
 * Listens to a login from outside, whoever speaks and however wrong, and knows which digests hold from its end on (RFC
 * 7143 §13.1): what the last word on each key was, since an answer comes after its offer and names one value.
 *
 * @example
 * const watch = new LoginWatch();
 * watch.headerDigest; // false
 */
export class LoginWatch {
  /** Whether headers carry a CRC32C once the login is over. */
  headerDigest = false;
  /** Whether data segments do. */
  dataDigest = false;
  /** Whether the full feature phase has begun. */
  over = false;
  /** Whether a target has ended the login with a status other than success. */
  refused = false;

  readonly #texts = { initiator: new TextAssembler(), target: new TextAssembler() };

  /** Takes one whole Login PDU, header first; what comes after the login is passed over. */
  take(view: DataView): void {
    if (this.over || view.byteLength < BHS_LENGTH) return;
    const code = opcode(view, 0);
    if (code !== OPCODES.LOGIN_REQUEST && code !== OPCODES.LOGIN_RESPONSE) return;
    const from = BHS_LENGTH + totalAhsLength(view, 0);
    const to = Math.min(view.byteLength, from + dataSegmentLength(view, 0));
    const text = this.#texts[code === OPCODES.LOGIN_REQUEST ? 'initiator' : 'target'];
    if (to > from && text.length + (to - from) <= TEXT_LIMIT) {
      text.add(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), from, to);
    }
    if ((view.getUint8(1) & CONTINUE) === 0) this.#note(fromUtf8(text.takeBytes()));
    if (code === OPCODES.LOGIN_RESPONSE) this.#noteStatus(view);
  }

  #note(text: string): void {
    for (const item of text.split('\0')) {
      const on = item.endsWith('=CRC32C');
      if (item.startsWith('HeaderDigest=')) this.headerDigest = on;
      if (item.startsWith('DataDigest=')) this.dataDigest = on;
    }
  }

  #noteStatus(view: DataView): void {
    const { statusClass, transit, nextStage } = readLoginResponse(view, 0);
    if (statusClass !== 0) this.refused = statusClass !== 1;
    else if (transit && nextStage === FULL_FEATURE) this.over = true;
  }
}
