import { dataSegmentLength, initiatorTaskTag } from '../pdu/bhs.ts';
import { checkNopOut } from '../pdu/nop-out.ts';
import { targetTransferTag } from '../pdu/numbers.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import type { CommandWindow } from './command-window.ts';
import { Gather } from './gather.ts';
import { HeldData } from './held-data.ts';
import { takeInOrder } from './in-order.ts';
import type { KeepAlive } from './keep-alive.ts';
import { sendPingAnswer } from './nop-in.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';

/**
 * NOP-Out: a ping is answered in its turn; an answer to our ping has served its purpose by coming (RFC 7143 §11.18).
 */
export class NopOutHandler extends FullFeatureHandler {
  readonly #window: CommandWindow;
  readonly #keepAlive: KeepAlive;
  readonly #gather: Gather;
  readonly #held: HeldData;
  #echoes = false;

  constructor(sender: Sender, window: CommandWindow, keepAlive: KeepAlive) {
    super(sender);
    this.#window = window;
    this.#keepAlive = keepAlive;
    this.#gather = new Gather(sender.share);
    this.#held = new HeldData(sender.share);
  }

  override begin(view: DataView, at: number): void {
    checkNopOut(view, at);
    this.#echoes = initiatorTaskTag(view, at) !== RESERVED_TAG && dataSegmentLength(view, at) > 0;
  }

  override take(bytes: Uint8Array, from: number, to: number): void {
    if (this.#echoes) this.#gather.take(bytes, from, to);
  }

  end(view: DataView, at: number): void {
    const data = this.#gather.release();
    const tag = initiatorTaskTag(view, at);
    if (tag !== RESERVED_TAG) {
      takeInOrder(this.#window, view, at, () => sendPingAnswer(this.sender, tag, data), this.#held, data.length);
      return;
    }
    const answered = targetTransferTag(view, at);
    if (answered === RESERVED_TAG || this.#keepAlive.answered(answered)) return;
    sendReject(this.sender, REJECT_REASONS.INVALID_PDU_FIELD, view, at);
  }

  override discard(view: DataView, at: number): void {
    super.discard(view, at);
    this.#gather.release();
  }

  override close(): void {
    this.#gather.close();
    this.#held.close();
  }
}
