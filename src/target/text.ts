import { IscsiError, ProtocolError } from '../errors.ts';
import { findKey } from '../login/keys.ts';
import { answer, type NegotiationContext } from '../login/negotiate.ts';
import { formatSendTargets } from '../login/send-targets.ts';
import { formatText, TextAssembler, type TextPair } from '../pdu/text.ts';
import { checkTextRequest, readTextRequest, type TextRequest } from '../pdu/text-request.ts';
import { writeTextResponse } from '../pdu/text-response.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { takeInOrder } from './in-order.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';

/** One text exchange, from the first request to the final response (RFC 7143 §11.10, §11.11). */
export interface TextExchange {
  readonly initiatorTaskTag: number;
  /** What the initiator has said since its last request with C=0. */
  readonly assembler: TextAssembler;
  /** Keys that the exchange has seen: each may come once (RFC 7143 §6.4). */
  readonly seen: Set<string>;
  /** What is still to be sent. */
  unsent: Uint8Array;
  /** The tag that the next request must carry. */
  targetTransferTag: number;
  /** The MaxRecvDataSegmentLength that the initiator has declared; in force when the exchange has ended well. */
  declaredLength: number | undefined;
}

const NOTHING = new Uint8Array(0);
/** The most different keys of one exchange, so that a peer cannot go on with new ones for ever. */
const KEY_LIMIT = 256;

/** A Text Request has begun. */
export function beginText(c: TargetConnection, _s: TargetSession, view: DataView, at: number): void {
  checkTextRequest(view, at);
  c.sink = c.gather;
}

/** A Text Request is complete: it is answered in its turn. */
export function endText(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  const request = readTextRequest(view, at);
  const data = c.gather.release();
  const header = new DataView(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + 48));
  takeInOrder(s, view, at, () => onText(c, s, request, data, header));
}

/** A damaged Text Request is as if it had not come; what was collected so far stays. */
export function discardText(c: TargetConnection): void {
  c.gather.release();
}

function onText(c: TargetConnection, s: TargetSession, request: TextRequest, data: Uint8Array, header: DataView): void {
  if (request.targetTransferTag === RESERVED_TAG) c.text = newExchange(c, request); // also restarts (RFC 7143 §11.10.4)
  const exchange = c.text;
  const isNext =
    request.targetTransferTag === RESERVED_TAG || request.targetTransferTag === exchange?.targetTransferTag;
  if (exchange === undefined || !isNext || exchange.initiatorTaskTag !== request.initiatorTaskTag) {
    c.reject(REJECT_REASONS.INVALID_PDU_FIELD, header, 0);
    return;
  }
  try {
    exchange.assembler.add(data);
    if (request.continues) respond(c, s, exchange, request);
    else answerAll(c, s, exchange, request);
  } catch (error) {
    // Nothing of a negotiation that fails comes into force (RFC 7143 §6.2, §7.12).
    if (!(error instanceof IscsiError)) throw error;
    c.text = undefined;
    c.reject(REJECT_REASONS.PROTOCOL_ERROR, header, 0);
  }
}

function newExchange(c: TargetConnection, request: TextRequest): TextExchange {
  return {
    initiatorTaskTag: request.initiatorTaskTag,
    assembler: new TextAssembler(c.limits.textLength),
    seen: new Set(),
    unsent: NOTHING,
    targetTransferTag: RESERVED_TAG,
    declaredLength: undefined,
  };
}

function answerAll(c: TargetConnection, s: TargetSession, exchange: TextExchange, request: TextRequest): void {
  const pairs = exchange.assembler.take();
  if (exchange.unsent.length > 0) {
    if (pairs.length > 0)
      throw new ProtocolError('Cannot take text before the own text is complete', { clause: '6.2' });
  } else {
    const asksForTargets = pairs.some(([name]) => name === 'SendTargets');
    exchange.unsent = formatText(asksForTargets ? listTargets(c, s, pairs) : negotiate(c, s, exchange, pairs));
  }
  respond(c, s, exchange, request);
}

/** Sends the next piece of what is to be said. F=1 only in answer to F=1; no tag exactly when F=1 (RFC 7143 §11.11.1, §11.11.4). */
function respond(c: TargetConnection, s: TargetSession, exchange: TextExchange, request: TextRequest): void {
  const length = request.continues ? 0 : Math.min(exchange.unsent.length, c.maxSendDataSegmentLength);
  const piece = exchange.unsent.subarray(0, length);
  exchange.unsent = exchange.unsent.subarray(length);
  const more = !request.continues && exchange.unsent.length > 0;
  const final = request.final && !more;
  exchange.targetTransferTag = final ? RESERVED_TAG : c.nextTransferTag();
  c.outbox.pdu(writeTextResponse, {
    final,
    continues: more,
    dataSegmentLength: length,
    lunHigh: 0,
    lunLow: 0,
    initiatorTaskTag: exchange.initiatorTaskTag,
    targetTransferTag: exchange.targetTransferTag,
    statSN: c.nextStatSN(),
    expCmdSN: s.window.expCmdSN,
    maxCmdSN: s.window.maxCmdSN,
  });
  c.outbox.data(piece, 0, length);
  if (final) {
    c.maxSendDataSegmentLength = exchange.declaredLength ?? c.maxSendDataSegmentLength;
    c.text = undefined;
  }
  c.wake();
}

/** RFC 7143 appendix C. A Normal session learns of its own target only. */
function listTargets(c: TargetConnection, s: TargetSession, pairs: readonly TextPair[]): TextPair[] {
  const [only] = pairs;
  if (pairs.length !== 1 || only === undefined) {
    throw new ProtocolError('Cannot take SendTargets together with other keys', { clause: 'C' });
  }
  const [, asked] = only;
  const { discovery } = s.identity;
  if (asked === 'All' ? !discovery : asked === '' && discovery) return [['SendTargets', 'Reject']];
  const own = s.entry;
  const visible = discovery ? c.node.targets : own === undefined ? [] : [own];
  const named = asked === 'All' || asked === '' ? visible : visible.filter(({ name }) => name === asked);
  return formatSendTargets(
    named.map((entry) => ({ name: entry.name, addresses: c.node.addressesOf(entry, c.portal) })),
  );
}

/** Negotiation in full feature phase (RFC 7143 §6.4): only keys that may change then, each once. */
function negotiate(
  c: TargetConnection,
  s: TargetSession,
  exchange: TextExchange,
  pairs: readonly TextPair[],
): TextPair[] {
  const { discovery } = s.identity;
  const context: NegotiationContext = {
    role: 'target',
    sessionType: discovery ? 'Discovery' : 'Normal',
    leading: false,
    policy: c.node.policy,
    authMethods: [],
  };
  const replies: TextPair[] = [];
  for (const [name, value] of pairs) {
    if (exchange.seen.has(name))
      throw new ProtocolError(`Cannot take ${name} twice in one negotiation`, { clause: '6.4' });
    exchange.seen.add(name);
    if (exchange.seen.size > KEY_LIMIT) {
      throw new ProtocolError(`Cannot take more than ${KEY_LIMIT} keys in one negotiation`, { clause: '6.2' });
    }
    const key = findKey(name);
    if (key !== undefined && (key.use !== 'ALL' || key.sender === 'target')) {
      throw new ProtocolError(`Cannot take ${name} after the login`, { clause: key.clause });
    }
    const reply = answer(name, value, context, new Map());
    if (name === 'MaxRecvDataSegmentLength') exchange.declaredLength = Number(reply.result);
    if (reply.value !== undefined) replies.push([name, reply.value]);
  }
  return replies;
}
