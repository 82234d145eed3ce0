import { IscsiError, ProtocolError } from '../errors.ts';
import { BHS_LENGTH } from '../pdu/bhs.ts';
import { formatText, TextAssembler } from '../pdu/text.ts';
import { checkTextRequest, readTextRequest, type TextRequest } from '../pdu/text-request.ts';
import { writeTextResponse } from '../pdu/text-response.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import type { CommandWindow } from './command-window.ts';
import { Gather } from './gather.ts';
import { HeldData } from './held-data.ts';
import { takeInOrder } from './in-order.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';
import { answerText, type NegotiationState, type TextAsker } from './text-answers.ts';

/** One text exchange, from the first request to the final response (RFC 7143 §11.10, §11.11). */
interface TextExchange extends NegotiationState {
  readonly initiatorTaskTag: number;
  /** What the initiator has said since its last request with C=0. */
  readonly assembler: TextAssembler;
  /** What is still to be sent. */
  unsent: Uint8Array;
  /** The tag that the next request must carry. */
  targetTransferTag: number;
}

/** What text exchanges need of their connection. */
export interface TextOptions {
  readonly window: CommandWindow;
  readonly asker: TextAsker;
  /** Bytes of text in one negotiation, over all its PDUs. */
  readonly textLength: number;
}

const NOTHING = new Uint8Array(0);

/** Text Request: SendTargets, and negotiation after the login. There is one exchange at a time. */
export class TextHandler extends FullFeatureHandler {
  readonly #options: TextOptions;
  readonly #gather: Gather;
  readonly #held: HeldData;
  #exchange: TextExchange | undefined = undefined;

  constructor(sender: Sender, options: TextOptions) {
    super(sender);
    this.#options = options;
    this.#gather = new Gather(sender.share);
    this.#held = new HeldData(sender.share);
  }

  override begin(view: DataView, at: number): void {
    checkTextRequest(view, at);
  }

  override take(bytes: Uint8Array, from: number, to: number): void {
    this.#gather.take(bytes, from, to);
  }

  end(view: DataView, at: number): void {
    const request = readTextRequest(view, at);
    const data = this.#gather.release();
    const start = view.byteOffset + at;
    const header = new DataView(view.buffer.slice(start, start + BHS_LENGTH));
    takeInOrder(this.#options.window, view, at, () => this.#run(request, data, header), this.#held, data.length);
  }

  /** A damaged request is as if it had not come; what was collected so far stays. */
  override discard(view: DataView, at: number): void {
    super.discard(view, at);
    this.#gather.release();
  }

  override close(): void {
    this.#gather.close();
    this.#held.close();
    this.#exchange = undefined;
  }

  #run(request: TextRequest, data: Uint8Array, header: DataView): void {
    const { targetTransferTag } = request;
    if (targetTransferTag === RESERVED_TAG) this.#exchange = this.#begin(request); // also restarts (RFC 7143 §11.10.4)
    const exchange = this.#exchange;
    const isNext = targetTransferTag === RESERVED_TAG || targetTransferTag === exchange?.targetTransferTag;
    if (exchange === undefined || !isNext || exchange.initiatorTaskTag !== request.initiatorTaskTag) {
      sendReject(this.sender, REJECT_REASONS.INVALID_PDU_FIELD, header, 0);
      return;
    }
    try {
      exchange.assembler.add(data);
      if (!request.continues) this.#answer(exchange);
      this.#respond(exchange, request);
    } catch (error) {
      // Nothing of a negotiation that fails comes into force (RFC 7143 §6.2, §7.12).
      if (!(error instanceof IscsiError)) throw error;
      this.#exchange = undefined;
      sendReject(this.sender, REJECT_REASONS.PROTOCOL_ERROR, header, 0);
    }
  }

  #begin(request: TextRequest): TextExchange {
    return {
      initiatorTaskTag: request.initiatorTaskTag,
      assembler: new TextAssembler(this.#options.textLength),
      seen: new Set(),
      unsent: NOTHING,
      targetTransferTag: RESERVED_TAG,
      declaredLength: undefined,
    };
  }

  #answer(exchange: TextExchange): void {
    const pairs = exchange.assembler.take();
    if (exchange.unsent.length === 0) {
      exchange.unsent = formatText(answerText(this.#options.asker, exchange, pairs));
    } else if (pairs.length > 0) {
      throw new ProtocolError('Cannot take text before the own text is complete', { clause: '6.2' });
    }
  }

  /**
   * Sends the next piece of what is to be said. F=1 only in answer to F=1; no tag exactly when F=1 (RFC 7143 §11.11.1,
   * §11.11.4).
   */
  #respond(exchange: TextExchange, request: TextRequest): void {
    const { sender } = this;
    const length = request.continues ? 0 : Math.min(exchange.unsent.length, sender.maxDataSegmentLength);
    const piece = exchange.unsent.subarray(0, length);
    exchange.unsent = exchange.unsent.subarray(length);
    const more = !request.continues && exchange.unsent.length > 0;
    const final = request.final && !more;
    exchange.targetTransferTag = final ? RESERVED_TAG : sender.nextTransferTag();
    sender.outbox.pdu(writeTextResponse, {
      final,
      continues: more,
      dataSegmentLength: length,
      lunHigh: 0,
      lunLow: 0,
      initiatorTaskTag: exchange.initiatorTaskTag,
      targetTransferTag: exchange.targetTransferTag,
      statSN: sender.nextStatSN(),
      expCmdSN: sender.expCmdSN,
      maxCmdSN: sender.maxCmdSN,
    });
    sender.outbox.data(piece, 0, length);
    if (final) {
      sender.maxDataSegmentLength = exchange.declaredLength ?? sender.maxDataSegmentLength;
      this.#exchange = undefined;
    }
    sender.wake();
  }
}
